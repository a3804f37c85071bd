"""Commands of a shell script: quotes, continuations, comments, assignments, variables and arrays.

Nothing is run. Control flow is not followed: every command is read once, in its order in the script. A variable that
the script does not set, and the output of a command, are read as empty and reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from virtkit.readers.qemu_command_line.words import CommandLine, Word

__all__ = ["commands"]

_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)", re.S)
_ARRAY = re.compile(r"(?:(?:declare|local|typeset)\s+-a\s+)?([A-Za-z_][A-Za-z0-9_]*)(\+?)=\(")
_VARIABLE = re.compile(
    r"\$(?:\{(#?)([A-Za-z_][A-Za-z0-9_]*|[0-9@*])(\[[@*]\])?((?::?[-=+?]|[#%/^,:])[^}]*)?\}|([A-Za-z_][A-Za-z0-9_]*|[0-9@*]))"
)
#: A comment inside a line that goes on: `# text`.
_COMMENT = re.compile(r"`\s*#[^`\n]*`")
_PLAIN = re.compile(r"[\w.,:/=+@%-]+")
_BREAKS = frozenset(";&|\n<>")
_LONGEST = 1 << 20
"""The longest text that variables may grow to; a script that doubles a variable again and again is cut off here."""


@dataclass(slots=True)
class _Reading:
    """What is known at one point of a script."""

    text: str
    single: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    place: int = 0
    line: int = 1

    def note(self, sentence: str) -> None:
        """Keep a sentence once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


@dataclass(slots=True)
class _Piece:
    """One word in the making: its finished fields, and the text of the last one."""

    line: int
    fields: list[str] = field(default_factory=list)
    text: str = ""
    quoted: bool = False

    def finish(self) -> Iterator[Word]:
        """The fields as words; an empty one counts only if it was quoted."""
        for one in (*self.fields, self.text):
            if one or (self.quoted and not self.fields):
                yield Word(one, self.line)


def commands(text: str, first_line: int = 1) -> list[CommandLine]:
    """The simple commands of a script, each with its words and what was not known in it."""
    reading = _Reading(text, line=first_line)
    found = []
    while reading.place < len(text):
        before = len(reading.notes)
        words = _command(reading)
        if words:
            found.append(CommandLine(tuple(words), tuple(reading.notes[before:])))
    return found


def _command(reading: _Reading) -> list[Word]:
    """The words of the next command; assignments before it, and commands that are assignments, are kept."""
    words: list[Word] = []
    while True:
        sign = _skip_blanks(reading)
        if sign == "" or sign in _BREAKS:
            _end_command(reading, sign)
            return words
        if not words and (match := _ARRAY.match(reading.text, reading.place)):
            _array(reading, match)
            continue
        piece = _word(reading)
        found = list(piece.finish())
        assigned = _ASSIGNED.fullmatch(found[0].text) if not words and found else None
        if assigned is not None and not piece.fields:
            name, more, value = assigned.groups()
            whole = reading.single.get(name, "") + value if more else value
            reading.single[name] = whole[:_LONGEST]
        elif not (not words and found and found[0].text in ("export", "local", "readonly", "declare", "then", "do")):
            words += found


def _end_command(reading: _Reading, sign: str) -> None:
    if sign == "\n":
        reading.line += 1
    reading.place += 1
    if sign in "<>":
        # The target of a redirection is no argument.
        if reading.text[reading.place : reading.place + 1] in ("&", ">", "<"):
            reading.place += 1
        if _skip_blanks(reading) not in ("", *_BREAKS):
            _word(reading)


def _skip_blanks(reading: _Reading) -> str:
    """Go to the next sign that is no blank, continuation or comment, and return it; "" at the end."""
    text = reading.text
    while reading.place < len(text):
        sign = text[reading.place]
        if sign in " \t\r":
            reading.place += 1
        elif text.startswith("\\\n", reading.place) or text.startswith("\\\r\n", reading.place):
            reading.place = text.index("\n", reading.place) + 1
            reading.line += 1
        elif sign == "#":
            end = text.find("\n", reading.place)
            reading.place = len(text) if end < 0 else end
        else:
            return sign
    return ""


def _array(reading: _Reading, match: re.Match[str]) -> None:
    """Read ``NAME=( … )`` or ``NAME+=( … )``."""
    name, more = match[1], match[2]
    reading.place = match.end()
    values = list(reading.arrays.get(name, ())) if more else []
    while (sign := _skip_blanks(reading)) not in ("", ")"):
        if sign in _BREAKS:
            reading.line += sign == "\n"
            reading.place += 1
            continue
        values += [word.text for word in _word(reading, closing=")").finish()]
        if sum(map(len, values)) > _LONGEST:
            break
    reading.place += 1
    reading.arrays[name] = values


