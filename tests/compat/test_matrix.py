"""The matrix: strict counts, the table of RHEL 6, its size and its form."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.writing import OLD
from virtkit.cli import main
from virtkit.commands.longtable import csv_pieces, json_pieces
from virtkit.compat.matrix import COLUMNS, matrix, select_machines
from virtkit.errors import GuestError, UsageError
from virtkit.guests import KINDS
from virtkit.host import Host

# Guests that work, fail and are unknown, of 959, by the database alone.
STRICT = {
    ("net", True): (534, 98, 327),
    ("net", False): (311, 321, 327),
    ("block", True): (536, 96, 327),
    ("block", False): (316, 316, 327),
}


@pytest.fixture(scope="module")
def strict() -> pd.DataFrame:
    """The strict matrix of all guests, disks and NICs."""
    return matrix(kinds="net,block", overrides=False)


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("model", ["virtio", "virtio-transitional", "virtio-non-transitional"])
@pytest.mark.parametrize("kind", ["net", "block"])
def test_strict_counts(strict: pd.DataFrame, kind: str, machine: str, model: str) -> None:
    """How many guests a transitional and a modern disk or NIC serves."""
    part = strict[(strict["kind"] == kind) & (strict["machine"] == machine) & (strict["model"] == model)]
    counts = part["verdict"].value_counts()
    transitional = model == "virtio-transitional" or (model == "virtio" and machine == "pc")
    found = tuple(int(counts.get(verdict, 0)) for verdict in ("works", "fails", "unknown"))
    assert found == STRICT[kind, transitional]
    assert set(part["interface"]) == {"transitional" if transitional else "modern"}


@pytest.mark.parametrize("guest", ["rhel6.0", "rhel6.10", "centos6.8"])
@pytest.mark.parametrize(
    ("machine", "model", "placement", "verdict"),
    [
        ("pc", "virtio", "conventional-root", "works"),
        ("pc", "virtio-transitional", "conventional-root", "works"),
        ("q35", "virtio-transitional", "conventional-bridge", "works"),
        ("q35", "virtio", "pcie-port", "fails"),
        ("pc", "virtio-non-transitional", "conventional-root", "fails"),
        ("q35", "virtio-non-transitional", "pcie-port", "fails"),
    ],
)
def test_rhel6(guest: str, machine: str, model: str, placement: str, verdict: str) -> None:
    """What a test lab sees of RHEL 6: only a device with the legacy interface boots."""
    frame = matrix(guest, machine, model, "block,net", overrides=False)
    assert set(frame["placement"]) == {placement}
    assert set(frame["verdict"]) == {verdict}
    assert frame["reason"].str.len().min() > 20


@pytest.mark.slow
def test_every_x86_machine_version_is_small() -> None:
    """All guests, models and kinds on every versioned x86 machine: a million cells in little memory."""
    frame = matrix(machines="all")
    machines = select_machines("all")
    assert len(frame) == 959 * len(machines) * 3 * len(KINDS)
    assert len(machines) >= 30
    assert frame.memory_usage(deep=True).sum() < 100e6


def test_old_machines_are_legacy() -> None:
    """On a machine type up to 2.6 plain virtio is legacy, which a driver of virtio 1.0 only cannot drive."""
    host = Host.default(libvirt=OLD)
    frame = matrix("haikur1beta4", "pc-i440fx-2.6,pc-i440fx-2.7", "virtio", "block", overrides=False, host=host)
    assert list(frame["interface"]) == ["legacy", "transitional"]
    assert list(frame["verdict"]) == ["fails", "works"]


def test_form() -> None:
    """The fixed columns, all categories, guests slowest."""
    frame = matrix("rhel6.10,fedora42", "q35", None, "net,gpu")
    assert tuple(frame.columns) == COLUMNS
    assert all(str(dtype) == "category" for dtype in frame.dtypes)
    assert len(frame) == 2 * 2 * 3
    assert set(frame.loc[frame["kind"] == "gpu", "interface"]) == {"modern", "refused"}


def test_refusals_say_who_refuses() -> None:
    """No transitional vsock exists in QEMU, no transitional gpu in libvirt."""
    frame = matrix("fedora42", "q35", "virtio-transitional", "vsock,gpu").set_index("kind")
    assert "vhost-vsock-pci-transitional" in str(frame.loc["vsock", "reason"])
    assert frame.loc["vsock", "evidence"] == "qemu"
    assert "libvirt" in str(frame.loc["gpu", "reason"])
    assert set(frame["verdict"]) == {"fails"}


def test_unknown_selections_are_refused() -> None:
    """The error for an unknown guest, machine, model or kind names it and the known ones."""
    with pytest.raises(GuestError, match="nearest"):
        matrix("rhel6.11")
    with pytest.raises(UsageError, match=r"no machine type 'pc-q35-1\.0'"):
        matrix("rhel6.10", "pc-q35-1.0")
    with pytest.raises(UsageError, match=r"no versioned machine type for riscv64; expected one of .*virt"):
        matrix("rhel6.10", "all", arch="riscv64")
    with pytest.raises(UsageError, match="expected all, or one of virtio, virtio-transitional"):
        matrix("rhel6.10", "pc", "virtio-old")
    with pytest.raises(UsageError, match="no device kind 'disk'"):
        matrix("rhel6.10", "pc", None, "disk")


def test_a_guest_that_was_booted_says_so() -> None:
    """Debian 12 was seen driving its NIC on pc and q35; Debian 11 was not, and so says what the database says."""
    frame = matrix("debian12,debian11", "pc,q35", None, "net,balloon", overrides=False)
    booted = frame[(frame["guest"] == "debian12") & (frame["kind"] == "net")]
    assert set(booted["evidence"]) == {"boot"}
    assert "QEMU 7.2.22" in str(booted["source"].iloc[0])
    assert set(frame.loc[~frame.index.isin(booted.index), "evidence"]) == {"db"}


@pytest.mark.parametrize(
    ("arch", "machine", "placement", "interface"),
    [
        ("s390x", "s390-ccw-virtio", ["ccw"] * 3, ["transitional", "refused", "refused"]),
        ("aarch64", "virt", ["pcie-port", "conventional-bridge", "pcie-port"], ["modern", "transitional", "modern"]),
        ("arm", "virt", ["pcie-port", "conventional-bridge", "pcie-port"], ["modern", "transitional", "modern"]),
        ("ppc64", "pseries", ["conventional-root"] * 3, ["transitional", "transitional", "modern"]),
        ("x86_64", "isapc", [""] * 3, ["refused"] * 3),
    ],
)
def test_other_machines(arch: str, machine: str, placement: list[str], interface: list[str]) -> None:
    """Where a NIC goes and what it shows; s390x has neither transitional nor non-transitional devices."""
    frame = matrix("debian12", machine, None, "net", arch=arch)
    assert list(frame["placement"]) == placement
    assert list(frame["interface"]) == interface


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
def test_command_writes(tmp_path: Path, suffix: str) -> None:
    """Each form holds the same cells."""
    out = tmp_path / f"m.{suffix}"
    assert main(["matrix", "--guests", "rhel6.10", "--kinds", "net", "-o", str(out), "--quiet"]) == 0
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": pd.read_json}[suffix]
    frame = read(out)  # type: ignore[operator]
    assert list(frame["verdict"]) == ["works", "works", "fails", "fails", "works", "fails"]


def test_text_forms_are_those_of_pandas() -> None:
    """The fast writer's CSV is that of pandas byte for byte, and its JSON holds the same objects."""
    frame = matrix("winxp,rhel6.10,fedora42", "all")
    assert "".join(csv_pieces(frame)) == frame.to_csv(index=False, lineterminator="\n")
    assert json.loads("".join(json_pieces(frame))) == frame.to_dict(orient="records")
    assert json.loads("".join(json_pieces(frame.iloc[:0]))) == []


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json", "html"])
def test_command_names_what_cannot_be_written(tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in a folder that does not exist is an error of one line, whatever its form."""
    out = tmp_path / "none" / f"m.{suffix}"
    assert main(["matrix", "--guests", "rhel6.10", "--kinds", "net", "-o", str(out)]) == 1
    assert f"{out}: cannot be written" in capsys.readouterr().err


def test_command_prints_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A table on standard output says the condition or the reason of each cell; a file's form is said by its name."""
    words = ["matrix", "--guests", "winxp", "--machines", "q35", "--kinds", "block", "--format", "table"]
    assert main([*words, "--quiet"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["guest", "kind", "machine", "model", "placement", "interface", "verdict", "evidence", "why"]
    assert "The block driver that can be installed supports only the legacy interface (virtio 0.9)" in rows[0]
    assert "virtio-win is installed (Fedora's, up to 0.1.285" in rows[1]
    assert main([*words, "-o", str(tmp_path / "m.csv")]) == 2


def test_command_refuses_an_unknown_ending(tmp_path: Path) -> None:
    """A file name that says no known form is wrong usage."""
    assert main(["matrix", "--guests", "rhel6.10", "-o", str(tmp_path / "m.xls")]) == 2
