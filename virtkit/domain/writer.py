"""Resolved XML: the text as written with the decisions of the resolution, and no other change."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter

from virtkit.domain import device_texts
from virtkit.domain.device_classes import DEVICE_CLASSES, Inventory, turns
from virtkit.domain.devices import Device
from virtkit.domain.document import Document
from virtkit.domain.editor import STEP, indent_of, line_break_of, with_attributes
from virtkit.domain.source_map import Outline, outline

__all__ = ["write"]

CLASSES = turns(((one.written, one.name) for one in DEVICE_CLASSES if one.written is not None), "writing")
"""The lists of an Inventory in the order in which libvirt writes them."""
_GROUPS: Callable[[Inventory], tuple[list[Device], ...]] = attrgetter(*CLASSES)

# A result is always UTF-8, so a declaration of another encoding would be wrong.
_ENCODING = re.compile(r"""(\A\ufeff?<\?xml[^>]*?\sencoding\s*=\s*["'])(?!utf-8\b)[A-Za-z0-9._-]+""", re.I)


def write(
    document: Document,
    devices: Inventory,
    os_type: Sequence[tuple[str, str]] = (),
    outline_of: Callable[[], Outline] | None = None,
) -> str:
    """The document's text with the edits of its devices; an encoding that it declares becomes UTF-8.

    ``os_type`` are attributes to set on ``<os><type>``, ``outline_of`` gives the outline of the text where it
    may be known.
    """
    text = document.text
    groups = [group for group in _GROUPS(devices) if group]
    unchanged = [_is_unchanged(group) for group in groups]
    if not os_type and all(unchanged):
        return _in_utf8(text)
    edits: dict[int, tuple[int, str]] = {}
    added: dict[int, list[str]] = {}
    found = outline_of() if outline_of else outline(text)
    if os_type and found.os_type is not None:
        tag = with_attributes(text[found.os_type.start : found.os_type.inner], os_type)
        edits[found.os_type.start] = (found.os_type.inner, tag)
    places = found.places
    indent = indent_of(text, places[0][0]) if places else line_break_of(text) + STEP * 2
    anchor = -1
    loose: list[str] = []
    for group, same in zip(groups, unchanged, strict=True):
        if same:
            anchor = group[-1].position
            continue
        written = sorted(device.position for device in group if not device.added)
        taken = 0
        for device in group:
            if device.added:
                chunk = device_texts.new(device.kind, device.edits, device.address, indent)
                if taken:
                    anchor = written[taken - 1]
                if not taken and written:
                    added.setdefault(~written[0], []).append(chunk)
                elif anchor < 0:
                    loose.append(chunk)
                else:
                    added.setdefault(anchor, []).append(chunk)
                continue
            place = written[taken]
            taken += 1
            anchor = place
            changed = device.edits or device.readdressed
            if changed or place != device.position:
                chunk = found.texts[device.position]
                if changed:
                    address = device.address if device.readdressed else None
                    own = indent_of(text, places[device.position][0])
                    chunk = device_texts.edited(device.kind, chunk, device.edits, address, own)
                start, end = places[place]
                edits[start] = (end, chunk)
        if written:
            anchor = max(anchor, written[-1])
    return _compose(text, found, edits, added, loose, indent)


def _is_unchanged(group: Sequence[Device]) -> bool:
    """Whether the devices of a class are written, in this order, and nothing about them changes."""
    if len(group) == 1:
        device = group[0]
        return device.position >= 0 and not device.edits and not device.readdressed
    last = -1
    for device in group:
        if device.position <= last or device.edits or device.readdressed:
            return False
        last = device.position
    return True


def _compose(
    text: str,
    found: Outline,
    edits: dict[int, tuple[int, str]],
    added: dict[int, list[str]],
    loose: list[str],
    indent: str,
) -> str:
    """Join the untouched text with the edits and the added devices."""
    holders, places = found.holders, found.places
    inserts: dict[int, str] = {}
    for place, chunks in added.items():
        if place >= 0:
            inserts[places[place][1]] = "".join(f"{indent}{chunk}" for chunk in chunks)
        else:
            before, behind = places[~place]
            end, chunk = edits.get(before, (behind, text[before:behind]))
            edits[before] = (end, "".join(f"{one}{indent}" for one in chunks) + chunk)
    if loose:
        body = "".join(f"{indent}{chunk}" for chunk in loose)
        outer = indent[: -len(STEP)] if indent.endswith(STEP) else indent
        if not holders:
            newline = line_break_of(text)
            inserts[found.end] = f"{STEP}<devices>{body}{newline}{STEP}</devices>{newline}"
        elif holders[0].inner == holders[0].end:
            tag = text[holders[0].start : holders[0].inner]
            opened = tag[:-2].rstrip() + ">"
            edits[holders[0].start] = (holders[0].inner, f"{opened}{body}{outer}</devices>")
        elif places:
            inserts[holders[0].inner] = body
        else:
            inserts[holders[0].inner] = (
                body if text[holders[0].inner : holders[0].outer].strip(" ") else f"{body}{outer}"
            )
    pieces = []
    at = 0
    points = sorted({*edits, *inserts})
    for point in points:
        if point < at:
            continue
        pieces.append(text[at:point])
        at = point
        insert = inserts.get(point)
        if insert is not None:
            pieces.append(insert)
        edit = edits.get(point)
        if edit is not None:
            end, chunk = edit
            pieces.append(chunk)
            at = end
            after = inserts.get(end)
            if after is not None and end not in edits:
                pieces.append(after)
                del inserts[end]
    pieces.append(text[at:])
    return _in_utf8("".join(pieces))


def _in_utf8(whole: str) -> str:
    """A document with the encoding of a result in its declaration."""
    encoding = _ENCODING.match(whole)
    return whole if encoding is None else f"{encoding[1]}UTF-8{whole[encoding.end() :]}"
