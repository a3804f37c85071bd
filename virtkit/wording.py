"""Small rules of English for messages: counted nouns, lists of words, rows of sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["counted", "few", "listed", "one_line", "plural", "sentences", "text_lines", "xml_problem"]


def plural(noun: str) -> str:
    """The regular plural of a noun or of a phrase that ends in one: "device" gives "devices", "bus" gives "buses"."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def counted(number: int, noun: str, several: str = "") -> str:
    """A number with its noun, in the singular or the plural; thousands are separated by commas.

    ``several`` is the plural where it is not the regular one, or where a verb has to agree.

    >>> counted(1, "device"), counted(2, "device"), counted(1200, "policy")
    ('1 device', '2 devices', '1,200 policies')
    >>> counted(1, "cell gets worse", "cells get worse")
    '1 cell gets worse'
    """
    return f"{number:,} {noun if abs(number) == 1 else several or plural(noun)}"


def listed(words: Sequence[str], conjunction: str = "and") -> str:
    """Words in a row: "A", "A and B", "A, B and C"; "" for none."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def few(words: Sequence[str], most: int = 6) -> str:
    """The first words in a row, and the number of the others: "a, b and 3 more"."""
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most:,} more" if len(words) > most else shown


def sentences(*texts: str) -> str:
    """Texts one after the other, each with a full stop at its end; empty ones are left out."""
    return " ".join(text if text.endswith((".", "!", "?")) else f"{text}." for text in texts if text)


def xml_problem(message: str | None) -> str:
    """What is wrong with XML, from libxml2's message, without text of the input.

    An unfinished CDATA section or comment is quoted there, and so is the name that a broken quote or a bare < in a
    password makes of its rest.

    >>> xml_problem("CData section not finished\\nhunter2</token>")
    'CData section not finished'
    """
    what = (message or "it is cut off").split("\n")[0].split(", line ")[0].strip()
    return next((meaning for start, meaning in _QUOTING.items() if what.startswith(start)), what)


#: Messages of libxml2 that quote the input beyond the names of tags, by their beginning, and what is said instead.
_QUOTING = {
    "Entity '": "an entity that is not defined; write &amp; for the sign &",
    "Specification mandates value for attribute": "an attribute without a value; write &quot; or &apos; for a quote",
    "Couldn't find end of Start Tag": "a start tag does not end with the sign >; write &lt; for the sign < in text",
    "Double hyphen within comment": "a comment holds two hyphens",
    "Namespace prefix": "a prefix of a name that no xmlns attribute defines",
    "xmlParseCharRef: invalid xmlChar value": "a character reference such as &#1; that XML does not allow",
}


def one_line(text: str) -> str:
    """A text from an input as part of a line: line breaks and what is not printable as escapes ("a\\nb")."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def text_lines(lines: Iterable[str]) -> str:
    """Lines as text, "" for none. A name from an input cannot break one, or change how a terminal shows it."""
    return "".join(f"{one_line(line)}\n" for line in lines)
