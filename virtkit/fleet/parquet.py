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
        #: The place in ``_cells`` of the first cells of each tuple of rows, by its id; ``_kept`` keeps the ids unique.
        self._places: dict[int, int] = {}
        self._kept: list[tuple[Row, ...]] = []
        self._cells: list[Row] = []
        #: For each group its beginning, the place of its cells, and the number of its rows.
        self._beginnings: list[Row] = []
        self._begun: list[int] = []
        self._counts: list[int] = []
        self._rows = 0

    def write(self, groups: Sequence[Group]) -> None:
        """Append the rows of some domains."""
        for beginning, rows in groups:
            place = self._places.get(id(rows))
            if place is None:
                place = self._places[id(rows)] = len(self._cells)
                self._kept.append(rows)
                self._cells += rows
            self._beginnings.append(beginning)
            self._begun.append(place)
            self._counts.append(len(rows))
            self._rows += len(rows)
            # Row groups end where rows do, not where the caller's groups do.
            if self._rows >= self._ROWS:
                self._flush()

    def _flush(self) -> None:
        import numpy as np
        import pyarrow as pa

        counts = np.array(self._counts)
        starts = np.cumsum(counts) - counts
        begun = pa.array(np.repeat(np.arange(len(counts), dtype=np.int32), counts))
        offsets = np.repeat(np.array(self._begun) - starts, counts)
        cells = pa.array((offsets + np.arange(self._rows)).astype(np.int32))
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
