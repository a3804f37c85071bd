"""Decision tables: one line for each thing to decide, in Markdown."""

from __future__ import annotations

import pandas as pd
import pytest

from virtkit.errors import UsageError
from virtkit.fleet.rollout import review_rollouts
from virtkit.inputs import sources
from virtkit.policy import comparison, decisions, document, rollout, slots


def _by_policy(frame: pd.DataFrame) -> dict[str, dict[str, object]]:
    return {str(row["policy"]): {str(key): value for key, value in row.items()} for row in frame.to_dict("records")}


@pytest.mark.slow
def test_policies() -> None:
    """The recommended policy is adopted; others improve on libvirt's as well, are worse, or both."""
    policies = [document.builtin(name) for name in ("libvirt", "recommended", "kubevirt", "slot-C")]
    rules = (
        "[{machine: q35, reason: x}, "
        "{kinds: [block], model: none, reason: x}, {kinds: [all], model: virtio, reason: x}]"
    )
    diskless = document.parse(f"name: diskless\ntitle: x\nsources: [x]\nrules: {rules}", "x.yaml")
    frame = comparison.evaluate([*policies, diskless], "rhel6.10,fedora42", ("q35",))
    table = _by_policy(decisions.of_policies(frame, "libvirt"))
    assert {name: row["decision"] for name, row in table.items()} == {
        "recommended": "adopt",
        "libvirt": "keep",
        "slot-C": "better",
        "diskless": "reject",
        "kubevirt": "weigh",
    }
    assert "1 fewer domain lacks a working disk or NIC" in str(table["recommended"]["because"])
    with pytest.raises(UsageError, match="baseline 'ovirt' was not evaluated; expected one of "):
        decisions.of_policies(frame, "ovirt")


def test_drawbacks_of_the_same_domains_share_a_part() -> None:
    """Criteria on the machine that change by the same number are one consequence, and others have verbs that agree."""
    frame = comparison.evaluate([document.builtin(name) for name in ("nova", "recommended")], "rhel6.10,fedora42")
    said = str(_by_policy(decisions.of_policies(frame, "nova"))["recommended"]["because"])
    assert said == (
        "4 more devices work, 1 fewer device fails and 2 fewer domains have the drawbacks i440fx-support, migration "
        "and passthrough"
    )


def test_slots() -> None:
    """B breaks guests and is rejected; A needs port I/O windows and is weighed; C is the baseline."""
    table = _by_policy(decisions.of_slots(slots.compare("rhel6.10,fedora42", kinds="net"), "C"))
    assert [table[name]["decision"] for name in "ABC"] == ["weigh", "reject", "keep"]
    assert table["A"]["because"] == "no guest breaks, but the cost is +1 port I/O window"
    assert table["B"]["because"] == (
        "leaves 1 system without a disk or NIC of the model virtio-non-transitional on pc (such as Fedora Linux 42), "
        "which work under the baseline"
    )
    with pytest.raises(UsageError, match="does not include the baseline"):
        decisions.of_slots(slots.compare("fedora42", kinds="net"), "conventional")


def test_rollouts(tmp_path: object) -> None:
    """Each unknown name has a line with what to do, and so has a subject without unknown names."""
    from virtkit import facts

    found = review_rollouts(sources([str(facts.path("domains"))]))
    table = decisions.of_rollouts(found, 2)
    rows = {str(row["name"] or row["subject"]): row for row in table.to_dict("records")}
    assert rows["virtio-net"]["decision"] == "rename to virtio before stage 2"
    assert rows["virtio-net"]["at_stage"] == "refused"
    assert rows["video-model"]["decision"].startswith("continue")
    with pytest.raises(UsageError, match="stage: expected one of 0, 1, 2, 3, got 4"):
        decisions.of_rollouts(found, 4)


def test_markdown_is_safe() -> None:
    """Bars, line ends and markup of a cell do not break the table, nor become part of the page."""
    frame = pd.DataFrame({"a_b": ["x|y\nz", 1, "<img src=x>`*["]})
    assert decisions.markdown(frame) == "| a b |\n| --- |\n| x\\|y z |\n| 1 |\n| \\<img src=x>\\`\\*\\[ |\n"


def test_a_decision_stays_short() -> None:
    """Of many unknown names the most frequent have a line each, the others one together."""
    names = tuple(rollout.UnknownName(f"n{number}", "qemu", "x86_64", 2, 1, "") for number in range(5))
    found = rollout.Rollout("nic-model", domains=9, disappear=5, names=7, devices=12, unknown=names)
    table = decisions.of_rollouts([found], 3, limit=2)
    assert list(table["name"]) == ["n0", "n1", "and 5 more"]
    assert list(table["devices"]) == [2, 2, 8]


def test_equal_rows_stand_together() -> None:
    """Rows that differ only in the policy become one row with both names, where the first one was."""
    frame = pd.DataFrame({"policy": ["a", "b", "c"], "score": [1.5, 0.0, 1.5], "works": [2, 1, 2]})
    assert decisions.together(frame, "policy").to_dict("records") == [
        {"policy": "a, c", "score": 1.5, "works": 2},
        {"policy": "b", "score": 0.0, "works": 1},
    ]
