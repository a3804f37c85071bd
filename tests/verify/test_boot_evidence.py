"""The rules against the boots of random machines that data/evidence keeps."""

from __future__ import annotations

from collections.abc import Mapping

import virtkit as vk
from virtkit import facts
from virtkit.boot.by_path import by_path
from virtkit.boot.domain_names import nic_names
from virtkit.boot.naming import parse_scheme
from virtkit.boot.power_on import power_on
from virtkit.domain.devices import Disk
from virtkit.host import Host
from virtkit.verify.boot_random import random_machines

#: ``--seed`` of the boots.
SEED = 41


def machines(kind: str, name: str) -> Mapping[str, vk.Resolved]:
    """The machines that the rows of a table are about, by their names."""
    rows = facts.table(name)
    count = max(int(row["domain"].rpartition("-")[2]) for row in rows) - SEED * 100_000
    found = {one.name or "": one for one in random_machines(count, SEED, kind, Host.named("7.2"))}
    assert {row["domain"] for row in rows} <= set(found)
    return found


def test_names() -> None:
    """Every candidate of a NIC, and every path of a disk, that a booted guest showed is predicted."""
    guest = vk.catalogue().find("debian12")
    predicted: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for name, resolved in machines("names", "evidence/nic-names.csv").items():
        for scheme in ("v247", "v252"):
            for one in nic_names(resolved, guest, parse_scheme(scheme)):
                predicted[name, one.device, scheme] = one.name.onboard, one.name.slot, one.name.path
        for disk in resolved.devices:
            if isinstance(disk, Disk):
                predicted[name, disk.id, "path_id"] = "", "", by_path(resolved, disk)
    rows = facts.table("evidence/nic-names.csv")
    assert len(rows) > 200
    for row in rows:
        observed = row["onboard"], row["slot"], row["path"]
        assert predicted[row["domain"], row["device"], row["scheme"]] == observed, row


def test_firmware() -> None:
    """The firmware started the disk with the boot index exactly where that is predicted."""
    found = machines("firmware", "evidence/firmware-starts.csv")
    rows = facts.table("evidence/firmware-starts.csv")
    assert {row["firmware"] for row in rows} == {"SeaBIOS", "OVMF"}
    for row in rows:
        disk = power_on(found[row["domain"]]).boot_disk
        assert disk is not None
        assert (disk.result == "boots") == (row["observed"] == row["boot_disk"]), row
