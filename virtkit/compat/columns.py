"""The columns of the matrix: its cells as categories of text, one guest after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from virtkit.compat.cells import JUDGED, OFFERED, Texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from virtkit.compat.cells import Block, Cells

    Numbers = npt.NDArray[np.int32]
    Codes = npt.NDArray[Any]

__all__ = ["COLUMNS", "columns"]

#: The columns of the matrix, in order; all of them categories of text.
COLUMNS = ("guest", "kind", "machine", "model", *OFFERED, *JUDGED)


class _Part(NamedTuple):
    """A block, and the places of its columns in the row of a guest."""

    block: Block
    places: slice | npt.NDArray[np.intp]


def columns(cells: Cells, *, tidy: bool = False) -> dict[str, pd.Categorical]:
    """The columns of the matrix by name; the guest varies slowest, then the kind, then the machine type.

    Categories come in the order in which they were judged; with ``tidy`` they are sorted.
    """
    import numpy as np

    parts = list(_parts(cells))
    width = sum(len(part.block.asked) for part in parts)
    shape = len(cells.guests), width
    guests = Texts()
    ids = np.array([guests.number(guest.id) for guest in cells.guests], dtype=np.int32)
    found = {}
    names, codes = _coded(guests, tidy)
    found["guest"] = _categorical(names, _filled(codes[ids][:, None], shape))
    for name, (texts, row) in _of_all_guests(cells, parts, width).items():
        names, codes = _coded(texts, tidy)
        found[name] = _categorical(names, _filled(codes[row], shape))
    for name in JUDGED:
        names, codes = _coded(cells.texts[name], tidy)
        filled = np.empty(shape, dtype=codes.dtype)
        for block, places in parts:
            filled[:, places] = codes.take(block.judged[name]).take(block.places).take(block.member, axis=0)
        found[name] = _categorical(names, filled)
    return found


def _parts(cells: Cells) -> Iterator[_Part]:
    """The blocks in the order of their kinds; the columns of several blocks of a kind are merged by machine type."""
    import numpy as np

    start = 0
    for kind in cells.kinds:
        blocks = [block for block in cells.blocks if block.kind == kind]
        if len(blocks) == 1:
            end = start + len(blocks[0].asked)
            yield _Part(blocks[0], slice(start, end))
            start = end
            continue
        machines = Texts()
        ranks = [machines.number(name) for block in blocks for name, _, _ in block.asked]
        places = np.empty(len(ranks), dtype=np.intp)
        places[np.argsort(ranks, kind="stable")] = np.arange(start, start + len(ranks))
        for block in blocks:
            own, places = places[: len(block.asked)], places[len(block.asked) :]
            yield _Part(block, own)
        start += len(ranks)


def _of_all_guests(cells: Cells, parts: Sequence[_Part], width: int) -> dict[str, tuple[Texts, Numbers]]:
    """The columns that are alike for all guests, by name: the texts, and the number of the text at each place."""
    import numpy as np

    own = {name: Texts() for name in ("kind", "machine", "model")} | {name: cells.texts[name] for name in OFFERED}
    rows = {name: np.empty(width, dtype=np.int32) for name in own}
    for block, places in parts:
        rows["kind"][places] = [own["kind"].number(block.kind) for _ in block.asked]
        for name, part in (("machine", 0), ("model", 2)):
            rows[name][places] = [own[name].number(column[part]) for column in block.asked]
        for name in OFFERED:
            rows[name][places] = block.offered[name]
    return {name: (texts, rows[name]) for name, texts in own.items()}


def _coded(texts: Texts, tidy: bool) -> tuple[list[str], Codes]:
    """The categories of a column, sorted with ``tidy``, and the code of each number."""
    import numpy as np

    names = sorted(texts) if tidy else list(texts)
    codes = np.empty(len(texts), dtype=np.int8 if len(names) < 127 else np.int16 if len(names) < 32767 else np.int32)
    codes[[texts[name] for name in names]] = np.arange(len(names))
    return names, codes


def _filled(codes: Codes, shape: tuple[int, int]) -> Codes:
    """The codes repeated for all guests, or for all columns."""
    import numpy as np

    found = np.empty(shape, dtype=codes.dtype)
    found[:] = codes
    return found


def _categorical(names: list[str], codes: Codes) -> pd.Categorical:
    import pandas as pd

    # The codes are known to be numbers of categories; to check each would take long.
    return pd.Categorical.from_codes(codes.ravel(), categories=pd.Index(names, dtype="str"), validate=False)
