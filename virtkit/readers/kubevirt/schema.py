"""Whether an object has only fields of KubeVirt's API, with values of their types."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import Any

from virtkit import facts
from virtkit.errors import InputError
from virtkit.readers.kubevirt.documents import Mapping, Sequence
from virtkit.readers.kubevirt.quantities import quantity
from virtkit.readers.kubevirt.releases import NEWEST

__all__ = ["check", "check_text"]

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@cache
def _fields() -> dict[str, dict[str, str]]:
    """The fields of each type of the API, with the type of the value."""
    found: dict[str, dict[str, str]] = {}
    for row in facts.table("kubevirt/fields.csv"):
        found.setdefault(row["type"], {})[row["field"]] = row["value"]
    return found


def check(value: Mapping, type_: str, path: str, file: str) -> None:
    """Raises InputError for the first field that the API does not have, and for a value of another type.

    Messages name fields and never quote values, which may be secrets. Source: KubeVirt's admission refuses objects that
    do not fit its OpenAPI description.
    """
    known = _fields()[type_]
    for key, inner in value.items():
        expected = known.get(key)
        if expected is None:
            near = get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            text = f"{path}.{key[:80]}: KubeVirt {NEWEST} has no such field{hint}"
            raise InputError(text, file, value.line_of(key))
        if inner is None or expected == "any":
            continue
        if expected.startswith("[]"):
            _check_list(inner, expected[2:], f"{path}.{key}", file, value.line_of(key))
        else:
            _check_value(inner, expected, f"{path}.{key}", file, value.line_of(key))


def _check_list(value: Any, type_: str, path: str, file: str, line: int) -> None:
    if not isinstance(value, Sequence):
        raise InputError(f"{path}: expected a list, got {_kind(value)}", file, line)
    if type_ == "any":
        return
    for number, (inner, at) in enumerate(zip(value, value.lines, strict=True)):
        _check_value(inner, type_, f"{path}[{number}]", file, at)


def _check_value(value: Any, type_: str, path: str, file: str, line: int) -> None:
    names = _PLAIN.get(type_)
    if names is None:
        if not isinstance(value, Mapping):
            raise InputError(f"{path}: expected a mapping, got {_kind(value)}", file, line)
        if type_ not in ("map", "object"):
            check(value, type_, path, file)
        return
    fits = quantity(value) is not None if type_ == "quantity" else type(value) is names[1]
    if not fits:
        raise InputError(f"{path}: expected {names[0]}, got {_kind(value)}", file, line)
    if isinstance(value, str):
        check_text(value, path, file, line)


def check_text(value: str, path: str, file: str, line: int) -> None:
    """Refuse a text with a control character, which no XML can contain. Raises InputError."""
    if _CONTROL.search(value):
        raise InputError(f"{path}: contains a control character; remove it", file, line)


_PLAIN: dict[str, tuple[str, type]] = {
    "string": ("text", str),
    "integer": ("a whole number", int),
    "boolean": ("true or false", bool),
    "quantity": ("a quantity such as 2Gi", str),
}


def _kind(value: Any) -> str:
    """What a value is, without the value."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a number"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, Sequence) else "nothing" if value is None else "text"
