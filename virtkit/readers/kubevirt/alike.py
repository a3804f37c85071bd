"""The items of a long list, each with a key that machines share which differ only in names and the like.

Machines with one key become the same domain except for its name and lines, so that many of a cluster are judged once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtkit.memo import keep
from virtkit.readers.contract import Item
from virtkit.readers.kubevirt.portions import Form, form_of, is_shared, parts

__all__ = ["items"]

#: What no device and no verdict depends on: identity, labels, images and claims, user data, addresses of NICs.
_IDENTITY = rb"(?:name|namespace|uid|resourceVersion|generation|creationTimestamp|selfLink)"
_VALUE = (
    rb"(?:claimName|image|hostname|subdomain|userDataBase64|networkDataBase64|kubevirt\.io/(?:vm|domain|size|vmpool)|app)"
)
_TEXT = rb"(?:userData|networkData|kubectl\.kubernetes\.io/last-applied-configuration)"
_MAC = rb"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}"
_STRING = rb'"(?:[^"\\]|\\.)*"'


@dataclass(frozen=True, slots=True)
class _Lines:
    """How the lines of an item look in one form: the metadata, where spec and status begin, and what does not matter.

    The first group of ``identity``, ``value`` and ``named`` is what remains of a line; ``named`` matters only after a
    line that ends with one of ``holders``. The lines of a block of text, which ``block`` begins, become empty.
    """

    name: re.Pattern[bytes]
    namespace: re.Pattern[bytes]
    spec: bytes
    status: bytes
    identity: re.Pattern[bytes]
    value: re.Pattern[bytes]
    named: re.Pattern[bytes]
    holders: tuple[bytes, ...]
    block: re.Pattern[bytes] | None


_LINES = {
    "yaml": _Lines(
        re.compile(rb"    name: ([a-z0-9][a-z0-9.-]{0,252})"),
        re.compile(rb"    namespace: ([a-z0-9][a-z0-9-]{0,62})"),
        b"  spec:",
        b"  status:",
        re.compile(rb"(    %b:) \S+" % _IDENTITY),
        re.compile(
            rb"""( *(?:- )?%b:) [\w./:@+=-]+|( *(?:- )?macAddress:) ["']?%b["']?""" % (_VALUE, _MAC)
        ),
        re.compile(rb"( *name:) [\w.-]+"),
        (b"dataVolume:", b"metadata:"),
        re.compile(rb"( *)(?:- )?%b: [|>][-+]?" % _TEXT),
    ),
    "json": _Lines(
        re.compile(rb' {16}"name": "([a-z0-9][a-z0-9.-]{0,252})",?'),
        re.compile(rb' {16}"namespace": "([a-z0-9][a-z0-9-]{0,62})",?'),
        b'            "spec": {',
        b'            "status": {',
        re.compile(rb'( {16}"%b":) (?:%b|\d+),?' % (_IDENTITY, _STRING)),
        re.compile(
            rb'( *"%b":) "[\w./:@+=-]+",?|( *"%b":) %b,?|( *"macAddress":) "%b",?' % (_VALUE, _TEXT, _STRING, _MAC)
        ),
        re.compile(rb'( *"name":) "[\w.-]+",?'),
        (b'"dataVolume": {', b'"metadata": {'),
        None,
    ),
}
_MOST_LINES = 100_000


def items(data: bytes) -> list[Item]:
    """The items of a list in a form that kubectl prints, and of a portion of one; none for any other text."""
    form = form_of(data)
    if form is None or is_shared(data):
        return []
    found = []
    for part in parts(data, form, 0):
        key, name, namespace = _key(part.text, form)
        found.append(Item(part.alone, key, f"{namespace}.{name}", f"{namespace}_{name}", part.line))
    return found


def _key(text: bytes, form: Form) -> tuple[bytes, str, str]:
    """The key of an item, with its name and namespace."""
    form_lines = _LINES[form.name]
    lines = text.split(b"\n")
    if form_lines.status in lines:
        del lines[lines.index(form_lines.status) :]
    if form_lines.spec not in lines:
        return b"", "", ""
    spec = lines.index(form_lines.spec)
    names = [found for line in lines[:spec] if (found := form_lines.name.fullmatch(line))]
    spaces = [found for line in lines[:spec] if (found := form_lines.namespace.fullmatch(line))]
    if len(names) != 1 or (not spaces and b"namespace" in b"".join(lines[:spec])):
        return b"", "", ""
    head = [found[1] if (found := form_lines.identity.fullmatch(line)) else line for line in lines[:spec]]
    namespace = spaces[0][1].decode() if spaces else "default"
    return b"\n".join(_open(head, form) + _open(lines[spec:], form)), names[0][1].decode(), namespace


def _open(lines: list[bytes], form: Form) -> list[bytes]:
    """Lines without the values that do not matter; the lines of user data become empty."""
    result = []
    block = -1
    before = b""
    seen, holders = _seen[form.name], _LINES[form.name].holders
    for line in lines:
        if block >= 0:
            if not line.strip() or len(line) - len(line.lstrip(b" ")) > block:
                result.append(b"")
                continue
            block = -1
        known = seen.get(line)
        text, block, named = _remember(line, form) if known is None else known
        # The name of a data volume, and of its template.
        result.append(named if named and before.endswith(holders) else text)
        before = line
    return result


#: For a line of a form: what remains of it, the indentation of a block of text that begins there or -1, and what
#: remains of a name where names do not matter.
_seen: dict[str, dict[bytes, tuple[bytes, int, bytes]]] = {name: {} for name in _LINES}


def _remember(line: bytes, form: Form) -> tuple[bytes, int, bytes]:
    lines, seen = _LINES[form.name], _seen[form.name]
    found, named = lines.value.fullmatch(line), lines.named.fullmatch(line)
    block = None if lines.block is None else lines.block.fullmatch(line)
    text = next(group for group in found.groups() if group is not None) if found else line
    answer = (text, len(block[1]) if block else -1, named[1] if named else b"")
    return keep(seen, line, answer, _MOST_LINES)
