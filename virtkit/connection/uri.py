"""Connection URIs of libvirt, as they are written where a file may be written."""

from __future__ import annotations

import re

__all__ = ["is_uri"]

# DRIVER[+TRANSPORT]://[USER@][HOST][:PORT]/PATH. Source: libvirt, "Connection URIs".
_URI = re.compile(r"[a-z][a-z0-9]*(\+[a-z0-9]+)?://")


def is_uri(text: str) -> bool:
    """Whether a text names a libvirt connection, such as ``qemu:///system``, and no file."""
    return _URI.match(text) is not None
