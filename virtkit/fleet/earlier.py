"""An earlier dataset, whose answers are taken over for inputs that did not change."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
#: So many inputs with one digest are looked at for that of the same name.
_COPIES = 16
_COUNT = DATASET["domains"].index("devices")
_VERDICT = DATASET["devices"].index("verdict") - 3
_FINDING_LEVEL = DATASET["findings"].index("level") - 3
_WORST = DATASET["domains"].index("verdict")
_DOMAIN = re.compile(rb"<domain[\s/>]")


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
    """The accepted domains of a dataset, found by the digest of their input, and by its name unless it is domain XML.

    Memory: 16 bytes a domain, and the rows of a few parts.
    """

    def __init__(self, folder: str) -> None:
        import numpy as np

        self._folder = Path(folder)
        keys: list[Any] = []
        places: list[Any] = []
        self._parts = sorted((self._folder / "domains").glob("*.parquet"))
        for number, path in enumerate(self._parts):
            found = [_key(digest) for digest in _columns(path, ["digest"])[0]]
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
        first = np.searchsorted(self._keys, np.array([_key(digest) for digest in own], np.uint64))
        found: dict[int, Accepted] = {}
        for place, (source, digest, index) in enumerate(zip(batch, own, first, strict=True)):
            if isinstance(source, InMemory) and (one := self._answer(source, digest, int(index))) is not None:
                found[place] = one
        return Taken(found, [one.label for one in batch], digest_of_inputs(batch, own))

    def _answer(self, source: InMemory, digest: str, index: int) -> Accepted | None:
        """The answer for an input, whose digest is that of the domains from ``index`` on; None where it has none."""
        several = list(self._of_digest(digest, index))
        for one in several:
            if one.source == source.label:
                return one
        return several[0]._replace(source=source.label) if several and _is_one_domain(source.data) else None

    def _of_digest(self, digest: str, index: int) -> Iterator[Accepted]:
        key = _key(digest)
        for place in range(index, min(index + _COPIES, len(self._keys))):
            if self._keys[place] != key:
                return
            part, row = self._places[place]
            one = self._accepted(int(part))[int(row)]
            if one is not None and one.digest == digest:
                yield one

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


def _key(digest: str) -> int:
    """The first 64 bits of a digest."""
    return int(digest[:16] or "0", 16)


def _is_one_domain(data: bytes) -> bool:
    """Whether a text is XML with one domain: then its answer does not depend on the name of the input."""
    return data.lstrip().startswith(b"<") and len(_DOMAIN.findall(data)) == 1


def _columns(path: Path, columns: list[str]) -> list[list[Any]]:
    from pyarrow import parquet

    table = parquet.read_table(path, columns=columns, partitioning=None)
    return [table.column(name).to_pylist() for name in columns]


def _rows(path: Path, table: str) -> list[Row]:
    """The rows of a part of a table; none where it has no file."""
    return list(zip(*_columns(path, list(DATASET[table])), strict=True)) if path.exists() else []
