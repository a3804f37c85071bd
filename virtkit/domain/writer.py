"""Resolved XML: the text as written, with what resolution decided put in, and nothing else touched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from virtkit.domain.address import NUMBERS, Address, PciAddress
from virtkit.domain.device_classes import DEVICE_CLASSES, Inventory, turns
from virtkit.domain.devices import Change, Device
from virtkit.domain.document import Document
from virtkit.domain.source_map import Span, spans

__all__ = ["write"]

CLASSES = turns(((one.written, one.name) for one in DEVICE_CLASSES if one.written is not None), "writing")
"""The lists of an Inventory in the order in which libvirt writes them."""

STEP = "  "

# A result is always UTF-8, so a declaration of another encoding would be untrue.
_ENCODING = re.compile(r"""(\A\ufeff?<\?xml[^>]*?\sencoding\s*=\s*["'])(?!utf-8\b)[A-Za-z0-9._-]+""", re.I)


def write(document: Document, devices: Inventory, os_type: Sequence[tuple[str, str]] = ()) -> str:
    """The document's text with the devices' changes, declared UTF-8 if it declares an encoding.

    ``os_type`` are attributes to set on ``<os><type>``.
    """
    text = document.text
    edits: dict[int, tuple[int, str]] = {}
    added: dict[int, list[str]] = {}
    root = spans(text)
    os_span = root.child("os")
    type_span = None if os_span is None else os_span.child("type")
    if type_span is not None and os_type:
        tag = _with_attributes(text[type_span.start : type_span.inner], os_type)
        edits[type_span.start] = (type_span.inner, tag)
    holders = [child for child in root.children if child.name == "devices"]
    elements = [child for holder in holders for child in holder.children]
    indent = _indent_of(text, elements[0].start) if elements else STEP * 2
    anchor = -1
    loose: list[str] = []
    for name in CLASSES:
        group: list[Device] = getattr(devices, name)
        if not group:
            continue
        written = sorted(device.position for device in group if device.element is not None)
        taken = 0
        for device in group:
            if device.element is None:
                chunk = _new(device, indent)
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
            changed = device.changes or device.readdressed
            if changed or place != device.position:
                source = elements[device.position]
                chunk = _edited(text, source, device) if changed else text[source.start : source.end]
                target = elements[place]
                edits[target.start] = (target.end, chunk)
        if written:
            anchor = max(anchor, written[-1])
    return _compose(text, root, holders, elements, edits, added, loose, indent)


def _compose(
    text: str,
    root: Span,
    holders: list[Span],
    elements: list[Span],
    edits: dict[int, tuple[int, str]],
    added: dict[int, list[str]],
    loose: list[str],
    indent: str,
) -> str:
    """Join the untouched text with the edits and the added devices."""
    inserts: dict[int, str] = {}
    for place, chunks in added.items():
        if place >= 0:
            inserts[elements[place].end] = "".join(f"\n{indent}{chunk}" for chunk in chunks)
        else:
            before = elements[~place].start
            start, chunk = edits.get(before, (elements[~place].end, text[before : elements[~place].end]))
            edits[before] = (start, "".join(f"{one}\n{indent}" for one in chunks) + chunk)
    if loose:
        body = "".join(f"\n{indent}{chunk}" for chunk in loose)
        outer = indent[: -len(STEP)] if indent.endswith(STEP) else indent
        if not holders:
            inserts[root.outer] = f"{STEP}<devices>{body}\n{STEP}</devices>\n"
        elif holders[0].inner == holders[0].end:
            tag = text[holders[0].start : holders[0].inner]
            opened = tag[:-2].rstrip() + ">"
            edits[holders[0].start] = (holders[0].inner, f"{opened}{body}\n{outer}</devices>")
        elif elements:
            inserts[holders[0].inner] = body
        else:
            inserts[holders[0].inner] = (
                body if text[holders[0].inner : holders[0].outer].strip(" ") else f"{body}\n{outer}"
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
    whole = "".join(pieces)
    encoding = _ENCODING.match(whole)
    return whole if encoding is None else f"{encoding[1]}UTF-8{whole[encoding.end() :]}"


def _indent_of(text: str, start: int) -> str:
    line = text.rfind("\n", 0, start) + 1
    lead = text[line:start]
    return lead if not lead.strip() else STEP * 2


def escape(value: str) -> str:
    """Text made safe inside an attribute with single quotes."""
    if not _UNSAFE.search(value):
        return value
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&apos;")


_UNSAFE = re.compile(r"[&<>']")


@cache
def _attribute(name: str) -> re.Pattern[str]:
    return re.compile(rf"(\s{re.escape(name)}\s*=\s*)(\"[^\"]*\"|'[^']*')")


def _with_attributes(tag: str, attributes: Sequence[tuple[str, str]]) -> str:
    """A start tag with attributes set: in place where they stand, else at the end."""
    for name, value in attributes:
        value = escape(value)
        match = _attribute(name).search(tag)
        if match is not None:
            quote = match.group(2)[0]
            tag = f"{tag[: match.end(1)]}{quote}{value}{quote}{tag[match.end() :]}"
        else:
            close = 2 if tag.endswith("/>") else 1
            tag = f"{tag[:-close].rstrip()} {name}='{value}'{tag[-close:]}"
    return tag


def _edited(text: str, span: Span, device: Device) -> str:
    """A written element with its device's changes."""
    indent = _indent_of(text, span.start)
    return _rewrite(text, span, device.changes, device.address if device.readdressed else None, indent)


def _rewrite(text: str, span: Span, changes: Sequence[Change], address: Address | None, indent: str) -> str:
    own = [(change.attribute, change.value) for change in changes if not change.path and change.attribute]
    below: dict[str, list[Change]] = {}
    for change in changes:
        if change.path:
            head, _, rest = change.path.partition("/")
            below.setdefault(head, []).append(Change(rest, change.attribute, change.value))
        elif not change.attribute:
            below.setdefault("", []).append(change)
    tag = _with_attributes(text[span.start : span.inner], own) if own else text[span.start : span.inner]
    for change in below.pop("#unset", ()):
        tag = _attribute(change.attribute).sub("", tag)
    if not below and address is None:
        return tag + text[span.inner : span.end]
    pieces = []
    at = span.inner
    dropped = {change.attribute for change in below.pop("#drop", ())}
    for child in span.children:
        inner: str | None = None
        if child.name in dropped:
            inner = ""
        elif child.name in below:
            inner = _rewrite(text, child, below.pop(child.name), None, indent + STEP)
        elif child.name == "address" and address is not None:
            inner = _readdressed(text, child, address, indent + STEP)
            address = None
        if inner is not None:
            pieces.append(text[at : child.start])
            pieces.append(inner)
            at = child.end
    if at < span.outer:
        pieces.append(text[at : span.outer])
    body = "".join(pieces)
    new = [_child(name, some, indent + STEP) for name, some in below.items() if name]
    if address is not None:
        new.append(_address(address, indent + STEP))
    words = "".join(change.value for change in below.get("", ()))
    if new:
        if span.children or body.strip():
            body = body.rstrip() + "".join(f"\n{indent}{STEP}{chunk}" for chunk in new) + f"\n{indent}"
        else:
            body = "".join(f"\n{indent}{STEP}{chunk}" for chunk in new) + f"\n{indent}"
    body += escape(words)
    if span.inner == span.end:
        name = span.name
        if not body:
            return tag
        return f"{tag[:-2].rstrip()}>{body}</{name}>"
    return f"{tag}{body}{text[span.outer : span.end]}"


def _readdressed(text: str, span: Span, address: Address, indent: str) -> str:
    """An ``<address>`` element with its numbers set; what else it holds stays."""
    tag = text[span.start : span.inner]
    kind = _attribute("type").search(tag)
    if kind is None or kind.group(2)[1:-1] != address.type:
        return _address(address, indent)
    changes = [Change("", name, value) for name, value in address.pairs()]
    # Numbers of another form, or of an address that names no place, and its multifunction mark, go.
    changes += [
        Change("#unset", name, "") for name in sorted(NUMBERS.difference(change.attribute for change in changes))
    ]
    if isinstance(address, PciAddress) and address.uid is not None:
        changes += _zpci(address)
    return _rewrite(text, span, changes, None, indent)


def _zpci(address: PciAddress) -> list[Change]:
    found = [Change("zpci", "uid", f"0x{address.uid or 0:04x}")]
    if address.fid is not None:
        found.append(Change("zpci", "fid", f"0x{address.fid:08x}"))
    return found


def _address(address: Address, indent: str) -> str:
    if isinstance(address, PciAddress) and not address.empty:
        # The common case, written out: it is most of what a resolution adds.
        multi = f" multifunction='{address.multifunction}'" if address.multifunction else ""
        head = (
            f"<address type='pci' domain='0x{address.domain:04x}' bus='0x{address.bus:02x}' "
            f"slot='0x{address.slot:02x}' function='0x{address.function:x}'{multi}"
        )
        if address.uid is None:
            return head + "/>"
        fid = "" if address.fid is None else f" fid='0x{address.fid:08x}'"
        return f"{head}>\n{indent}{STEP}<zpci uid='0x{address.uid:04x}'{fid}/>\n{indent}</address>"
    return f"<address type='{address.type}'" + "".join(f" {k}='{v}'" for k, v in address.pairs()) + "/>"


def _child(name: str, changes: Sequence[Change], indent: str) -> str:
    """A new child element from its changes."""
    if name == "#raw":
        return "".join(change.value for change in changes)
    own = "".join(
        f" {change.attribute}='{escape(change.value)}'" for change in changes if not change.path and change.attribute
    )
    words = "".join(escape(change.value) for change in changes if not change.path and not change.attribute)
    below: dict[str, list[Change]] = {}
    for change in changes:
        if change.path:
            head, _, rest = change.path.partition("/")
            below.setdefault(head, []).append(Change(rest, change.attribute, change.value))
    if not below:
        return f"<{name}{own}>{words}</{name}>" if words else f"<{name}{own}/>"
    body = "".join(f"\n{indent}{STEP}{_child(head, some, indent + STEP)}" for head, some in below.items())
    return f"<{name}{own}>{body}\n{indent}</{name}>"


def _new(device: Device, indent: str) -> str:
    """The element of a device that resolution added."""
    own: list[str] = []
    below: dict[str, list[Change]] = {}
    for change in device.changes:
        if change.path:
            head, _, rest = change.path.partition("/")
            below.setdefault(head, []).append(Change(rest, change.attribute, change.value))
        else:
            own.append(f" {change.attribute}='{escape(change.value)}'")
    start = f"<{device.kind}{''.join(own)}"
    children = [_child(name, some, indent + STEP) for name, some in below.items()]
    if device.address is not None:
        children.append(_address(device.address, indent + STEP))
    if not children:
        return start + "/>"
    return f"{start}>" + "".join(f"\n{indent}{STEP}{child}" for child in children) + f"\n{indent}</{device.kind}>"
