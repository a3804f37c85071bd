"""A folder of domains, resolved and checked, as tables for notebooks and reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.display import Displayable
from virtkit.errors import InputError
from virtkit.fleet.domains import check_each, guest_unless_named, shareable
from virtkit.fleet.shapes import Shapes
from virtkit.fleet.surveyed import ORDER, Item, answer_key, verdict_on
from virtkit.inputs import InMemory, in_memory
from virtkit.topology.diff import nodes
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.host import Host
    from virtkit.inputs import Source
    from virtkit.readers.contract import Skipped
    from virtkit.resolved import Resolved

__all__ = ["Shape", "Survey", "folded", "survey"]

@dataclass(frozen=True, slots=True)
class Shape:
    """Domains with equal devices, addresses and verdicts: the first of them stands for all.

    ``number`` counts the shapes of a survey from 1, the most urgent first.
    """

    number: int
    items: tuple[Item, ...]

    @property
    def first(self) -> Item:
        """The first of the domains."""
        return self.items[0]


@dataclass(slots=True, repr=False)
class Survey(Displayable):
    """The domains of a folder: ``items`` for the accepted ones, ``refusals`` as pairs of file and message.

    ``skipped`` are pairs of a file that contains no domain and what it contains.
    """

    items: list[Item] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Survey of {counted(self.total, 'domain')}, {len(self.refusals)} rejected>"

    @property
    def total(self) -> int:
        """The number of domains, accepted or rejected."""
        return len(self.items) + len(self.refusals)

    def by_need(self) -> list[Item]:
        """The domains by urgency: those that fail, unknown ones, those that depend on a condition, the others."""
        urgency = {item.shape: ORDER.index(item.verdict) for item in self._firsts()}
        return sorted(self.items, key=lambda item: urgency[item.shape])

    def shapes(self) -> list[Shape]:
        """The domains by shape: the most urgent verdict first, and of equal verdicts the shape of the most domains."""
        groups: dict[int, list[Item]] = {}
        for item in self.by_need():
            groups.setdefault(item.shape, []).append(item)
        found = sorted(groups.values(), key=lambda some: (ORDER.index(some[0].verdict), -len(some)))
        return [Shape(number, tuple(some)) for number, some in enumerate(found, 1)]

    def _firsts(self) -> list[Item]:
        """The first domain of each shape."""
        firsts: dict[int, Item] = {}
        for item in self.items:
            firsts.setdefault(item.shape, item)
        return list(firsts.values())

    def domains(self) -> pd.DataFrame:
        """One row for each domain, most urgent first: file, name, guest (id), guest_name, machine, verdict, device,
        reason, added (int), free_express and free_conventional (free slots, int), assumption (a note where a host was
        assumed), shape (its number, int)."""
        rows = []
        for shape in self.shapes():
            item = shape.first
            rooms = {room.kind: room.free for room in item.topology.headroom}
            same = {
                "guest": item.review.guest,
                "guest_name": item.review.guest_name,
                "machine": item.topology.machine,
                **verdict_on(item.review),
                "added": sum(1 for node in nodes(item.topology) if node.added),
                "free_express": rooms.get("PCI Express", 0),
                "free_conventional": rooms.get("conventional PCI", 0),
                "assumption": _assumption(item.resolved),
                "shape": shape.number,
            }
            rows += [{"file": one.file, "name": one.name, **same} for one in shape.items]
        place = {item.file: count for count, item in enumerate(self.by_need())}
        rows.sort(key=lambda row: place[str(row["file"])])
        return _frame(
            rows,
            "file name guest guest_name machine verdict device reason added free_express free_conventional assumption "
            "shape",
        )

    def devices(self) -> pd.DataFrame:
        """One row for each virtio device, disk and NIC, as in ``virtkit audit``: file, device, label, kind, model,
        address, interface, needed (bool), verdict, reason, condition, change, evidence, source."""
        from virtkit.fleet.answer import device_rows
        from virtkit.fleet.tables import TABLES

        names = TABLES["devices"]
        same = {
            item.shape: [dict(zip(names, row, strict=True)) for row in device_rows("", item.resolved, item.review, {})]
            for item in self._firsts()
        }
        rows = [{**row, "file": item.file} for item in self.items for row in same[item.shape]]
        columns = (
            "file device label kind model address interface needed verdict reason condition change evidence source"
        )
        return _frame(rows, columns)

    def added(self) -> pd.DataFrame:
        """One row for each controller or device that resolution added: file, device, title, driver (or title), address,
        and the reason why it was added."""
        rows = [
            {
                "file": item.file,
                "device": node.id,
                "title": node.title,
                "driver": node.driver or node.title,
                "address": node.address,
                "reason": node.reason.partition("\n")[0],
            }
            for item in self.items
            for node in nodes(item.topology)
            if node.added
        ]
        return _frame(rows, "file device title driver address reason")

    def places(self) -> pd.DataFrame:
        """One row for each device and controller of a domain, in the order of the tree: file, device, title, driver,
        address, interface ("" where it has none), placed, added (bool)."""
        rows = [
            {
                "file": item.file,
                "device": node.id,
                "title": node.title,
                "driver": node.driver,
                "address": node.address,
                "interface": node.interface or "",
                "placed": node.placed,
                "added": node.added,
            }
            for item in self.items
            for node in nodes(item.topology)
        ]
        return _frame(rows, "file device title driver address interface placed added")

    def headroom(self) -> pd.DataFrame:
        """One row for each kind of slot of a domain: file, name (with the file where two domains share it), kind,
        free (int), used (int), reason."""
        count = Counter(item.name for item in self.items)
        rows = []
        for item in self.items:
            name = item.name
            name = name if count[name] == 1 else f"{name} ({item.file})"
            rows += [
                {"file": item.file, "name": name, "kind": room.kind, "free": room.free, "used": room.used}
                | {"reason": room.reason}
                for room in item.topology.headroom
            ]
        return _frame(rows, "file name kind free used reason")

    def refused(self) -> pd.DataFrame:
        """One row for each file that was rejected: file, message."""
        return _frame([{"file": file, "message": message} for file, message in self.refusals], "file message")


def survey(folder: str = "", guest: str = "", host: Host | None = None, overrides: bool = True) -> Survey:
    """Read, resolve and check every ``*.xml`` below a folder ("" means the sample domains), sorted by name.

    ``guest`` is the OS of domains without libosinfo metadata. A rejected file goes to ``refusals`` and does not
    stop the others. Each domain counts once: a snapshot, checkpoint, status file or save image of a domain whose
    definition is there, too, by its UUID, goes to ``skipped``. Raises UsageError when the folder is missing and
    GuestError for an unknown ``guest``.

    >>> import virtkit as vk
    >>> found = vk.survey()
    >>> table = found.domains()
    >>> table.loc[table["verdict"] == "fails", "file"].tolist()
    ['rhel6-q35-virtio.xml', 'unknown-nic-model.xml']
    """
    from virtkit.errors import UsageError, VirtkitError
    from virtkit.guests import catalogue
    from virtkit.inputs import sources_below

    base = Path(folder) if folder else facts.path("domains")
    if not base.is_dir():
        raise UsageError(f"domains = {folder!r}: expected an existing folder")
    if guest:
        catalogue().find(guest)
    found = Survey()
    shared: Shapes[Item] = Shapes()
    numbers: dict[Hashable, int] = {}

    def skip(source: Source, skipped: Skipped) -> None:
        found.skipped.append((source.label, skipped.reason))

    sources, states = _states(list(_read(sources_below(base))))
    for source, reason in states:
        found.skipped.append((source.label, reason))
    for source in sources:
        data = source.data if isinstance(source, InMemory) else b""
        hit = shared.find(data) if data else None
        if hit is not None:
            found.items.append(replace(hit.answer, file=source.label, name=hit.name or "domain", part=source.part))
            continue
        for part, outcome in check_each((source,), host, guest, overrides=overrides, skip=skip):
            if isinstance(outcome, VirtkitError):
                # A folder without a domain file is no domain that could not be read.
                (found.skipped if part.path == base else found.refusals).append((part.label, str(outcome)))
                continue
            resolved, review = outcome
            named = guest_unless_named(resolved.domain, guest) or ""
            topology = resolved.topology
            shape = numbers.setdefault(answer_key(resolved, review), len(numbers))
            one = Item(part.label, topology.name, shape, resolved, topology, review, named, overrides, part.part)
            found.items.append(one)
            if shareable(resolved.domain, data):
                shared.add(data, one)
    return found


def _states(sources: list[Source]) -> tuple[list[Source], list[tuple[Source, str]]]:
    """The sources without the states of domains whose definitions are among them, and those states with a reason."""
    from virtkit.readers.libvirt import held, uuid_in

    holders = {n: what for n, one in enumerate(sources) if isinstance(one, InMemory) and (what := held(one.data))}
    if not holders:
        return sources, []
    defined: dict[str, str] = {}
    for n, one in enumerate(sources):
        if n not in holders and isinstance(one, InMemory) and (uuid := uuid_in(one.data)):
            defined.setdefault(uuid, one.label)
    states: dict[int, str] = {}
    for n, what in holders.items():
        one = sources[n]
        if isinstance(one, InMemory) and (definition := defined.get(uuid_in(one.data))):
            states[n] = f"this is {what} of the domain that {definition} defines"
    kept = [one for n, one in enumerate(sources) if n not in states]
    return kept, [(sources[n], reason) for n, reason in states.items()]


def _read(sources: Iterator[Source]) -> Iterator[Source]:
    """The sources with their bytes in memory; those that cannot be read as they are."""
    for source in sources:
        try:
            yield in_memory(source)
        except InputError:
            yield source


def folded(devices: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``Survey.devices`` that differ in label and address only, as one: "disk vda … vdad (30)".

    Labels and addresses become ranges with a count; a combined row takes the place of its first one.
    """
    same = ["file", "kind", "model", "interface", "verdict", "reason", "condition", "change"]
    rows = []
    for _, some in devices.groupby(same, sort=False):
        row = {str(name): value for name, value in some.iloc[0].items()}
        if len(some) > 1:
            row["label"] = _range([str(label) for label in some["label"]])
            places = [str(place) for place in some["address"]]
            row["address"] = f"{places[0]} … {places[-1]}" if places[0] else ""
        rows.append(row)
    return _frame(rows, " ".join(devices.columns))


def _range(labels: list[str]) -> str:
    """Labels of one kind as a range with its count; the words that all of them begin or end with appear once."""
    split = [label.split() for label in labels]
    head = _common(split)
    tail = _common([words[head:][::-1] for words in split])
    middle = [" ".join(words[head : len(words) - tail]) for words in split]
    before, after = " ".join(split[0][:head]), " ".join(split[0][len(split[0]) - tail :])
    between = ", ".join(middle) if len(middle) < 3 else f"{middle[0]} … {middle[-1]}"
    count = f"({len(labels)})" if len(labels) > 2 or not any(middle) else ""
    return " ".join(word for word in (before, between.strip(", …"), after, count) if word)


def _common(split: list[list[str]]) -> int:
    """The number of words that all begin with."""
    return len(list(takewhile(lambda words: len(set(words)) == 1, zip(*split, strict=False))))


def _assumption(resolved: Resolved) -> str:
    """Which host was assumed for a domain, and why; "" where none was."""
    return "" if resolved.assumption is None else resolved.assumption.note


def _frame(rows: list[dict[str, Any]], columns: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=columns.split())
