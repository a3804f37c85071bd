"""JSON that others write, read with the limit on its levels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from virtkit import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["TooDeep", "value"]


class TooDeep(ValueError):
    """A text that is nested too deeply; its message names the limit and the variable that raises it."""

    def __init__(self) -> None:
        super().__init__(f"more than {limits.YAML_DEPTH.size} {limits.YAML_DEPTH.what}; {limits.YAML_DEPTH.remedy}")


def value(text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of a JSON text, with mappings as ``pairs`` makes them.

    Raises TooDeep beyond the limit on levels, and json.JSONDecodeError for what is not JSON; both are ValueErrors.
    """
    try:
        found = json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        raise TooDeep from None
    level = [found] if isinstance(found, (dict, list)) else []
    for _ in range(limits.YAML_DEPTH.most):
        if not level:
            return found
        level = [inner for one in level for inner in _inside(one) if isinstance(inner, (dict, list))]
    if level:
        raise TooDeep
    return found


def _inside(one: dict[str, Any] | list[Any]) -> Iterable[Any]:
    """The values in a mapping or a list."""
    return one.values() if isinstance(one, dict) else one
