"""The answer at the top of a page: a few sentences counted from its tables."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pandas as pd

import virtkit as vk
from virtkit.fleet.rollout import review_rollouts
from virtkit.host import Host
from virtkit.reporting import answers, render
from virtkit.reporting.notebook import Output, domain_sources
from virtkit.reporting.transitional import by_release_range, needs_transitional

NASTY = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def test_matrix_says_who_needs_transitional() -> None:
    """RHEL 6 needs virtio-transitional on q35 only, Windows 10 needs added drivers, and Solaris 9 is unknown."""
    frame = vk.matrix("rhel6.9,rhel6.10,win10,ubuntu24.04,solaris9", "pc,q35", kinds="net,block")
    needing = needs_transitional(frame)
    assert answers.matrix_answer(frame, needing) == [
        "On q35, 2 of 5 systems need virtio-transitional: plain virtio fails for at least one kind of device for which "
        "virtio-transitional works.",
        "Plain virtio works for every kind of device (net, block) for 4 of 5 systems on pc and 2 of 5 systems on q35.",
        "For 1 system, some devices work only under a condition, such as an added driver.",
        "1 system is unknown for every device: no source says which drivers it has.",
    ]
    assert by_release_range(needing).to_dict("records") == [
        {
            "family": "Linux",
            "machine": "q35",
            "kinds": "net, block",
            "count": 2,
            "systems": "Red Hat Enterprise Linux 6.9 to 6.10",
        }
    ]


def test_matrix_without_the_question() -> None:
    """Without virtio-transitional in the matrix it is not mentioned; when no system needs it, a sentence says so."""
    frame = vk.matrix("rhel6.10", "q35", "virtio-non-transitional", "net")
    sentences = answers.matrix_answer(frame, needs_transitional(frame))
    assert sentences == ["Cells that work, with or without a condition: 0 of 1."]
    frame = vk.matrix("ubuntu24.04", "q35", kinds="net")
    assert answers.matrix_answer(frame, needs_transitional(frame))[0].startswith("No system needs virtio-transitional")
    assert by_release_range(needs_transitional(frame)).empty


def test_decision_says_what_to_do_first() -> None:
    """The policy to adopt comes first, or else the baseline to keep; then the other policies by decision."""
    rows = [("a", "adopt", "+3 cells"), ("b", "keep", "the baseline"), ("c", "reject", "breaks 1"), ("d", "weigh", "x")]
    frame = pd.DataFrame(rows, columns=["policy", "decision", "because"])
    assert answers.decision_answer(frame, "b") == [
        "Adopt a instead of b: +3 cells.",
        "Reject c: breaks 1.",
        "d is a trade-off: x.",
    ]
    kept = answers.decision_answer(frame[1:], "b")[0]
    assert kept == "Keep b: no other policy improves on it without making something worse."
    harm = frame[1:].replace("breaks 1", "leaves 144 systems without a disk or NIC on q35")
    assert answers.decision_answer(harm, "b") == [
        "Keep b: c leaves 144 systems without a disk or NIC on q35.",
        "d is a trade-off: x.",
    ]
    two = pd.concat([frame[1:], pd.DataFrame([("e", "weigh", "y")], columns=frame.columns)])
    assert answers.decision_answer(two, "b")[-1] == "Trade-offs: d, e."


def test_rollout_says_whether_to_go_on(tmp_path: Path) -> None:
    """A stage that would refuse a domain is not ready, and the names to change are listed."""
    found = review_rollouts(domain_sources(""), ["nic-model", "video-model"], Host.default(), 10)
    count = found[0].domains
    assert answers.rollout_answer(found, 2) == [
        f"Not ready for stage 2 (validate): 1 of {count} domains would be refused because of 2 unknown nic-model "
        "names.",
        "Rename virtio-net to virtio, vmxnet-generation3 to vmxnet3.",
        "Every video-model name is known.",
    ]
    assert answers.rollout_answer(found[1:], 3) == [
        f"Ready for stage 3 (enforce): every name in {found[0].domains} domains is known."
    ]


def test_answer_is_text(tmp_path: Path) -> None:
    """Markup in an answer appears as text in the page; the answer is also written to a file."""
    shown = Output(str(tmp_path)).answer(["First.", NASTY])
    assert "<img" not in shown.text
    assert (tmp_path / "answer.txt").read_text().startswith("First.\n")
    assert "<ul>" not in Output("").answer(["Alone."]).text


def test_changes_have_one_place_in_a_page() -> None:
    """A page has one list of changes, which replaces that of an earlier run."""
    page = "<h1>x</h1><!--changes--><p>y</p>"
    changed = render.with_changes(page, [NASTY, "b"], "run 1")
    assert "2 changes since run 1" in changed
    assert "<img" not in changed
    assert render.with_changes(changed, ["c"], "run 2").count("<details") == 1
    assert "run 1" not in render.with_changes(changed, ["c"], "run 2")
    assert render.with_changes(changed, [], "run 2") == page


def test_text_of_one_stream_is_one_piece() -> None:
    """A page is the same whether a kernel sends what a cell prints in one message or in several."""
    pages = []
    for parts in (["a line\n", "more\n"], ["a li", "ne\nmore", "\n"]):
        outputs = [{"output_type": "stream", "name": "stdout", "text": [part]} for part in parts]
        outputs.append({"output_type": "stream", "name": "stderr", "text": ["an error\n"]})
        cell = {"cell_type": "code", "execution_count": 1, "id": "1", "metadata": {}, "outputs": outputs, "source": []}
        text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        pages.append(render.page(nbformat.reads(text, as_version=4), "title"))  # type: ignore[no-untyped-call]
    assert pages[0] == pages[1]
    assert pages[0].count("an error") == 1
