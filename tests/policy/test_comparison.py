"""Policies compared on all guests: the scores, the differences, the time."""

from __future__ import annotations

import time

import pandas as pd
import pytest

from virtkit.policy import comparison, document


@pytest.fixture(scope="module")
def everything() -> pd.DataFrame:
    """Every shipped policy on every guest, on pc and q35; in less than ten seconds."""
    start = time.perf_counter()
    frame = comparison.evaluate([document.builtin(name) for name in document.names()], machines=("pc", "q35"))
    assert time.perf_counter() - start < 10
    return frame


def test_size(everything: pd.DataFrame) -> None:
    """A row for each policy, guest, machine and kind."""
    assert len(everything) == len(document.names()) * 959 * 2 * 12
    assert tuple(everything.columns) == comparison.COLUMNS


def test_recommended_is_best(everything: pd.DataFrame) -> None:
    """virtkit's own policy breaks no cell, and none has more cells that work."""
    scores = comparison.score(everything)
    best = scores.iloc[0]
    assert best["policy"] == "recommended"
    assert best["fails"] == 0
    assert best["guests_failing"] == 0
    assert best["works"] == scores["works"].max()
    equals = scores[scores["works"] == best["works"]]
    assert best["buses"] == equals["buses"].min()


def test_recommended_is_best_on_its_own_machine() -> None:
    """The same where each policy chooses the machine."""
    frame = comparison.evaluate([document.builtin(name) for name in document.names()])
    scores = comparison.score(frame)
    assert scores.iloc[0]["policy"] == "recommended"
    assert scores.iloc[0]["works"] == scores["works"].max()


def test_kubevirt_flag_matters_to_legacy_guests(everything: pd.DataFrame) -> None:
    """useVirtioTransitional makes RHEL 6 disks work, and nothing that worked fails."""
    changed = comparison.changes(everything, "kubevirt", "kubevirt-transitional")
    disks = changed[(changed["kind"] == "block") & (changed["guest"] == "rhel6.10")]
    assert set(disks["effect"]) == {"better"}
    assert "worse" not in set(changed["effect"])


def test_by_family(everything: pd.DataFrame) -> None:
    """The matrix of policies by family of guest holds shares."""
    table = comparison.by_family(everything)
    assert list(table.columns) == list(document.names())
    assert table.to_numpy().min() >= 0
    assert table.to_numpy().max() <= 1
    assert (table["recommended"] == 1).all()
