"""What the families of guest operating systems are called."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FAMILIES"]

#: Names of the families of guests, in the order in which pages show them; other families follow by name.
FAMILIES: Mapping[str, str] = {
    "linux": "Linux",
    "winnt": "Windows NT and later",
    "freebsd": "FreeBSD and kin",
    "openbsd": "OpenBSD",
    "netbsd": "NetBSD",
    "dragonflybsd": "DragonFly BSD",
    "solaris": "Solaris",
    "illumos": "illumos",
    "darwin": "macOS",
    "win9x": "Windows 9x",
    "win16": "Windows 16 bit",
    "dos": "DOS",
    "haiku": "Haiku",
    "hurd": "GNU Hurd",
    "netware": "Novell NetWare",
}
