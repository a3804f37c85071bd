"""The text of a device with its edits, kept by what it is made from: in a fleet most devices are edited alike.

The edited text depends on the text as written, the edits, the indentation and the address, and on nothing else. The
address is put into a text that is kept without it, and so is the value that ``prototypes.open_key`` leaves out of a
key. The memo is bounded, and threads may share it: a lost entry is made again.
"""

from __future__ import annotations

from collections.abc import Sequence

from virtkit.domain.address import Address, PlainAddress
from virtkit.domain.editor import STEP, address_element, new_element, rewritten
from virtkit.domain.edits import Edit, SetAddress
from virtkit.domain.prototypes import OPEN, open_key
from virtkit.domain.source_map import source_map
from virtkit.memo import keep

__all__ = ["MOST", "edited", "new"]

MOST = 2048
"""How many texts are kept; one takes about 1 KB."""

LONGEST = 4096
"""The longest text of a device, in characters, of which the edited text is kept."""

_MARK = PlainAddress("\x02")
_MARKED = address_element(_MARK)

_Key = tuple[str, tuple[Edit, ...], bool, str]
_known: dict[_Key, tuple[str, str]] = {}
"""The text before an address and behind it; without an address the first is all of it."""


def new(kind: str, edits: Sequence[Edit], address: Address | None, indent: str) -> str:
    """The text of an element that is added; ``indent`` is the line break and the blanks before it."""
    key = (kind, (*edits,), address is not None, indent)
    found = _known.get(key)
    if found is None:
        found = _keep(key, new_element(kind, _marked(edits, address), indent))
    return _whole(found, address, indent)


def edited(name: str, text: str, edits: Sequence[Edit], address: Address | None, indent: str) -> str:
    """The text of a written element with the edits made, and with another address unless ``address`` is None."""
    # The attributes of an address that is written stay in their places, so each has a text of its own.
    if len(text) > LONGEST or (address is not None and "<address" in text):
        wanted = edits if address is None else [*edits, SetAddress(address)]
        return rewritten(text, source_map(text), wanted, indent)
    open_text, value = open_key(name, text)
    key = (open_text, (*edits,), address is not None, indent)
    found = _known.get(key)
    if found is None:
        found = _keep(key, rewritten(open_text, source_map(open_text), _marked(edits, address), indent))
    whole = _whole(found, address, indent)
    return whole if open_text is text else whole.replace(OPEN, value)


def _marked(edits: Sequence[Edit], address: Address | None) -> Sequence[Edit]:
    """The edits, with a mark for an address."""
    return edits if address is None else [*edits, SetAddress(_MARK)]


def _keep(key: _Key, text: str) -> tuple[str, str]:
    before, _, behind = text.partition(_MARKED)
    return keep(_known, key, (before, behind), MOST)


def _whole(found: tuple[str, str], address: Address | None, indent: str) -> str:
    before, behind = found
    return before if address is None else f"{before}{address_element(address, indent + STEP)}{behind}"
