"""Quantities of Kubernetes, such as 1Gi, 500m or 2e9, as whole numbers."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

__all__ = ["quantity"]

_FORM = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([numkKMGTPE]i?)|[eE]([+-]?[0-9]{1,2}))?")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def quantity(value: object) -> int | None:
    """The quantity, rounded up to a whole number; None for what is none. Source: Kubernetes API, Quantity."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    found = _FORM.fullmatch(str(value)) if len(str(value)) < 64 else None
    if found is None:
        return None
    number, suffix, exponent = Decimal(found[1]), found[2] or "", found[3]
    if exponent is not None:
        number *= Decimal(10) ** int(exponent)
    elif suffix in _BINARY:
        number *= Decimal(1024) ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        number *= Decimal(10) ** _DECIMAL[suffix]
    else:
        return None
    return int(number.to_integral_value(ROUND_CEILING))
