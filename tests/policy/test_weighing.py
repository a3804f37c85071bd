"""How firm a ranking is: what pc would save, other weights, and the record that says so."""

from __future__ import annotations

import pandas as pd
import pytest

from virtkit.policy import comparison, document, record, scoring, weighing

GUESTS = "rhel6.10,fedora42,win11,winxp"


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three policies on four guests: on their own machine, and on pc."""
    policies = [document.builtin(name) for name in ("recommended", "virt-install", "nova")]
    own, pc = (comparison.evaluate(policies, GUESTS, (machine,)) for machine in ("own", "pc"))
    return own, pc


def test_what_pc_would_save(frames: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """The controllers of the q35 domains are saved on pc, which adds none; a policy that chooses pc saves nothing."""
    own, pc = frames
    criteria = document.builtin("recommended").scoring
    table = weighing.pc_savings(own, pc, criteria)
    found = {str(row["policy"]): row for row in table.to_dict("records")}
    on_q35 = own[own["machine"] == "q35"].drop_duplicates(["policy", "guest"])
    for name in ("recommended", "virt-install", "nova"):
        mine = on_q35[on_q35["policy"] == name]
        assert found[name]["domains"] == len(mine)
        assert found[name]["saved"] == mine["domain_buses"].sum() - found[name]["buses_on_pc"]
    assert found["nova"]["domains"] == 0
    assert found["recommended"]["score"] > found["recommended"]["score_on_pc"]
    words = weighing.pc_words(table, "recommended")
    saved, domains = found["recommended"]["saved"], found["recommended"]["domains"]
    assert words.startswith(f"On pc the {domains} q35 domains of recommended would save {saved} PCI controllers (")
    assert " and lose " in words
    assert weighing.pc_words(table, "nova") == ""


def test_machine_criteria_decide_for_q35(frames: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Without the criteria on machines, the buses make the same domains score higher on pc."""
    own, pc = frames
    free = scoring.weighted(
        document.builtin("recommended").scoring,
        "i440fx-support=0,migration=0,secure-boot=0,passthrough=0,windows-11=0,no-free-port=0",
    )
    found = weighing.pc_savings(own, pc, free)
    assert " and gain " in weighing.pc_words(found, "recommended")


def test_other_weights() -> None:
    """A criterion that decides is named with the policy that is first without it."""
    rows = [
        ("a", "works", 10, 1.0, 10.0),
        ("a", "buses", 10, -0.1, -1.0),
        ("b", "works", 8, 1.0, 8.0),
        ("b", "buses", 0, -0.1, 0.0),
    ]
    details = pd.DataFrame(rows, columns=["policy", "criterion", "count", "weight", "points"])
    found = weighing.sensitivity(details)
    assert found.to_dict("records") == [
        {"criterion": "works", "weight": 1.0, "at_0": "b", "at_half": "a", "at_double": "a", "margin": 2.0},
        {"criterion": "buses", "weight": -0.1, "at_0": "a", "at_half": "a", "at_double": "a", "margin": -1.0},
    ]
    assert weighing.sensitivity_words(found, "a") == (
        "a is no longer first when the weight of works is 0 (b is first)."
    )


@pytest.mark.slow
def test_the_record_has_the_parts_of_a_decision_record(frames: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Question, drivers, options, decision, good and bad consequences, and evidence follow each other."""
    own, pc = frames
    policies = [document.builtin(name) for name in ("virt-install", "recommended", "nova")]
    criteria = document.builtin("recommended").scoring
    text = record.of_policies(own, policies, "virt-install", criteria, on_pc=pc)
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == [
        "# Which policy chooses machine types and device models: recommended",
        "## Status",
        "## Context and question",
        "## Decision drivers",
        "## Considered options",
        "## Decision",
        "## Consequences",
        "### Good",
        "### Bad",
        "### Neutral",
        "## Evidence",
    ]
    assert "1 guest gets q35 in place of pc, such as Red Hat Enterprise Linux 6.10 (rhel6.10)." in text
    assert weighing.pc_words(weighing.pc_savings(own, pc, criteria), "recommended") in text
    assert "Other weights: recommended stays first when any one weight is 0, halved or doubled." in text
