"""Texts for people: what an input names cannot break a line, or change how a terminal shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtkit.cli import main

_NAME = "a&#10;vda: works\x9b31m\u202e"
_DOMAIN = f"""<domain type='kvm'><name>{_NAME}</name><memory>1</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<disk type='file' device='disk'><source file='/d'/><target dev='vda' bus='virtio'/></disk></devices></domain>
"""
_DISK = "<disk type='file'><source file='/e'/><target dev='vdb' bus='virtio'/></disk>"


@pytest.mark.parametrize(
    "command",
    [
        ["check", "DOMAIN"],
        ["check", "DOMAIN", "--guest", "debian12"],
        ["topology", "DOMAIN"],
        ["topology", "DOMAIN", "--capacity"],
        ["explain", "DOMAIN"],
        ["attach", "DOMAIN", "DEVICE"],
        ["moves", "DOMAIN", "--machine", "q35:pc"],
    ],
    ids=lambda words: " ".join(words),
)
def test_a_name_stays_in_its_line(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line break in the name of a domain begins no line, and control characters do not reach the output."""
    (tmp_path / "domain.xml").write_text(_DOMAIN)
    (tmp_path / "device.xml").write_text(_DISK)
    places = {"DOMAIN": str(tmp_path / "domain.xml"), "DEVICE": str(tmp_path / "device.xml")}
    assert main([places.get(word, word) for word in command]) in (0, 1)
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert text
    assert not [line for line in text.splitlines() if line.startswith("vda: works")]
    assert not {"\x9b", "\u202e"} & set(text)
