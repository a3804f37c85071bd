"""Agreement with booted guests and firmware: the rows of observations; skipped where they are not at hand."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from virtkit.boot import firmware_keys, name_keys
from virtkit.guests import flavours

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "groundtruth"
_CORPUS = os.environ.get("VIRTKIT_CONFORMANCE")
ROWS = Path(_CORPUS).parent / "groundtruth" if _CORPUS else _BESIDE

pytestmark = [pytest.mark.corpora, pytest.mark.skipif(not ROWS.is_dir(), reason="the observations are not at hand")]

#: The share of firmware rows that must be right, in percent.
FIRMWARE = 99.0


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a table of observations."""
    with (ROWS / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_firmware() -> None:
    """At least 99 % of the observed boots have the predicted result."""
    found = rows("firmware_boot.csv")
    key = firmware_keys.KEY
    keys = [{name: row[name] for name in key} for row in found]
    wrong = [row for row, one in zip(found, keys, strict=True) if firmware_keys.key_result(one).result != row["result"]]
    assert len(wrong) * 100 <= len(found) * (100 - FIRMWARE), wrong


def test_names() -> None:
    """Every name that does not depend on a race is predicted."""
    found = [row for row in rows("nic_names.csv") if row["deterministic"] == "yes"]
    keys = name_keys.KEY
    wrong = [row for row in found if name_keys.key_name({key: row[key] for key in keys}).name != row["name"]]
    assert wrong == []


def test_candidates_of_every_scheme() -> None:
    """The candidates onboard, slot and path are predicted for every naming scheme that was evaluated."""
    wrong = []
    for row in rows("nic_names.csv"):
        for text in row["schemes"].split():
            scheme, _, candidates = text.partition(":")
            found = name_keys.key_name({key: row[key] for key in name_keys.KEY} | {"scheme": scheme})
            if "/".join(one or "-" for one in (found.onboard, found.slot, found.path)) != candidates:
                wrong.append((row["place"], scheme, candidates, found))
    assert wrong == []


def test_kernel_options() -> None:
    """Every observed option of a kernel is shipped, with its value and its module."""
    guests = {"bookworm": "debian12", "trixie": "debian13", "forky": "debiantesting"}
    known = flavours.flavours()
    for row in rows("guest_kernels.csv"):
        kernel = known[f"{guests[row['suite']]}:{row['flavour']}"]
        assert (kernel.package, kernel.version, kernel.arch) == (row["package"], row["version"], row["arch"])
        assert flavours.option(kernel.key, row["option"]) == flavours.Option(row["value"], row["module"])


def test_installer_modules() -> None:
    """Every observed module of an installer is shipped, with its place."""
    known = flavours.flavours()
    for row in rows("installer_modules.csv"):
        kernel = known[f"debian{row['release']}:installer-{row['arch']}"]
        assert (kernel.version, kernel.linux) == (row["package_version"], row["kernel"])
        assert flavours.module_place(kernel.key, row["module"]) == row["where"]
