"""Texts that go into domain XML: names without invalid signs, files that may be shown, target names of disks."""

from __future__ import annotations

import re

__all__ = ["clean", "disk_name", "plain_path"]

_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PATH = re.compile(r"[^:{}@]+")
_LONGEST = 256


def clean(text: str) -> str:
    """A text without signs that XML cannot hold, bounded in length."""
    return _INVALID.sub("", text)[:_LONGEST]


def plain_path(text: str) -> str:
    """A file name that may be shown; an empty text for a URL, a protocol or JSON, whose parts can be passwords."""
    return clean(text) if _PATH.fullmatch(text) else ""


def disk_name(prefix: str, number: int) -> str:
    """The target name of disk N with a prefix: ``vda`` to ``vdz``, then ``vdaa``; ``nvme0n1`` for NVMe."""
    if prefix == "nvme":
        return f"nvme{number}n1"
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return prefix + letters
