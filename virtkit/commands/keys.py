"""A table of keys that a command completes: it reads the CSV, adds the answer columns, and reports rows in error."""

from __future__ import annotations

import argparse
import csv
import io
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from virtkit.commands import tables
from virtkit.errors import InputError, UsageError
from virtkit.wording import counted, listed

__all__ = ["add_options", "complete", "source_name"]

Answer = Callable[[Mapping[str, str]], Sequence[str]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the table of keys, ``--format`` and ``--output``."""
    parser.add_argument("keys", metavar="KEYS.csv", help="the table of keys, or - for standard input")
    parser.add_argument("-o", "--output", metavar="OUT.csv", help="write to this file (default: standard output)")
    parser.add_argument("--format", choices=("csv", "json"), default="csv", help="json: a list of objects")


def source_name(args: argparse.Namespace) -> str:
    """The name of the table in messages."""
    return "standard input" if args.keys == "-" else str(args.keys)


def complete(
    args: argparse.Namespace,
    key: Sequence[str],
    added: Sequence[str],
    answer: Answer,
    optional: Sequence[str] = (),
    in_error: Sequence[str] = (),
) -> int:
    """Writes every row with the columns ``added``, which ``answer`` gives for it; returns 1 when a row is in error.

    ``key`` are the columns that the header must have, ``optional`` those that count as empty where it lacks them. A
    row in error gets the answers ``in_error`` (by default empty ones), and a message with its line. Raises InputError
    for a table that cannot be read.
    """
    name = source_name(args)
    rows = csv.DictReader(io.StringIO(_text(args.keys, name)))
    answers: list[list[str]] = []
    failed = 0
    try:
        head = _head(rows.fieldnames, key, name)
        columns = [*head, *(column for column in added if column not in head)]
        for row in rows:
            try:
                if None in row or None in row.values():
                    got = len(head) + len(row.get(None) or ()) - list(row.values()).count(None)
                    raise UsageError(f"expected {counted(len(head), 'value')} as in the header, got {got}")
                found = answer(dict.fromkeys(optional, "") | row)
            except UsageError as error:
                failed += 1
                logging.getLogger("virtkit").error("%s:%d: %s", name, rows.line_num, error)
                found = in_error or ("",) * len(added)
            full = {column: row.get(column) or "" for column in head} | dict(zip(added, found, strict=True))
            answers.append(list(full.values()))
    except csv.Error as error:
        raise InputError(f"not valid CSV: {error}", name, rows.line_num + 1) from None
    tables.write(tables.render(columns, answers, args.format), args.output)
    return 1 if failed else 0


def _text(keys: str, name: str) -> str:
    try:
        return sys.stdin.read() if keys == "-" else Path(keys).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", name) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = f"0x{error.object[error.start]:02x}"
        raise InputError(f"expected UTF-8 text, got the byte {found}; convert the file", name, line) from None


def _head(names: Sequence[str] | None, key: Sequence[str], name: str) -> list[str]:
    head = list(names or ())
    lacking = [column for column in key if column not in head]
    if lacking:
        raise InputError(f"the header lacks {counted(len(lacking), 'column')}: {', '.join(lacking)}", name, 1)
    twice = sorted({column for column in head if head.count(column) > 1})
    if twice:
        raise InputError(f"the header names {listed(twice)} twice", name, 1)
    return head
