"""The tables of an audit: their columns, for files and for datasets, and the rows that are written to them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["DATASET", "LEVELS", "TABLES", "TYPES", "Group", "Row", "line_place"]

Row = tuple[object, ...]
Group = tuple[Row, tuple[Row, ...]]
"""Rows of one domain: the cells with which all of them begin, and the other cells of each."""

_DEVICE = (
    "guest", "arch", "machine", "device", "label", "kind", "model", "address", "location", "interface", "line",
    "needed", "verdict", "reason", "condition", "change", "evidence", "source", "level", "assumption",
)  # fmt: skip
_FINDING = ("guest", "policy", "device", "line", "level", "text")
_DOMAIN = (
    "guest", "arch", "machine", "shape", "verdict", "device", "reason", "level", "devices", "failing", "free_express",
    "free_conventional", "assumption",
)  # fmt: skip
_IDENTITY = ("source", "name", "uuid")

#: The tables of a dataset and their columns. Every table begins with the input, and the name and UUID of its domain.
DATASET: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "devices": (*_IDENTITY, *("evidence_source" if name == "source" else name for name in _DEVICE)),
        "domains": (*_IDENTITY, "digest", "line", *_DOMAIN),
        "findings": (*_IDENTITY, *_FINDING),
        "rejected": (*_IDENTITY, "digest", "message"),
    }
)
#: The tables of files, the one of the devices first.
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "devices": ("file", "domain", *_DEVICE),
        "domains": DATASET["domains"],
        "findings": ("file", "domain", *_FINDING),
        "rejected": ("file", "message"),
    }
)
#: The type of the columns that are not text.
TYPES: Mapping[str, type[int | bool]] = MappingProxyType(
    {"line": int, "needed": bool, "devices": int, "failing": int, "free_express": int, "free_conventional": int}
)

#: The levels of a policy's findings by weight, the lightest first; "" where there is none.
LEVELS = ("", "allow", "warn", "taint", "deny")


def line_place(table: str) -> int:
    """Where the cells of a device or finding, after those that identify its domain, have the line."""
    return (_DEVICE if table == "devices" else _FINDING).index("line")
