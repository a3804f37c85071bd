"""The page on policies: its example is a policy, and it names every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from virtkit.cli import main
from virtkit.policy import document
from virtkit.policy.lint import lint
from virtkit.policy.rules import CONDITIONS
from virtkit.policy.scoring import MEASURES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")


def test_example_is_a_policy() -> None:
    """The YAML of the page is read without complaint."""
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    policy = document.parse(text, "policies.md")
    assert policy.name == "example"
    assert lint(policy) == ()


def test_every_condition_is_named() -> None:
    """Each predicate of the schema is in the table."""
    for key in CONDITIONS:
        assert f"`{key}`" in PAGE, key


def test_every_measure_is_named() -> None:
    """Each measure of a criterion is in the table."""
    for key in MEASURES:
        assert f"`{key}`" in PAGE, key


@pytest.mark.slow
def test_figures_are_those_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    """The score table of the page is what the command prints."""
    (shown,) = re.findall(r"\$ virtkit policy score\n(.*?)```", PAGE, re.S)
    assert main(["policy", "score"]) == 0
    assert capsys.readouterr().out == shown
