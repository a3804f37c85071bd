"""The DataFrame of a compatibility matrix, which shows itself as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Matrix"]


class Matrix(pd.DataFrame):
    """A DataFrame with the columns of ``virtkit.compat.matrix.COLUMNS`` that a notebook shows as a matrix.

    Everything else is a DataFrame's, and what is taken out of it is a plain DataFrame: rows, columns, copies.
    """

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def page(self, title: str = "Compatibility matrix") -> str:
        """The whole matrix as a page of HTML on its own, with a filter and every reason; as ``virtkit matrix -o``."""
        from virtkit.draw.matrix import html_page

        return html_page(self, title)

    def _repr_html_(self) -> str | None:
        from virtkit.compat.matrix import COLUMNS

        # With places by hand a guest has several rows for one column of a matrix.
        if self.empty or self.attrs.get("places") or not set(COLUMNS) <= set(self.columns):
            plain: str | None = super()._repr_html_()  # type: ignore[misc]
            return plain
        from virtkit.notebook.verdict_html import matrix_html

        return matrix_html(self)
