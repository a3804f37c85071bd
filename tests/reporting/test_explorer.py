"""The explorer shows a picture and verdicts, and a refusal as text."""

from __future__ import annotations

import pytest

from virtkit.draw.table import Svg
from virtkit.reporting.explorer import explorer, show
from virtkit.reporting.run import notebooks, run


def test_show_follows_the_choice() -> None:
    """The broken domain fails as written and works on pc; an unknown machine or guest is told."""
    drawn, verdicts = show("rhel6-q35-virtio")
    assert isinstance(drawn, Svg)
    assert "NO disk vda" in verdicts.text
    assert "NO disk vda" not in show("rhel6-q35-virtio", machine="pc")[1].text
    assert "no guest OS called" in show("rhel6-q35-virtio", guest="nope")[0].text
    assert len(show("rhel6-q35-virtio", machine="nope")) == 1


def test_show_follows_the_model() -> None:
    """Every virtio device takes it and is placed anew; a machine chosen beside it stays chosen."""
    drawn, verdicts = show("rhel6-q35-virtio", model="virtio-transitional")
    assert "NO disk vda" not in verdicts.text
    assert "virtio-blk-pci-transitional" in drawn._repr_svg_()
    assert "pcie-to-pci-bridge" not in show("rhel6-q35-virtio", "pc", "", "virtio-transitional")[0]._repr_svg_()
    assert "NO disk vda" in show("rhel6-q35-virtio", "pc", "", "virtio-non-transitional")[1].text


def test_explorer_offers_what_there_is() -> None:
    """Sample domains, machines, the three models and every guest OS that is known."""
    row, _out = explorer().children
    offered = {choice.description: list(choice.options) for choice in row.children}
    assert list(offered) == ["domain", "machine", "model", "guest"]
    assert offered["machine"] == [("as written", ""), ("pc", "pc"), ("q35", "q35")]
    assert ("virtio-non-transitional", "virtio-non-transitional") in offered["model"]
    assert "rhel6.10" in offered["guest"]


@pytest.mark.notebook
def test_start_here_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The notebook to start with runs from any folder."""
    assert run(notebooks(["00"]), {}, tmp_path_factory.mktemp("reports")).status == "passed"