def _word(reading: _Reading, closing: str = "") -> _Piece:
    """The next word; it ends at a blank, a break, or the sign ``closing``, outside quotes."""
    text, piece = reading.text, _Piece(reading.line)
    while reading.place < len(text):
        sign = text[reading.place]
        if sign in " \t\r" or sign in _BREAKS or (closing and sign == closing):
            break
        if sign == "'":
            _single(reading, piece)
        elif sign == '"':
            _double(reading, piece)
        elif sign == "\\":
            _escape(reading, piece)
        elif sign in "$`":
            _expand(reading, piece, split=True)
        else:
            plain = _PLAIN.match(text, reading.place)
            end = plain.end() if plain else reading.place + 1
            piece.text += text[reading.place : end]
            reading.place = end
    return piece


def _single(reading: _Reading, piece: _Piece) -> None:
    end = reading.text.find("'", reading.place + 1)
    if end < 0:
        reading.note(f"line {reading.line}: a quote is not closed; the rest of the file is read as one argument")
        end = len(reading.text)
    part = reading.text[reading.place + 1 : end]
    piece.text += part
    piece.quoted = True
    reading.line += part.count("\n")
    reading.place = end + 1


def _double(reading: _Reading, piece: _Piece) -> None:
    text = reading.text
    began = reading.line
    reading.place += 1
    piece.quoted = True
    while reading.place < len(text) and text[reading.place] != '"':
        sign = text[reading.place]
        following = text[reading.place + 1 : reading.place + 2]
        if sign == "\\" and following and following in '"\\$`\n':
            piece.text += "" if following == "\n" else following
            reading.line += following == "\n"
            reading.place += 2
        elif sign in "$`":
            _expand(reading, piece, split=False)
        else:
            plain = _PLAIN.match(text, reading.place)
            end = plain.end() if plain else reading.place + 1
            reading.line += sign == "\n"
            piece.text += text[reading.place : end]
            reading.place = end
    if reading.place >= len(text):
        reading.note(f"line {began}: a quote is not closed; the rest of the file is read as one argument")
    reading.place += 1


def _escape(reading: _Reading, piece: _Piece) -> None:
    following = reading.text[reading.place + 1 : reading.place + 2]
    if following == "\n":
        reading.line += 1
    else:
        piece.text += following
    reading.place += 2


def _expand(reading: _Reading, piece: _Piece, split: bool) -> None:
    """Put in the value of a variable, or report that it, or a command's output, is not known."""
    text = reading.text
    if text.startswith("$(", reading.place) or text[reading.place] == "`":
        begin, reading.place = reading.place, _after_command(text, reading.place)
        if not _COMMENT.fullmatch(text, begin, reading.place):
            reading.note(f"line {reading.line}: the output of a command is not known; it is read as empty")
        return
    match = _VARIABLE.match(text, reading.place)
    if match is None:
        piece.text += text[reading.place]
        reading.place += 1
        return
    reading.place = match.end()
    name = str(match[2] or match[5])
    if name in reading.arrays and match[3]:
        values = reading.arrays[name]
        if values:
            piece.fields += [piece.text + values[0], *values[1:-1]] if len(values) > 1 else []
            piece.text = values[-1] if len(values) > 1 else piece.text + values[0]
        return
    value = _value(reading, name, match[4] or "")
    if len(piece.text) + len(value) > _LONGEST:
        reading.note(f"line {reading.line}: a variable grows beyond {_LONGEST >> 20} MiB; the rest is left out")
    elif split and len(value.split()) > 1:
        first, *rest = value.split()
        piece.fields += [piece.text + first, *rest[:-1]]
        piece.text = rest[-1]
    else:
        piece.text += value


def _value(reading: _Reading, name: str, operator: str) -> str:
    found = reading.single.get(name)
    if name not in reading.single and name in reading.arrays:
        found = next(iter(reading.arrays[name]), "")
    fallback = re.match(r":?([-=])(.*)", operator, re.S)
    if found is not None and (found or not operator.startswith(":")):
        if operator and fallback is None and operator[:2] not in (":+", ":?"):
            reading.note(f"line {reading.line}: the expansion of ${name} is read without its operator")
        return found
    if fallback is not None and "$" not in fallback[2]:
        return fallback[2].strip("'\"")
    if name not in ("@", "*") and found is None:
        reading.note(f"line {reading.line}: the variable ${name} is not set in this script; it is read as empty")
    return ""


def _after_command(text: str, place: int) -> int:
    """The place after ``$( … )`` or a pair of backquotes."""
    if text[place] == "`":
        end = text.find("`", place + 1)
        return len(text) if end < 0 else end + 1
    depth = 0
    for number in range(place + 1, len(text)):
        depth += {"(": 1, ")": -1}.get(text[number], 0)
        if not depth:
            return number + 1
    return len(text)
