"""Where the shipped facts lie, and how their tables and records are read."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

from virtkit.errors import FactsError

__all__ = ["path", "records", "root", "samples", "table"]

_PACKAGE = Path(__file__).resolve().parent
#: How a text, a list, a truth value or a whole number begins in TOML and in JSON.
_VALUES = ('"', "[", "t", "f", *"123456789")
_HEAD = re.compile(r"\[\[([a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*)\]\]")


@cache
def root() -> Path:
    """The folder of facts: ``data/`` of a checkout, or the copy inside an installed package."""
    for place in (_PACKAGE / "_data", _PACKAGE.parent / "data"):
        if place.is_dir():
            return place
    raise FactsError("the facts are missing: expected virtkit/_data, or data/ beside the package")


def samples() -> Path:
    """The folder of the sample domains; its README says what each is.

    >>> import virtkit as vk
    >>> (vk.samples() / "rhel6-q35-virtio.xml").is_file()
    True
    """
    return path("domains")


def path(name: str) -> Path:
    """The file or folder of facts called ``name`` (relative, with slashes)."""
    return root() / name


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a CSV table of facts, one dict of column name to text each.

    Lines that begin with ``#`` are comments. Raises FactsError when the table is missing or a row has
    more or fewer cells than the head.
    """
    file = path(name)
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            rows = csv.reader(line for line in stream if not line.startswith("#"))
            head = next(rows, None)
            if head is None:
                raise FactsError(f"{name}: empty table of facts")
            found = list(rows)
            for number, cells in enumerate(found, 1):
                if len(cells) != len(head):
                    raise FactsError(f"{name}: row {number}: expected {len(head)} cells, got {len(cells)}")
            return tuple([dict(zip(head, cells, strict=True)) for cells in found])
    except FileNotFoundError:
        raise FactsError(f"no table of facts called {name!r}") from None


@cache
def records(name: str, kind: str) -> tuple[dict[str, Any], ...]:
    """The ``[[kind]]`` records of a TOML file of facts, in their order; treat them as read-only.

    Raises FactsError when the file is missing, is not TOML, or holds anything but such records.
    """
    try:
        text = path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FactsError(f"no file of facts called {name!r}") from None
    document = _plain_toml(text)
    if document is None:
        import tomllib

        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            raise FactsError(f"{name}: not TOML: {problem}") from None
    found = document.get(kind)
    if set(document) != {kind} or not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FactsError(f"{name}: expected only [[{kind}]] records, got {', '.join(document) or 'none'}")
    return tuple(found)


def _plain_toml(text: str) -> dict[str, Any] | None:
    """TOML of which each line is a comment, ``[[a]]``, ``[[a.b]]`` or ``key = value``, where the value is JSON too.

    None for any other text. Files of facts have this form, and their records are read at each start of the program;
    tomllib takes about ten times as long.
    """
    import json

    document: dict[str, Any] = {}
    record = document
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            head = _HEAD.fullmatch(line)
            if head is None:
                return None
            holder: Any = document
            *outer, name = head[1].split(".")
            for key in outer:
                if not isinstance(holder.get(key), list):
                    return None
                holder = holder[key][-1]
            record = {}
            if not isinstance(holder.setdefault(name, []), list):
                return None
            holder[name].append(record)
            continue
        key, _, value = line.partition(" = ")
        plain = key.isascii() and key.replace("_", "a").isalnum()
        if key in record or not plain or value[:1] not in _VALUES:
            return None
        try:
            record[key] = json.loads(value)
        except ValueError:
            return None
    return document
