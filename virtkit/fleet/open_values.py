"""The values of domain XML in which equal domains of a fleet differ, and which no rule and no verdict reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from virtkit import facts

__all__ = ["open_values", "rows"]

_FILE = "fleet/variable-values.csv"

#: The bytes of each form; none can end a value or begin markup.
_FORMS: Mapping[str, re.Pattern[bytes]] = MappingProxyType(
    {
        "word": re.compile(rb"[A-Za-z0-9_.-]{1,200}"),
        "text": re.compile(rb"[A-Za-z0-9_.,:;()/+@=\[\] -]{1,400}"),
        "path": re.compile(rb"(?:/?[A-Za-z0-9_.+@=-]++)++"),
        "uuid": re.compile(rb"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"),
        "number": re.compile(rb"[1-9][0-9]{0,4}"),
        "unicast-mac": re.compile(rb"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}"),
    }
)


def open_values(form: str) -> re.Pattern[bytes]:
    """The values of a form that may differ; any other value makes a domain a shape of its own."""
    return _FORMS[form]


@cache
def rows() -> Mapping[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The places of open values, attribute ("" for the text) and form, by the path of their element."""
    found: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
    for row in facts.table(_FILE):
        path = tuple(row["path"].split("/"))
        found[path] = (*found.get(path, ()), (row["attribute"], row["form"]))
    return MappingProxyType(found)
