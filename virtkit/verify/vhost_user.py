"""A stand-in for a vhost-user back end: it answers just enough for QEMU to realize the device.

Source of the messages: the vhost-user protocol, version 1, as published with the virtio device back ends
(requests and their replies by number); observed with QEMU 7.2.22 and 11.1.2 for fs and blk.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

__all__ = ["StandIn"]

_HEAD = struct.Struct("<III")
_VERSION, _REPLY, _NEED_REPLY = 0x1, 0x4, 0x8

#: Requests that are answered with a u64, and the answer. Features: VIRTIO_F_VERSION_1 and the protocol bit.
_VIRTIO_1, _PROTOCOL = 1 << 32, 1 << 30
_ANSWERS = {
    1: _VIRTIO_1 | _PROTOCOL,  # GET_FEATURES
    15: (1 << 0) | (1 << 3) | (1 << 9),  # GET_PROTOCOL_FEATURES: MQ, REPLY_ACK, CONFIG
    17: 8,  # GET_QUEUE_NUM
    36: 8,  # GET_MAX_MEM_SLOTS
}
_GET_VRING_BASE, _GET_CONFIG = 11, 24


class StandIn:
    """One connected pair of sockets: QEMU's end is ``fileno()``, the other is served by a thread."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """The descriptor for QEMU's ``-chardev socket,fd=``."""
        return self._theirs.fileno()

    def close(self) -> None:
        """Ends the thread; safe to call twice."""
        for end in (self._theirs, self._ours):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        try:
            while True:
                request, flags, size = _HEAD.unpack(self._exactly(_HEAD.size))
                body = self._exactly(size)
                answer = self._answer(request, flags, body)
                if answer is not None:
                    self._ours.sendall(_HEAD.pack(request, _VERSION | _REPLY, len(answer)) + answer)
        except (OSError, EOFError):
            return

    def _answer(self, request: int, flags: int, body: bytes) -> bytes | None:
        if request in _ANSWERS:
            return struct.pack("<Q", _ANSWERS[request])
        if request in (_GET_VRING_BASE, _GET_CONFIG):
            return body
        if flags & _NEED_REPLY:
            return struct.pack("<Q", 0)
        return None

    def _exactly(self, size: int) -> bytes:
        """``size`` bytes; file descriptors that come with them are closed at once."""
        found = b""
        while len(found) < size:
            data, descriptors, _flags, _address = socket.recv_fds(self._ours, size - len(found), 16)
            for descriptor in descriptors:
                socket.close(descriptor)
            if not data:
                raise EOFError
            found += data
        return found
