"""The items of a long list, each with a key that machines share which differ only in names and the like.

Machines with one key become the same domain except for its name and lines, so that many of a cluster are judged once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtkit.readers.contract import Item
from virtkit.readers.kubevirt.portions import END, HEAD, ITEM, LIST, is_shared

__all__ = ["items"]

_PORTION = re.compile(rb"kind: List\nitems:\n+(?=- )")
_NAME = re.compile(rb"    name: ([a-z0-9][a-z0-9.-]{0,252})")
_NAMESPACE = re.compile(rb"    namespace: ([a-z0-9][a-z0-9-]{0,62})")
#: What no device and no verdict depends on: identity, labels, images and claims, addresses of NICs.
_IDENTITY = re.compile(
    rb"(    (?:name|namespace|uid|resourceVersion|generation|creationTimestamp|selfLink):) \S+"
)
_VALUE = re.compile(
    rb"""( *(?:- )?(?:claimName|image|hostname|subdomain|userDataBase64|networkDataBase64"""
    rb"""|kubevirt\.io/(?:vm|domain|size|vmpool)|app):) [\w./:@+=-]+"""
    rb"""|( *(?:- )?macAddress:) ["']?[0-9a-f][02468ace](?::[0-9a-f]{2}){5}["']?"""
)
_BLOCK = re.compile(
    rb"( *)(?:- )?(?:userData|networkData|kubectl\.kubernetes\.io/last-applied-configuration): [|>][-+]?"
)
_NAMED = re.compile(rb"( *name:) [\w.-]+")
_MOST_LINES = 100_000


def items(data: bytes) -> list[Item]:
    """The items of a list in the form that kubectl prints, and of a portion of one; () for any other text."""
    head = LIST.match(data) or _PORTION.match(data)
    if head is None or is_shared(data):
        return []
    return list(_items(data, head.end()))


def _items(data: bytes, begin: int) -> Iterator[Item]:
    end = END.search(data, begin)
    last = len(data) if end is None else end.start()
    line = data.count(b"\n", 0, begin) + 1
    while begin < last:
        found = ITEM.search(data, begin + 1, last)
        stop = last if found is None else found.start()
        text = data[begin:stop]
        key, name, namespace = _key(text)
        yield Item(HEAD + text, key, f"{namespace}.{name}", f"{namespace}_{name}", line)
        line += text.count(b"\n")
        begin = stop


def _key(text: bytes) -> tuple[bytes, str, str]:
    """The key of an item, with its name and namespace."""
    lines = text.split(b"\n")
    if b"  status:" in lines:
        del lines[lines.index(b"  status:") :]
    if b"  spec:" not in lines:
        return b"", "", ""
    spec = lines.index(b"  spec:")
    names = [found for line in lines[:spec] if (found := _NAME.fullmatch(line))]
    spaces = [found for line in lines[:spec] if (found := _NAMESPACE.fullmatch(line))]
    if len(names) != 1 or (not spaces and b"namespace:" in b"".join(lines[:spec])):
        return b"", "", ""
    head = [found[1] if (found := _IDENTITY.fullmatch(line)) else line for line in lines[:spec]]
    namespace = spaces[0][1].decode() if spaces else "default"
    return b"\n".join(_open(head) + _open(lines[spec:])), names[0][1].decode(), namespace


def _open(lines: list[bytes]) -> list[bytes]:
    """Lines without the values that do not matter; the lines of user data become empty."""
    result = []
    block = -1
    before = b""
    for line in lines:
        if block >= 0:
            if not line.strip() or len(line) - len(line.lstrip(b" ")) > block:
                result.append(b"")
                continue
            block = -1
        seen = _seen.get(line)
        text, block, named = _remember(line) if seen is None else seen
        # The name of a data volume, and of its template.
        result.append(named if named and before.endswith((b"dataVolume:", b"metadata:")) else text)
        before = line
    return result


#: For a line: what remains of it, the indentation of a block of text that begins there or -1, and what remains of a
#: name where names do not matter.
_seen: dict[bytes, tuple[bytes, int, bytes]] = {}


def _remember(line: bytes) -> tuple[bytes, int, bytes]:
    found, block, named = _VALUE.fullmatch(line), _BLOCK.fullmatch(line), _NAMED.fullmatch(line)
    text = (found[1] or found[2]) if found else line
    answer = (text, len(block[1]) if block else -1, named[1] if named else b"")
    if len(_seen) >= _MOST_LINES:
        _seen.clear()
    _seen[line] = answer
    return answer
