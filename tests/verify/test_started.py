"""Random QEMU command lines, started and compared with what the reader makes of them."""

from __future__ import annotations

import shlex
import shutil

import pytest

from virtkit.cli import main
from virtkit.verify.command_lines import command_lines
from virtkit.verify.started import compare_command_line

pytestmark = pytest.mark.slow

QEMU = shutil.which("qemu-system-x86_64")


def test_random_command_lines_are_the_same_for_the_same_seed() -> None:
    """The seed, the release and the architecture decide a random command line alone."""
    first = list(command_lines(5, 1, (7, 2)))
    assert first == list(command_lines(5, 1, (7, 2)))
    assert first != list(command_lines(5, 2, (7, 2)))
    assert all(shlex.split(text)[0] == "qemu-system-x86_64" for _, text in first)


@pytest.mark.skipif(QEMU is None, reason="no qemu-system-x86_64 on PATH")
def test_a_started_command_line_agrees_and_a_refused_one_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Places and interfaces equal those of the QEMU on PATH, and a refusal of QEMU is one of the reader's notes."""
    pytest.importorskip("qemu.qmp")
    line = (
        f"{QEMU} -M q35 -vga std -device pcie-root-port,id=p,chassis=1 -device virtio-rng-pci,bus=p,id=r "
        "-device pcie-pci-bridge,id=b -device virtio-rng-pci,bus=b,disable-modern=on,id=s"
    )
    outcome = compare_command_line(line, str(QEMU))
    assert outcome.agrees
    assert outcome.devices >= 6
    refused = compare_command_line(f"{line} -device e1000,addr=1", str(QEMU))
    assert refused.unstarted
    assert refused.refusal_expected
    assert main(["verify", "command-line", "--random", "3", "--seed", "7"]) == 0
    assert "not as predicted" in capsys.readouterr().out
