"""The explorer shows a picture and verdicts, and a refusal as text."""

from __future__ import annotations

import pytest

from virtkit.draw.table import Svg
from virtkit.reporting.explorer import show
from virtkit.reporting.run import notebooks, run


def test_show_follows_the_choice() -> None:
    """The broken domain fails as written and works on pc; an unknown machine or guest is told."""
    drawn, verdicts = show("rhel6-q35-virtio")
    assert isinstance(drawn, Svg)
    assert "NO disk vda" in verdicts.text
    assert "NO disk vda" not in show("rhel6-q35-virtio", machine="pc")[1].text
    assert "no guest OS called" in show("rhel6-q35-virtio", guest="nope")[0].text
    assert len(show("rhel6-q35-virtio", machine="nope")) == 1


@pytest.mark.notebook
def test_start_here_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The notebook to start with runs from any folder."""
    assert run(notebooks(["00"]), {}, tmp_path_factory.mktemp("reports")).status == "passed"
