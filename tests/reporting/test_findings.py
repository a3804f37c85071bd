"""What a page says on top: counted from the tables, in few sentences, with a name for every system."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import virtkit as vk
from virtkit.fleet.rollout import review_rollouts
from virtkit.host import Host
from virtkit.reporting import findings, render
from virtkit.reporting.notebook import Output, domain_sources
from virtkit.reporting.questions import in_ranges, needs_transitional

NASTY = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def test_matrix_says_who_needs_transitional() -> None:
    """RHEL 6 needs virtio-transitional on q35 and not on pc; Windows first needs drivers; of Solaris 9 nobody knows."""
    frame = vk.matrix("rhel6.9,rhel6.10,win10,ubuntu24.04,solaris9", "pc,q35", kinds="net,block")
    needing = needs_transitional(frame)
    assert findings.of_matrix(frame, needing) == [
        "On q35, 2 of 5 systems need virtio-transitional: plain virtio fails there for at least one kind of device "
        "where virtio-transitional works.",
        "Plain virtio works for every kind asked (net, block) on pc for 4, on q35 for 2 of 5 systems.",
        "1 system first needs what a numbered condition says, such as a driver.",
        "Of 1 system nobody knows any of it. Unknown is not no.",
    ]
    assert in_ranges(needing).to_dict("records") == [
        {
            "family": "Linux",
            "machine": "q35",
            "kinds": "net, block",
            "count": 2,
            "systems": "Red Hat Enterprise Linux 6.9 to 6.10",
        }
    ]


def test_matrix_without_the_question() -> None:
    """Where transitional was not asked nothing is said of it; where nobody needs it, that is said."""
    frame = vk.matrix("rhel6.10", "q35", "virtio-non-transitional", "net")
    assert findings.of_matrix(frame, needs_transitional(frame)) == ["0 of 1 cell work, at once or with a condition."]
    frame = vk.matrix("ubuntu24.04", "q35", kinds="net")
    assert findings.of_matrix(frame, needs_transitional(frame))[0].startswith("No system needs virtio-transitional")
    assert in_ranges(needs_transitional(frame)).empty


def test_decision_says_what_to_do_first() -> None:
    """What is adopted comes first; without such, the baseline stays; the others are told by what becomes of them."""
    rows = [("a", "adopt", "+3 cells"), ("b", "keep", "the baseline"), ("c", "reject", "breaks 1"), ("d", "weigh", "x")]
    frame = pd.DataFrame(rows, columns=["policy", "decision", "because"])
    assert findings.of_decision(frame, "b") == [
        "Adopt a in place of b: +3 cells.",
        "Reject c: breaks 1.",
        "Weigh d: x.",
    ]
    assert findings.of_decision(frame[1:], "b")[0] == "Keep b: no other is better without being worse somewhere."
    two = pd.concat([frame[1:], pd.DataFrame([("e", "weigh", "y")], columns=frame.columns)])
    assert findings.of_decision(two, "b")[-1] == "Weigh: d, e."


def test_rollout_says_whether_to_go_on(tmp_path: Path) -> None:
    """A stage that refuses a domain is not ready, and the names to mend are told; else it may go on."""
    found = review_rollouts(domain_sources(""), ["nic-model", "video-model"], Host.default(), 10)
    count = found[0].domains
    assert findings.of_rollouts(found, 2) == [
        f"Not ready: 1 of {count} domains is refused at stage 2 (validate), by 2 unknown names of nic-model.",
        "Rename virtio-net to virtio, vmxnet-generation3 to vmxnet3.",
        "Every name of video-model is known.",
    ]
    assert findings.of_rollouts(found[1:], 3) == [
        f"Go on to stage 3 (enforce): every name in {found[0].domains} domains is known."
    ]


def test_answer_is_text(tmp_path: Path) -> None:
    """A sentence with HTML in it is text in the page, and is kept as a file for the index."""
    shown = Output(str(tmp_path)).answer(["First.", NASTY])
    assert "<img" not in shown.text
    assert (tmp_path / "answer.txt").read_text().startswith("First.\n")
    assert "<ul>" not in Output("").answer(["Alone."]).text


def test_changes_have_one_place_in_a_page() -> None:
    """What changed stands in its place once; a page that is taken over loses what an earlier run said there."""
    page = "<h1>x</h1><!--changes--><p>y</p>"
    told = render.changed(page, [NASTY, "b"], "run 1")
    assert "2 changes since run 1" in told
    assert "<img" not in told
    assert render.changed(told, ["c"], "run 2").count("<details") == 1
    assert "run 1" not in render.changed(told, ["c"], "run 2")
    assert render.changed(told, [], "run 2") == page
