"""A table as a Parquet file: Arrow columns made of the distinct cells, without an object for each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from virtkit.fleet.tables import Group, Row

__all__ = ["ParquetTable"]


class ParquetTable:
    """One Parquet file, written in row groups of at least 50,000 rows, because readers are slow with small ones.

    Text is written as dictionaries: cells that many rows share are handed over once. Equal rows in the same order give
    equal bytes, however they are grouped.
    """

    _ROWS = 50_000

    def __init__(self, path: Path, columns: Sequence[str], types: Mapping[str, type[int | bool]]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        text = pa.dictionary(pa.int32(), pa.string())
        kinds: dict[type, Any] = {int: pa.int64(), bool: pa.bool_()}
        self._schema = pa.schema([(name, kinds[types[name]] if name in types else text) for name in columns])
        # Without Arrow's own schema, readers see text, not dictionaries.
        self._out = parquet.ParquetWriter(path, self._schema, compression="zstd", store_schema=False)
        self._clear()

    def _clear(self) -> None:
        #: The place of the first cells of each group in ``_cells``, and for each row its beginning and its cells.
        self._places: dict[tuple[Row, ...], int] = {}
        self._cells: list[Row] = []
        self._beginnings: list[Row] = []
        self._rows: list[tuple[int, int]] = []

    def write(self, groups: Sequence[Group]) -> None:
        """Append the rows of some domains."""
        for beginning, rows in groups:
            place = self._places.get(rows)
            if place is None:
                place = self._places[rows] = len(self._cells)
                self._cells += rows
            first = len(self._beginnings)
            self._beginnings.append(beginning)
            self._rows += [(first, place + row) for row in range(len(rows))]
        if len(self._rows) >= self._ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        begun, cells = (pa.array(places, pa.int32()) for places in zip(*self._rows, strict=True))
        columns = [(values, begun) for values in zip(*self._beginnings, strict=True)]
        columns += [(values, cells) for values in zip(*self._cells, strict=True)]
        arrays = [_column(*column, kind.type) for column, kind in zip(columns, self._schema, strict=True)]
        self._out.write_table(pa.table(arrays, schema=self._schema))
        self._clear()

    def close(self) -> None:
        """Write what is left, and end the file."""
        if self._rows:
            self._flush()
        self._out.close()


def _column(values: Sequence[object], places: Any, kind: Any) -> Any:
    """The values at some places, as an array of a type."""
    import pyarrow as pa

    if not pa.types.is_dictionary(kind):
        return pa.array(values, kind).take(places)
    found = pa.array(values, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(found.indices.take(places), found.dictionary)
