"""UUIDs of domains, as libvirt reads them.

Source: observed, libvirt 9.0. Signs ``-`` and spaces may stand before each pair of digits, and white space around all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from virtkit.domain.document import line_of
from virtkit.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Element

__all__ = ["check_uuid", "uuid_of"]

_UUID = re.compile(r"\s*(?:[- ]*[0-9a-f]{2}){16}\s*", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(r"[^0-9a-f]+")
_FORM = "32 hexadecimal digits such as 15ba1a3c-7874-4db5-a596-dfd435b8f05a"


def uuid_of(children: Mapping[object, Element]) -> str:
    """The UUID of a domain with these elements as written: its own, else that of its SMBIOS; "" where it has none."""
    own = children.get("uuid")
    if own is not None and own.text:
        return own.text.strip()
    entries = _of_smbios(children)
    return (entries[-1].text or "").strip() if entries else ""


def check_uuid(children: Mapping[object, Element]) -> None:
    """Refuse a malformed UUID of a domain with these elements, and another one in its SMBIOS. Raises Refused."""
    own = children.get("uuid")
    text = "" if own is None else own.text or ""
    if own is not None and text and _UUID.fullmatch(text) is None:
        what = f"malformed uuid element: {text.strip()!r}; expected {_FORM}"
        raise Refused("internal error", what, line=line_of(own))
    for entry in _of_smbios(children):
        other = entry.text or ""
        if _UUID.fullmatch(other) is None:
            what = f"malformed <sysinfo> uuid element: {other.strip()!r}; expected {_FORM}"
            raise Refused("XML error", what, line=line_of(entry))
        if text and _digits(text) != _digits(other):
            found = f"{text.strip()} and {other.strip()}"
            what = f"UUID mismatch between <uuid> and <sysinfo>: {found}; expected equal ones"
            raise Refused("XML error", what, line=line_of(entry))


def _of_smbios(children: Mapping[object, Element]) -> list[Element]:
    """The UUIDs among SMBIOS strings: the first of the first <system> of each <sysinfo>."""
    first = children.get("sysinfo")
    if first is None:
        return []
    holders = [one for one in (first, *first.itersiblings("sysinfo")) if one.get("type") == "smbios"]
    systems = [system for holder in holders if (system := holder.find("system")) is not None]
    entries = [[one for one in system.iterchildren("entry") if one.get("name") == "uuid"] for system in systems]
    return [some[0] for some in entries if some and some[0].text]


def _digits(text: str) -> str:
    return _DIGITS.sub("", text.lower())
