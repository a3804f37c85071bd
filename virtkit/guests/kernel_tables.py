"""The tables of kernels with a further one: what ``virtkit data refresh --kernel`` writes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from virtkit import facts
from virtkit.errors import GuestError
from virtkit.guests.flavours import flavours, split
from virtkit.guests.kernel_files import KernelFiles
from virtkit.outputs import writing

__all__ = ["add_kernel"]


def add_kernel(folder: Path, name: str, kernel: KernelFiles, source: str) -> list[str]:
    """Writes the tables of kernels with one more, called ``name`` (GUEST:FLAVOUR), below ``folder``.

    The kernel gets every option that the shipped tables know. Returns the names of the files that were written: both,
    or none after an error. Raises GuestError for a name of another form, or one that a shipped kernel has, and
    InputError when the tables cannot be written.
    """
    guest, flavour = split(name)
    if not flavour:
        raise GuestError(f"--kernel-name {name}: expected GUEST:FLAVOUR, such as debian12:mine")
    if f"{guest}:{flavour}" in flavours():
        raise GuestError(f"--kernel-name {name}: the shipped facts have a kernel of this name; choose another")
    package, version = kernel.package or source, kernel.version or "-"
    row = (guest, flavour, "", kernel.arch or "-", package, version, "", f"configuration read from {source}")
    options = [dict(one) for one in facts.table("guests/kernel-options.csv")]
    modules = _modules()
    written: dict[tuple[str, str, str], dict[str, str]] = {
        (one["option"], one["value"], one["module"]): one for one in options
    }
    for option in dict.fromkeys(one["option"] for one in options):
        value = kernel.value(option)
        place = kernel.module(modules[option]) if option in modules else ""
        key = option, value, place
        if key in written:
            written[key]["kernels"] += f" {guest}:{flavour}"
        else:
            fields = {"option": option, "value": value, "module": place, "kernels": f"{guest}:{flavour}"}
            written[key] = fields | {"source": f"configuration read from {source}"}
    (folder / "guests").mkdir(parents=True, exist_ok=True)
    known = [tuple(one.values()) for one in facts.table("guests/flavours.csv")]
    rows = [tuple(one.values()) for one in sorted(written.values(), key=lambda one: one["option"])]
    names = ["guests/flavours.csv", "guests/kernel-options.csv"]
    texts = (_table(names[0], list(facts.table(names[0])[0]), [*known, row]), _table(names[1], list(options[0]), rows))
    with writing(*(folder / one for one in names)) as scratches:
        for scratch, text in zip(scratches, texts, strict=True):
            scratch.write_text(text, encoding="utf-8")
    return names


def _modules() -> dict[str, str]:
    """The module of each option that has one."""
    found: dict[str, str] = {}
    for row in facts.table("guests/kernel-drivers.csv"):
        found.update(zip(row["options"].split(), row["modules"].split(), strict=False))
    return found


def _table(name: str, head: list[str], rows: list[tuple[str, ...]]) -> str:
    """The text of a table, below the comments of the one in use."""
    before = facts.path(name).read_text(encoding="utf-8").splitlines(keepends=True)
    out = io.StringIO()
    out.writelines(line for line in before if line.startswith("#"))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
