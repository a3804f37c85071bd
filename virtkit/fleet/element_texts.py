"""The canonical text of a domain, joined from those of its elements, which are kept by their texts.

In a fleet most elements recur to the letter, or to the letter but for their open values. This is safe because it is
done only where the text of an element decides its canonical text: in UTF-8 without a comment, CDATA section, processing
instruction or document type (``Outline.plain``), and with neither namespaces nor other attributes above the element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.domain.frame import Framed
from virtkit.domain.prototypes import OPEN_VALUES
from virtkit.domain.source_map import siblings
from virtkit.fleet.canonical import SIGN, Marks, canonical, opened, places
from virtkit.fleet.open_values import open_values, rows

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain

__all__ = ["joined_text"]

#: The elements that are kept; longer ones are not.
_KEPT = 8192
_LONGEST = 4096
#: For each form of open values the one that stands for them while the canonical text of an element is made. In the key
#: of the element a control character stands for them, which no XML has: the place of the form in this table.
_STANDINS = {
    "word": "virtkit-{}",
    "text": "virtkit-{}",
    "path": "/virtkit/{}",
    "number": "6999{}",
    "unicast-mac": "02:00:00:00:00:0{}",
    "uuid": "00000000-0000-0000-0000-00000000000{}",
}
_MOST = 9  # open values of an element for which there are different ones of these
_FORMS = tuple(_STANDINS)
_SIGNS = re.compile("[\0-\5]")

_BEGINNING = re.compile(
    r"""\s*(?:<\?xml\s[^<>]*\?>\s*)?<domain(?:\s+(?:type|id)=(?:'[A-Za-z0-9]*'|"[A-Za-z0-9]*"))*\s*>"""
)
#: What is no white space in XML, although Python says so.
_OTHER_BLANKS = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")

_Text = bytes | tuple[bytes, tuple[tuple[str | int, bytes], ...]]
"""The canonical text of an element; of one with open values the text before them, and for each of them its value, or
its place among the values that the key leaves out, with the text that follows it."""
_Openings = tuple[re.Pattern[str], tuple[str, ...]]
"""What finds values that the key of an element leaves out, and the sign for the group of the pattern that matched."""


def joined_text(domain: Domain) -> bytes | None:
    """What ``whole_text`` gives for a domain; None for one that has to be taken as a whole."""
    document = domain.document
    text = document.text
    framed = document if isinstance(document, Framed) and document.written else None
    bounds = _bounds(domain) if framed is None else framed.bounds
    beginning = _BEGINNING.match(text)
    if bounds is None or beginning is None or document.codec != "utf-8":
        return None
    if not text.isascii() and _OTHER_BLANKS.search(text):
        return None
    before, after = siblings(text, beginning.end(), bounds[0]), siblings(text, bounds[1], text.rindex("</"))
    if before is None or after is None:
        return None
    around = [[(name, element) for _, element, name in some if name != "metadata"] for some in (before, after)]
    metadata = len(before) + len(after) - len(around[0]) - len(around[1])
    if metadata > 1 or text.count("<metadata", 0, bounds[0]) + text.count("<metadata", bounds[1]) != metadata:
        return None
    attributes = [f' {name}="{document.frame.get(name)}"' for name in ("id", "type") if name in document.frame.attrib]
    found, marks = [f"<domain{''.join(attributes)}>".encode()], Marks()
    complete = _add(found, marks, around[0], b"<devices>", _level(below_devices=False))
    if framed is None:
        devices = zip(domain.outline.names, domain.outline.texts, strict=True)
        complete = complete and "<metadata" not in text[slice(*bounds)]
        complete = complete and _add(found, marks, devices, b"", _level(below_devices=True))
    else:
        complete = complete and _add_framed(found, marks, framed)
    found.append(b"</devices>")
    complete = complete and _add(found, marks, around[1], b"</domain>", _level(below_devices=False))
    return b"".join(found) if complete else None


def _bounds(domain: Domain) -> tuple[int, int] | None:
    """Where the one ``<devices>`` begins and ends, which has nothing but elements; None for any other."""
    outline = domain.outline
    if not outline.bare or not outline.texts:
        return None
    holder = outline.holders[0]
    return (holder.start, holder.end) if domain.document.text[holder.start : holder.inner] == "<devices>" else None


_Known = tuple[bytes, tuple[tuple[str | None, bytes], ...]]
"""What a known element has in the text: what stands before its open values, and each of them with what follows it; None
for the one in which elements of the same text differ."""


def _add_framed(found: list[bytes], marks: Marks, document: Framed) -> bool:
    """Add the canonical texts of the devices of a document; False where the text of one does not decide it."""
    level = _level(below_devices=True)
    add = found.append
    for place, (name, sample, value) in enumerate(document.written):
        known = None if sample is None else sample.canonical
        if isinstance(known, bytes):
            add(known)
            continue
        # Where the value is not open here, the text of the element decides.
        shared = sample is not None and (not value or _fits(name)(value))
        if shared and isinstance(known, tuple):
            first, rest = known
            add(first)
            for constant, piece in rest:
                add(marks[value if constant is None else constant])
                add(piece)
            continue
        text = document.outline.texts[place]
        if "<metadata" in text or not _add(found, marks, [(name, text)], b"", level):
            return False
        if shared and sample is not None:
            sample.canonical = _known(level, name, text, value)
    return True


@cache
def _fits(name: str) -> Callable[[str], object]:
    """Tells whether a value in which alike elements of a name differ is open here, too: whether it has the form."""
    found = dict(rows())
    forms = set()
    for place in OPEN_VALUES[name]:
        below, _, attribute = place.partition("@")
        path = ("devices", name, *below.split("/")) if below else ("devices", name)
        forms.add(dict(found.get(path, ())).get(attribute, ""))
    (form,) = forms
    return re.compile(open_values(form).pattern.decode("ascii")).fullmatch if form else lambda value: None


def _known(level: _Level, name: str, text: str, value: str) -> _Known | bytes | None:
    """What is kept of an element with this text and this value in which alike ones differ, None for nothing."""
    pieces: list[bytes] = []
    asked = _Asked()
    if not _add(pieces, asked, [(name, text)], b"", level):
        return None
    if asked.asked.count(value) != bool(value):
        # The value is part of the text, or it is not clear which one it is.
        return None
    whole = b"".join(pieces).split(SIGN.encode())
    if len(whole) != len(asked.asked) + 1:
        return None
    if not asked.asked:
        return whole[0]
    constants = [None if one == value else one for one in asked.asked]
    return whole[0], tuple(zip(constants, whole[1:], strict=True))


class _Asked(Marks):
    """Marks that all look the same, and the values for which they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __missing__(self, value: str) -> bytes:
        self.asked.append(value)
        return SIGN.encode()


