"""``virtkit interface`` over tables of keys, and over the conformance sample where it is at hand."""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import pytest

from virtkit.commands import interface
from virtkit.errors import InputError

CONFORMANCE = Path(
    os.environ.get("VIRTKIT_CONFORMANCE", Path(__file__).resolve().parents[3] / "shared" / "conformance")
)
HEAD = "qemu,arch,machine,kind,model,location\n"


def answer(keys: Path, out: Path, *more: str) -> tuple[int, list[dict[str, str]]]:
    """Runs the command as the command line would."""
    parser = argparse.ArgumentParser()
    interface.register(parser.add_subparsers())
    args = parser.parse_args(["interface", str(keys), "-o", str(out), *more])
    status = args.run(args)
    with out.open(newline="") as stream:
        return status, list(csv.DictReader(stream))


def test_a_row_s_own_qemu_wins(tmp_path: Path) -> None:
    """The column qemu decides, --qemu only fills what is empty."""
    keys = tmp_path / "keys.csv"
    keys.write_text(
        HEAD + "7.2,x86_64,pc-q35-7.2,sound,virtio,pcie-port\n" + ",x86_64,pc-q35-9.0,sound,virtio,pcie-port\n"
    )
    status, rows = answer(keys, tmp_path / "out.csv", "--qemu", "11.1")
    assert status == 0
    assert [(row["interface"], row["device_id"], row["reason"]) for row in rows] == [
        ("refused", "", "no-driver"),
        ("modern", "1059", ""),
    ]


def test_a_row_that_is_no_key_fails_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other rows are still answered, the exit code is 1, and the message names the line."""
    keys = tmp_path / "keys.csv"
    keys.write_text(HEAD + "11.1,x86_64,q35,nic,virtio,pcie-port\n" + "11.1,x86_64,q35,net,virtio,pcie-port\n")
    status, rows = answer(keys, tmp_path / "out.csv")
    assert status == 1
    assert [row["interface"] for row in rows] == ["", "modern"]
    assert "keys.csv:2:" in capsys.readouterr().err


def test_a_table_without_the_columns_is_refused(tmp_path: Path) -> None:
    """The message names the columns that are missing."""
    keys = tmp_path / "keys.csv"
    keys.write_text("arch,machine\nx86_64,q35\n")
    with pytest.raises(InputError, match="kind, model, location"):
        answer(keys, tmp_path / "out.csv")


def test_a_machine_that_qemu_lacks_is_refused(tmp_path: Path) -> None:
    """As QEMU itself says of a machine type of a newer release."""
    keys = tmp_path / "keys.csv"
    keys.write_text(HEAD + "7.2,x86_64,pc-q35-9.0,net,virtio,pcie-port\n" + "7.2,x86_64,q35,net,virtio,pcie-port\n")
    status, rows = answer(keys, tmp_path / "out.csv")
    assert status == 0
    assert [(row["interface"], row["reason"]) for row in rows] == [("refused", "no-machine"), ("modern", "")]


def test_a_qemu_without_facts_is_answered_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer states the rules, and that its drivers are not known."""
    keys = tmp_path / "keys.csv"
    keys.write_text(HEAD + "8.0,x86_64,pc-q35-8.0,net,virtio,pcie-root\n")
    assert answer(keys, tmp_path / "out.csv")[1][0]["interface"] == "transitional"
    assert "no facts are shipped for QEMU 8.0 on x86_64" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + f"7.2,x86_64,q35,net,virtio,{'x' * 200_000}\n", "keys.csv:2.*not valid CSV"),
        (HEAD.replace("qemu", "arch") + "\n", "arch twice"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A cell beyond all bounds, a column twice."""
    keys = tmp_path / "keys.csv"
    keys.write_text(text)
    with pytest.raises(InputError, match=message):
        answer(keys, tmp_path / "out.csv")


@pytest.mark.corpora
@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="the conformance sample is not at hand")
def test_the_conformance_sample_is_answered_in_full(tmp_path: Path) -> None:
    """Interface, device id and reason of every row, refusals included."""
    sample = CONFORMANCE / "qemu-interface" / "sample.csv"
    keys = tmp_path / "keys.csv"
    with sample.open(newline="") as stream:
        truth = list(csv.DictReader(stream))
    columns = HEAD.strip().split(",")
    with keys.open("w", newline="") as out:
        writer = csv.DictWriter(out, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(truth)
    status, rows = answer(keys, tmp_path / "out.csv")
    assert status == 0
    wrong = [
        row
        for row, want in zip(rows, truth, strict=True)
        if (row["interface"], row["device_id"], row["reason"])
        != (want["interface"] or "refused", want["device_id"], want["reason"])
    ]
    assert wrong == []
