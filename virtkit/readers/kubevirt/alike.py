"""The items of a long list, each with a key that machines share which differ only in names and the like.

Machines with one key become the same domain except for its name, UUID and lines, so that many of a cluster are judged
once. A value is left out of the key only in a form in which it cannot change whether and how the list is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtkit.memo import keep
from virtkit.readers.contract import Item
from virtkit.readers.kubevirt.portions import Form, form_of, is_shared, parts

__all__ = ["items"]

#: What no device and no verdict depends on: identity, images and claims, user data, serials, addresses of NICs.
_IDENTITY = rb"(?:name|namespace|uid|resourceVersion|generation|creationTimestamp|selfLink)"
_VALUE = rb"(?:claimName|image|hostname|subdomain|userDataBase64|networkDataBase64)"
_TEXT = rb"(?:userData|networkData|kubectl\.kubernetes\.io/last-applied-configuration)"
#: What Kubernetes and other software keep beside an object; KubeVirt reads its own annotations only.
_ASIDE = rb"(labels|annotations|ownerReferences)"
_KEY = rb"[A-Za-z][\w./-]*"
_OF_OTHERS = rb"(?!(?:[\w-]+\.)*kubevirt\.io/)" + _KEY

_MAC = rb"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}"
_UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SERIAL = rb"[A-Za-z][\w.-]{0,100}"
# A word that YAML reads as text. Numbers and booleans are values of another type.
_NO_TEXT = rb"(?!(?:-?\d+|(?i:true|false|yes|no|on|off|null))$)"
_WORD = rb"\w(?:[\w./:@+=-]*[\w./@+=-])?"
_QUOTED = rb""""(?:[ !#-\[\]-~]|\\["\\])*"|'(?:[ -&(-~]|'')*'"""
_STRING = rb'"(?:[ !#-\[\]-~]|\\["\\nrt]|\\u00[2-7][0-9a-f])*"'


@dataclass(frozen=True, slots=True)
class _Lines:
    """How the lines of an item look in one form: the metadata, where spec and status begin, and what does not matter.

    The group that matched in ``identity``, ``value`` and ``named`` is what is left out of a line; ``named`` only after
    a line that ends with one of ``holders``. Below a line that ``aside`` matches it is that of ``annotation`` or
    ``label``. The lines of a block of text, which ``block`` begins, become empty. ``uuid`` finds the UUID of the
    firmware.
    """

    name: re.Pattern[bytes]
    namespace: re.Pattern[bytes]
    spec: bytes
    status: bytes
    identity: re.Pattern[bytes]
    value: re.Pattern[bytes]
    named: re.Pattern[bytes]
    holders: tuple[bytes, ...]
    aside: re.Pattern[bytes]
    annotation: re.Pattern[bytes]
    label: re.Pattern[bytes]
    block: re.Pattern[bytes] | None
    uuid: re.Pattern[bytes]


_LINES = {
    "yaml": _Lines(
        re.compile(rb"    name: (%b[a-z0-9][a-z0-9.-]{0,252})" % _NO_TEXT),
        re.compile(rb"    namespace: (%b[a-z0-9][a-z0-9-]{0,62})" % _NO_TEXT),
        b"  spec:",
        b"  status:",
        re.compile(rb"    %b: (%b|%b)" % (_IDENTITY, _WORD, _QUOTED)),
        re.compile(
            rb""" *(?:- )?%b: (%b%b)| *(?:- )?macAddress: ["']?(%b)["']?| *(?:- )?serial: (%b%b)"""
            % (_VALUE, _NO_TEXT, _WORD, _MAC, _NO_TEXT, _SERIAL)
        ),
        re.compile(rb" *name: (%b[A-Za-z0-9][\w.-]*)" % _NO_TEXT),
        (b"dataVolume:", b"metadata:"),
        re.compile(rb"( *)%b:" % _ASIDE),
        re.compile(rb" *%b: (%b|%b)" % (_OF_OTHERS, _WORD, _QUOTED)),
        re.compile(rb" *(?:- )?%b: (%b|%b)" % (_KEY, _WORD, _QUOTED)),
        re.compile(rb"( *)(?:- )?%b: [|>][-+]?" % _TEXT),
        re.compile(rb"^( +)firmware:\n(?:\1  [^\n]*\n)*?\1  uuid: (%b)$" % _UUID, re.M),
    ),
    "json": _Lines(
        re.compile(rb' {16}"name": "([a-z0-9][a-z0-9.-]{0,252})",?'),
        re.compile(rb' {16}"namespace": "([a-z0-9][a-z0-9-]{0,62})",?'),
        b'            "spec": {',
        b'            "status": {',
        re.compile(rb' {16}"%b": (%b|\d+),?' % (_IDENTITY, _STRING)),
        re.compile(
            rb' *"%b": "([\w./:@+=-]+)",?| *"%b": (%b),?| *"macAddress": "(%b)",?| *"serial": "(%b)",?'
            % (_VALUE, _TEXT, _STRING, _MAC, _SERIAL)
        ),
        re.compile(rb' *"name": "([\w.-]+)",?'),
        (b'"dataVolume": {', b'"metadata": {'),
        re.compile(rb'( *)"%b": [\[{]' % _ASIDE),
        re.compile(rb' *"%b": (%b),?' % (_OF_OTHERS, _STRING)),
        re.compile(rb' *"%b": (%b),?' % (_KEY, _STRING)),
        None,
        re.compile(rb'^( +)"firmware": \{\n(?:\1 {4}[^\n]*\n)*?\1 {4}"uuid": "(%b)",?$' % _UUID, re.M),
    ),
}
_MOST_LINES = 100_000