def _add(
    found: list[bytes], marks: Marks, elements: Iterable[tuple[str, str]], following: bytes, level: _Level
) -> bool:
    """Add the canonical texts of some elements, and what follows; False where the text of one does not decide it."""
    openings, known = level.openings, level.known
    for name, text in elements:
        values: list[str] = []
        opening = openings.get(name)
        key = text if opening is None else _key(opening, text, values)
        canonical_text = known(key) if len(key) <= _LONGEST else level.made(key)
        if canonical_text is None and values:
            # A value that is left out of the key is none of the open ones.
            canonical_text = level.made(text)
        if canonical_text is None:
            return False
        if isinstance(canonical_text, bytes):
            found.append(canonical_text)
            continue
        first, rest = canonical_text
        found.append(first)
        for place, piece in rest:
            found += (marks[place if isinstance(place, str) else values[place]], piece)
    found.append(following)
    return True


def _key(openings: _Openings, text: str, values: list[str]) -> str:
    """The key of an element; the values that it leaves out are added to ``values``."""
    pattern, signs = openings
    at = 0
    found: list[str] = []
    for match in pattern.finditer(text):
        group = match.lastindex or 0
        start, end = match.span(group)
        if start < end:
            found += (text[at:start], signs[group])
            values.append(text[start:end])
            at = end
    return "".join([*found, text[at:]]) if values else text


class _Level:
    """What is known of the elements below <domain>, or of those below <devices>."""

    def __init__(self, below_devices: bool) -> None:
        self.openings = _openings(below_devices)
        self._below = places()["devices"].below if below_devices else places()
        self.known = lru_cache(maxsize=_KEPT)(self.made)

    def made(self, key: str) -> _Text | None:
        """The canonical text of the element with a key; None where the key does not decide it."""
        standins: list[str] = []

        def standin(sign: re.Match[str]) -> str:
            standins.append(_STANDINS[_FORMS[ord(sign[0])]].format(len(standins)))
            return standins[-1]

        text = _SIGNS.sub(standin, key)
        if len(standins) > _MOST:
            return None
        element = etree.fromstring(text)
        place = self._below.get(element.tag)
        values = [] if place is None else list(opened(element, place))
        first, *others = canonical(element, values, [SIGN] * len(values)).split(SIGN.encode())
        found = [value for _, _, value in values]
        if len(others) != len(values) or any(found.count(one) != 1 for one in standins):
            return None
        if not found:
            return first
        numbers = [standins.index(one) if one in standins else one for one in found]
        return first, tuple(zip(numbers, others, strict=True))


@cache
def _level(*, below_devices: bool) -> _Level:
    return _Level(below_devices)


def _openings(below_devices: bool) -> Mapping[str, _Openings]:
    """By the name of an element below <devices>, or below <domain>.

    This need not find all open values. An element that differs from others in one of those is kept once more.
    """
    tags: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for path, values in rows().items():
        if (path[0] == "devices") is below_devices:
            of_tag = tags.setdefault(path[below_devices], {}).setdefault(path[-1], [])
            of_tag += [one for one in values if one not in of_tag]
    return {name: _pattern(of_name) for name, of_name in tags.items()}


def _pattern(tags: Mapping[str, Sequence[tuple[str, str]]]) -> _Openings:
    """A pattern for the open attributes ("" for the text) of some tags, each with its form."""
    signs, found = [""], []
    for tag, values in tags.items():
        attributes = []
        for attribute, form in values:
            value, sign = open_values(form).pattern.decode("ascii"), chr(_FORMS.index(form))
            if attribute:
                attributes.append(f"""{attribute}=(?:'({value})'|"({value})")""")
                signs += (sign, sign)
            else:
                found.append(f"{tag}(?: [^<>]*)?>({value})</{tag}>")
                signs.append(sign)
        if attributes:
            found.append(f"{tag} (?:[^<>]*? )??(?:{'|'.join(attributes)})")
    return re.compile(f"<(?:{'|'.join(found)})"), tuple(signs)
