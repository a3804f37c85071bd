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
        begun = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        cells = np.repeat(np.array(self._begun) - starts, counts) + np.arange(self._rows)
        columns: list[tuple[Row, Any]] = [(values, begun) for values in zip(*self._beginnings, strict=True)]
        columns += [(values, cells) for values in zip(*self._cells, strict=True)]
        arrays = [_column(*column, kind.type) for column, kind in zip(columns, self._schema, strict=True)]
        self._out.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._clear()

    def close(self) -> None:
        """Write what is left, and end the file."""
        try:
            if self._rows:
                self._flush()
            self._out.close()
        except BaseException:
            self._out.is_open = False  # the writer would try again, and complain, when it is deleted
            raise


def _column(values: Sequence[Any], places: Any, kind: Any) -> Any:
    """The values at some places, as an array of a type; None is null.

    The array is built from its buffers, because ``pyarrow.array`` imports pandas.
    """
    import numpy as np
    import pyarrow as pa

    distinct = dict.fromkeys(values)
    missing, valid = 0, None
    if None in distinct:
        del distinct[None]
        known = np.fromiter((value is not None for value in values), np.bool_, len(values))[places]
        missing = len(places) - int(known.sum())
        valid = pa.py_buffer(np.packbits(known, bitorder="little")) if missing else None
    if pa.types.is_dictionary(kind):
        numbers = {None: 0, **dict(zip(distinct, range(len(distinct)), strict=True))}
        data = np.fromiter(map(numbers.__getitem__, values), np.int32, len(values))[places]
        indices = pa.Array.from_buffers(pa.int32(), len(places), [valid, pa.py_buffer(data)], missing)
        return pa.DictionaryArray.from_arrays(indices, _texts(list(distinct)))
    numbers = {None: 0, **dict(zip(distinct, distinct, strict=True))}
    data = np.fromiter(map(numbers.__getitem__, values), np.int64, len(values))[places]
    if pa.types.is_boolean(kind):
        data = np.packbits(data.astype(np.bool_), bitorder="little")
    return pa.Array.from_buffers(kind, len(places), [valid, pa.py_buffer(data)], missing)


def _texts(values: Sequence[str]) -> Any:
    """Some texts as an array; a file name that is no UTF-8 is escaped."""
    import numpy as np
    import pyarrow as pa

    coded = [value.encode("utf-8", "backslashreplace") for value in values]
    ends = np.zeros(len(coded) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, coded), np.int32, len(coded)), out=ends[1:])
    return pa.StringArray.from_buffers(len(coded), pa.py_buffer(ends), pa.py_buffer(b"".join(coded)))
