"""The domain files in tar and zip archives, read one at a time; nothing is written to disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from virtkit import limits
from virtkit.domain.document import MAX_BYTES
from virtkit.fleet.requests import Section
from virtkit.fleet.streams import BROKEN, is_bundle
from virtkit.fleet.tar import ArchiveError, Content, members
from virtkit.inputs import SAVE_HEAD, InMemory, Source, Unreadable, is_domain_file, patterns, stem
from virtkit.readers import SAVED
from virtkit.readers.contract import SAVE_IMAGE

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["tar_members", "zip_members"]

log = logging.getLogger("virtkit")


def tar_members(stream: BinaryIO, label: str, file: str = "") -> Iterator[Source]:
    """The domain files of a tar archive, named LABEL!MEMBER, in order. Links and devices are passed over.

    With the name of a ``file`` that is an archive without compression, members are not read here, but where their
    source is. What is wrong with the archive or a member gives a source whose ``read`` raises InputError. Memory does
    not depend on the number of members.
    """
    found = passed = 0
    seen = _Seen()
    try:
        for member in members(stream):
            name, size = member.name, member.size
            if reason := seen.beyond(size):
                yield _rest(label, reason)
                return
            if not member.regular or not is_domain_file(_last(name)):
                passed += size
                seen.other(label, name)
            elif size > MAX_BYTES and not name.endswith(SAVED):
                found += 1
                passed += size
                yield _unreadable(label, name, limits.BYTES.too_large)
            elif file and member.whole and not name.endswith(SAVED):
                found += 1
                yield Section(*_names(label, name), named=False, file=file, offset=member.offset, size=size)
            elif (data := _content(member.opened(), name)) is None:
                passed += size
            else:
                found += 1
                passed += size - len(data)
                yield _member(label, name, data)
            if passed > limits.OTHER_BYTES.most:
                yield _rest(label, f"more than {limits.OTHER_BYTES.size} of other files; {limits.OTHER_BYTES.remedy}")
                return
    except (ArchiveError, OSError, EOFError, ValueError) as error:
        yield _rest(label, str(error))
        return
    if not found:
        yield _empty(label)


def zip_members(stream: BinaryIO, label: str) -> Iterator[Source]:
    """The domain files of a zip archive, likewise. ``stream`` can seek; the directory of the archive is in memory."""
    import zipfile

    found = 0
    seen = _Seen()
    # Broken data, or a way of storing them that Python does not know.
    broken = (*BROKEN, OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile)
    try:
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                if reason := seen.beyond(member.file_size):
                    yield _rest(label, reason)
                    return
                if member.is_dir() or not is_domain_file(_last(member.filename)):
                    seen.other(label, member.filename)
                    continue
                if member.flag_bits & 1:
                    found += 1
                    yield _unreadable(label, member.filename, "it is encrypted; extract it and pass the file")
                    continue
                try:
                    with archive.open(member) as content:
                        data = _content(content, member.filename)
                except broken as error:
                    found += 1
                    yield _unreadable(label, member.filename, f"cannot be read: {error}")
                    continue
                if data is None:
                    continue
                found += 1
                if len(data) > MAX_BYTES:
                    yield _unreadable(label, member.filename, limits.BYTES.too_large)
                else:
                    yield _member(label, member.filename, data)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        # zipfile's words, also for an archive that is cut off.
        missing = "its directory, which is at its end, is missing or damaged; it may be cut off"
        yield _rest(label, missing if str(error) == "File is not a zip file" else str(error))
        return
    if not found:
        yield _empty(label)


class _Seen:
    """The members and bytes of an archive that have been seen."""

    def __init__(self) -> None:
        self._members = self._bytes = 0
        self._warned = False

    def other(self, label: str, name: str) -> None:
        """Say once that archives in the archive are not read."""
        if not self._warned and is_bundle(name):
            self._warned = True
            log.warning("%s: archives inside are not read, such as %s; extract them and name them", label, name)

    def beyond(self, size: int) -> str:
        """Count one more member; the limit that it exceeds in words, or ""."""
        self._members += 1
        self._bytes += size
        if self._members > limits.ARCHIVE_MEMBERS.most:
            return f"it has more than {limits.ARCHIVE_MEMBERS.size} members; {limits.ARCHIVE_MEMBERS.remedy}"
        if self._bytes > limits.ARCHIVE_BYTES.most:
            return f"it unpacks to more than {limits.ARCHIVE_BYTES.size}; {limits.ARCHIVE_BYTES.remedy}"
        return ""


def _content(stream: Content, name: str) -> bytes | None:
    """What is read of a member: of a save image its beginning; None for another file whose name ends as that of one."""
    if not name.endswith(SAVED):
        return stream.read(MAX_BYTES + 1)
    head = stream.read(len(SAVE_IMAGE))
    return head + stream.read(SAVE_HEAD) if head == SAVE_IMAGE else None


def _names(label: str, name: str) -> tuple[str, None, str]:
    return stem(_last(name)), None, f"{label}!{name}"


def _member(label: str, name: str, data: bytes) -> Source:
    return InMemory(*_names(label, name), named=False, data=data)


def _unreadable(label: str, name: str, reason: str) -> Source:
    return Unreadable(*_names(label, name), reason=reason)


def _rest(label: str, reason: str) -> Source:
    name = _last(label)
    return Unreadable(name, None, label, reason=f"the rest of the archive cannot be read: {reason}")


def _empty(label: str) -> Source:
    return Unreadable(_last(label), None, label, reason=f"the archive has no {patterns()} file")


def _last(name: str) -> str:
    """The last part of a path in an archive."""
    return name.rstrip("/").rpartition("/")[2]
