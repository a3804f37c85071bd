"""An earlier dataset, whose answers are taken over for inputs that did not change."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit.fleet.answer import Accepted, Answer, Judged
from virtkit.fleet.examination import digest_of_inputs, digests
from virtkit.fleet.tables import DATASET
from virtkit.inputs import InMemory

if TYPE_CHECKING:
    from virtkit.fleet.requests import Batch
    from virtkit.fleet.tables import Row

__all__ = ["Earlier", "Taken"]

_LOADED = 3
_COUNT = DATASET["domains"].index("devices")
_VERDICT = DATASET["devices"].index("verdict") - 3
_FINDING_LEVEL = DATASET["findings"].index("level") - 3
_WORST = DATASET["domains"].index("verdict")


@dataclass(frozen=True, slots=True)
class Taken:
    """The answers for some inputs of a batch, by their places in it, and the digest of the whole batch."""

    places: Mapping[int, Accepted]
    sources: Sequence[str]
    inputs: str

    def merged(self, found: Answer) -> Answer:
        """The answer for the whole batch; ``found`` is that for the other inputs."""
        rest = [place for place in range(len(self.sources)) if place not in self.places]
        whole = Answer(refused=found.refused, skipped=found.skipped, shared=found.shared, inputs=self.inputs)
        accepted = iter([*zip((rest[place] for place in found.places), found.accepted, strict=True)])
        ahead = next(accepted, None)
        for place in range(len(self.sources)):
            if place in self.places:
                whole.accepted.append(self.places[place])
            while ahead is not None and ahead[0] == place:
                whole.accepted.append(ahead[1])
                ahead = next(accepted, None)
        whole.taken = len(self.places)
        return whole


class Earlier:
    """The accepted domains of a dataset, found by the name and the digest of their input.

    Memory: 24 bytes a domain, and the rows of a few parts.
    """

    def __init__(self, folder: str) -> None:
        import numpy as np

        self._folder = Path(folder)
        keys: list[Any] = []
        places: list[Any] = []
        self._parts = sorted((self._folder / "domains").glob("*.parquet"))
        for number, path in enumerate(self._parts):
            table = _columns(path, ["source", "digest"])
            found = [_key(source, digest) for source, digest in zip(*table, strict=True)]
            keys.append(np.array(found, np.uint64))
            places.append(np.stack([np.full(len(found), number), np.arange(len(found))], axis=1).astype(np.int32))
        self._keys = np.concatenate([np.empty(0, np.uint64), *keys])
        order = np.argsort(self._keys, kind="stable")
        self._keys = self._keys[order]
        self._places = np.concatenate([np.empty((0, 2), np.int32), *places])[order]
        self._loaded: OrderedDict[int, list[Accepted | None]] = OrderedDict()

    def take(self, batch: Batch) -> Taken:
        """The answers for those inputs of a batch that did not change."""
        import numpy as np

        own = digests(batch)
        wanted = np.array([_key(one.label, digest) for one, digest in zip(batch, own, strict=True)], np.uint64)
        at = np.searchsorted(self._keys, wanted)
        found: dict[int, Accepted] = {}
        for place, (source, digest, key, index) in enumerate(zip(batch, own, wanted, at, strict=True)):
            if index < len(self._keys) and self._keys[index] == key and isinstance(source, InMemory):
                part, row = self._places[index]
                one = self._accepted(int(part))[int(row)]
                if one is not None and (one.source, one.digest) == (source.label, digest):
                    found[place] = one
        return Taken(found, [one.label for one in batch], digest_of_inputs(batch, own))

    def _accepted(self, part: int) -> list[Accepted | None]:
        """The domains of a part; None for one that shares its input with another."""
        rows = self._loaded.get(part)
        if rows is None:
            rows = self._loaded[part] = list(self._read(self._parts[part].name))
            if len(self._loaded) > _LOADED:
                self._loaded.popitem(last=False)
        return rows

    def _read(self, name: str) -> list[Accepted | None]:
        devices = iter(_rows(self._folder / "devices" / name, "devices"))
        findings: dict[object, list[Row]] = {}
        for row in _rows(self._folder / "findings" / name, "findings"):
            findings.setdefault(row[0], []).append(row[3:])
        domains = _rows(self._folder / "domains" / name, "domains")
        times = Counter(row[0] for row in domains)
        found: list[Accepted | None] = []
        for row in domains:
            own = tuple([next(devices)[3:] for _ in range(int(str(row[_COUNT])))])
            seen = tuple(findings.get(row[0], ()))
            judged = Judged(
                own,
                seen,
                row[5:],
                Counter(str(one[_VERDICT]) for one in own),
                Counter(str(one[_FINDING_LEVEL]) for one in seen),
                row[_WORST] == "fails",
            )
            source, label, uuid, digest = (str(cell) for cell in row[:4])
            only = times[row[0]] == 1
            found.append(Accepted(source, label, uuid, digest, int(str(row[4])), judged) if only else None)
        return found


def _key(source: str, digest: str) -> int:
    text = f"{source}\0{digest}".encode("utf-8", "surrogateescape")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def _columns(path: Path, columns: list[str]) -> list[list[Any]]:
    from pyarrow import parquet

    table = parquet.read_table(path, columns=columns, partitioning=None)
    return [table.column(name).to_pylist() for name in columns]


def _rows(path: Path, table: str) -> list[Row]:
    """The rows of a part of a table; none where it has no file."""
    return list(zip(*_columns(path, list(DATASET[table])), strict=True)) if path.exists() else []
