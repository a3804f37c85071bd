"""The items of a long list, each with a key that machines share which differ only in names and the like.

Machines with one key become the same domain except for its name and lines, so that many of a cluster are judged once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtkit.readers.contract import Item
from virtkit.readers.kubevirt.portions import END, HEAD, ITEM, LIST, SHARED

__all__ = ["items"]

_PORTION = re.compile(rb"kind: List\nitems:\n+(?=- )")
_SPEC = re.compile(rb"^  spec:$", re.M)
_STATUS = re.compile(rb"^  status:$", re.M)
_NAME = re.compile(rb"^    name: ([a-z0-9][a-z0-9.-]{0,252})$", re.M)
_NAMESPACE = re.compile(rb"^    namespace: ([a-z0-9][a-z0-9-]{0,62})$", re.M)
#: What no device and no verdict depends on: identity, labels, images and claims, addresses of NICs.
_IDENTITY = re.compile(
    rb"^    (?:name|namespace|uid|resourceVersion|generation|creationTimestamp|selfLink): \S+$", re.M
)
_VALUES = re.compile(
    rb"^( *(?:- )?(?:claimName|image|hostname|subdomain|userDataBase64|networkDataBase64"
    rb"|kubevirt\.io/(?:vm|domain|size|vmpool)|app): )[\w./:@+=-]+$",
    re.M,
)
_MAC = re.compile(rb"""^( *(?:- )?macAddress: )["']?[0-9a-f][02468ace](?::[0-9a-f]{2}){5}["']?$""", re.M)
_NAMED = re.compile(rb"^( *(?:- )?(?:dataVolume|metadata):\n +name: )[\w.-]+$", re.M)
_BLOCK = re.compile(
    rb"^( *)((?:- )?(?:userData|networkData|kubectl\.kubernetes\.io/last-applied-configuration): [|>][-+]?\n)"
    rb"((?:\1 +[^\n]*\n| *\n)+)",
    re.M,
)


def items(data: bytes) -> list[Item]:
    """The items of a list in the form that kubectl prints, and of a portion of one; () for any other text."""
    head = LIST.match(data) or _PORTION.match(data)
    if head is None or SHARED.search(data):
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
    status = _STATUS.search(text)
    text = text if status is None else text[: status.start()]
    spec = _SPEC.search(text)
    if spec is None:
        return b"", "", ""
    head, body = text[: spec.start()], text[spec.start() :]
    name, space = _NAME.search(head), _NAMESPACE.search(head)
    if name is None or (space is None and b"namespace" in head):
        return b"", "", ""
    namespace = "default" if space is None else space[1].decode()
    return _open(_IDENTITY.sub(b"", _open(head))) + _open(body), name[1].decode(), namespace


def _open(text: bytes) -> bytes:
    """A text without the values that do not matter; the number of its lines stays."""
    text = _BLOCK.sub(lambda found: found[1] + found[2] + b"\n" * found[3].count(b"\n"), text)
    return _NAMED.sub(rb"\1", _MAC.sub(rb"\1", _VALUES.sub(rb"\1", text)))
