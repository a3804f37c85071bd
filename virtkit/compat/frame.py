"""The DataFrame of a compatibility matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from virtkit import display

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Matrix"]


class Matrix(display.Displayable, pd.DataFrame):
    """A DataFrame with the columns of ``virtkit.compat.matrix.COLUMNS`` that a notebook shows as a matrix.

    It is a DataFrame in everything else. Selections and copies of it are plain DataFrames.
    """

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def page(self, title: str = "Compatibility matrix") -> str:
        """The whole matrix as an HTML page of its own, with a filter and every reason, as ``virtkit matrix -o``."""
        return display.page(self, title)