def items(data: bytes) -> list[Item]:
    """The items of a list in a form that kubectl prints, and of a portion of one; none for any other text."""
    form = form_of(data)
    if form is None or is_shared(data):
        return []
    return [_item(part.text, part.alone, part.line, form) for part in parts(data, form, 0)]


def _item(text: bytes, alone: bytes, line: int, form: Form) -> Item:
    """An item; its key is empty where its metadata is not as kubectl prints it."""
    form_lines = _LINES[form.name]
    nothing = Item(alone, b"", "", "", "", line)
    text = text.partition(b"\n" + form_lines.status + b"\n")[0]
    uuids = [found.span(2) for found in form_lines.uuid.finditer(text)]
    uuid = b""
    if len(uuids) == 1:
        begin, end = uuids[0]
        text, uuid = text[:begin] + text[end:], text[begin:end]
    lines = text.split(b"\n")
    if form_lines.spec not in lines or not _is_plain(text):
        return nothing
    spec = lines.index(form_lines.spec)
    names = [found for one in lines[:spec] if (found := form_lines.name.fullmatch(one))]
    spaces = [found for one in lines[:spec] if (found := form_lines.namespace.fullmatch(one))]
    if len(names) != 1 or (not spaces and b"namespace" in b"".join(lines[:spec])):
        return nothing
    head = [_without(form_lines.identity.fullmatch(one), one) for one in lines[:spec]]
    name, namespace = names[0][1].decode(), spaces[0][1].decode() if spaces else "default"
    domain = f"{namespace}_{name}"
    equal = _equal([domain.encode(), uuid, *_IN_DOMAIN.findall(text)])
    return Item(
        alone, b"\n".join([*_open(head, form), *_open(lines[spec:], form), equal]), f"{namespace}.{name}", domain,
        uuid.decode(), line,
    )  # fmt: skip


#: The values that are left out of a key and reach the domain.
_IN_DOMAIN = re.compile(rb"""\b(?:macAddress|serial)"?: ["']?([\w.:-]+)""")


def _equal(values: list[bytes]) -> bytes:
    """Which of some values are equal: it is part of a domain's shape."""
    first: dict[bytes, int] = {}
    return repr([first.setdefault(value, place) for place, value in enumerate(values)] + [not values[1]]).encode()


def _is_plain(text: bytes) -> bool:
    """Whether a text is UTF-8 without signs that end a line in YAML or that YAML refuses."""
    if text.isascii():
        return True
    try:
        return _NOT_PLAIN.search(text.decode()) is None
    except UnicodeDecodeError:
        return False


_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _without(found: re.Match[bytes] | None, line: bytes) -> bytes:
    """A line without the group that matched."""
    if found is None or found.lastindex is None:
        return line
    begin, end = found.span(found.lastindex)
    return line[:begin] + line[end:]


def _open(lines: list[bytes], form: Form) -> list[bytes]:
    """Lines without the values that do not matter; the lines of user data become empty."""
    result = []
    block = inner = aside = -1
    below = before = b""
    seen, form_lines = _seen[form.name], _LINES[form.name]
    for line in lines:
        if block >= 0:
            indent = _indent(line)
            if not line or (indent > max(block, inner - 1) and _PRINTED.fullmatch(line)):
                # The first line decides the indentation of all.
                inner = indent if inner < 0 and line else inner
                result.append(b"")
                continue
            block = inner = -1
        if aside >= 0 and not _is_below(line, aside):
            aside = -1
        if aside >= 0:
            block = _block(line, form_lines)
            of_line = form_lines.annotation if below == b"annotations" else form_lines.label
            result.append(_without(of_line.fullmatch(line), line))
            continue
        known = seen.get(line)
        text, named, block, aside, below = _remember(line, form) if known is None else known
        # The name of a data volume, and of its template.
        result.append(named if named and before.endswith(form_lines.holders) else text)
        before = line
    return result


_PRINTED = re.compile(rb"[\t -~\x80-\xff]*")


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" "))


def _is_below(line: bytes, indent: int) -> bool:
    """Whether a line is below one that begins so many columns to the right; a list may begin in the same column."""
    own = _indent(line)
    return own > indent or (own == indent and line.startswith(b"- ", own))


def _block(line: bytes, form_lines: _Lines) -> int:
    """The indentation of a block of text that begins with this line, or -1."""
    found = None if form_lines.block is None else form_lines.block.fullmatch(line)
    return -1 if found is None else len(found[1])


#: For a line of a form: what remains of it, and of a name where names do not matter; the indentation of a block of text
#: that begins there or -1; and the indentation and kind of labels and the like that begin there.
_seen: dict[str, dict[bytes, tuple[bytes, bytes, int, int, bytes]]] = {name: {} for name in _LINES}


def _remember(line: bytes, form: Form) -> tuple[bytes, bytes, int, int, bytes]:
    lines, seen = _LINES[form.name], _seen[form.name]
    named, aside = lines.named.fullmatch(line), lines.aside.fullmatch(line)
    answer = (
        _without(lines.value.fullmatch(line), line),
        _without(named, line) if named else b"",
        _block(line, lines),
        len(aside[1]) if aside else -1,
        aside[2] if aside else b"",
    )
    return keep(seen, line, answer, _MOST_LINES)
