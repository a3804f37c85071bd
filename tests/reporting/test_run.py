"""Runs: a good one moves the link; a failed one keeps its evidence and changes nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.test_parameters import write
from virtkit.errors import UsageError
from virtkit.reporting import index
from virtkit.reporting.provenance import input_digests
from virtkit.reporting.run import notebooks, run

GOOD = "print('fine', x)\nopen(output + '/t.csv', 'w').write('a,b\\n1,%s\\n' % x) if output else None"
NASTY = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


@pytest.mark.notebook
def test_a_run_and_the_next(tmp_path: Path) -> None:
    """Good runs move latest and list changes; a failing notebook keeps its traceback, and the others still run."""
    good = write(tmp_path, "good", "x = 1\noutput = ''", GOOD, heading="# Good <question>")
    bad = write(tmp_path, "bad", "y = 1", f"print('before')\nraise ValueError({NASTY!r})")
    out = tmp_path / "reports"

    first = run([good], {"x": 2}, out)
    assert first.status == "passed"
    assert (out / "latest").resolve() == first.folder
    page = (first.folder / "good" / "index.html").read_text()
    assert "fine 2" in page
    assert "<title>Good &lt;question&gt;</title>" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    saved = record(first.folder)
    assert saved["parameters"] == {"good": {"x": 2}}
    assert set(saved["notebooks"][0]["files"]) == {"index.html", "t.csv"}
    assert saved["packages"]["papermill"]

    second = run([bad, good], {}, out)
    assert [(o.name, o.status) for o in second.outcomes] == [("bad", "failed"), ("good", "passed")]
    assert (out / "latest").resolve() == first.folder
    page = (second.folder / "bad" / "index.html").read_text()
    assert "ValueError" in page
    assert "<img" not in page
    assert "<script>alert" not in page
    assert "<img" not in (out / "index.html").read_text()
    assert json.loads((out / "status.json").read_text())["status"] == "failed"

    third = run([good], {"x": 3}, out, keep=1, changed_only=True)
    assert record(third.folder)["changes"] == ["good: t.csv: 1 row removed or changed, 1 row added or changed"]
    assert not first.folder.exists()
    assert f"1 change since {first.folder.name}" in (third.folder / "good" / "index.html").read_text()

    fourth = run([good], {"x": 3}, out, changed_only=True)
    assert fourth.outcomes[0].status == "unchanged"
    assert (fourth.folder / "good" / "t.csv").read_text() == "a,b\n1,3\n"
    assert record(fourth.folder)["changes"] == []
    assert "change since" not in (fourth.folder / "good" / "index.html").read_text()


@pytest.mark.notebook
def test_a_run_with_a_rejected_domain_moves_latest(tmp_path: Path) -> None:
    """A domain that could not be read is in the record and in status.json once; the run passes all the same."""
    rows = "file,message\\nc.xml,c.xml: empty\\n"
    one = write(tmp_path, "one", "output = ''", f"open('rejected.csv', 'w').write('{rows}')")
    two = write(tmp_path, "two", "output = ''", "open('rejected.csv', 'w').write('message\\nc.xml: empty\\n')")
    out = tmp_path / "reports"
    result = run([one, two], {}, out)
    assert result.status == "passed"
    assert dict(result.rejected) == {"c.xml": "c.xml: empty"} == record(result.folder)["rejected"]
    assert (out / "latest").resolve() == result.folder
    status = json.loads((out / "status.json").read_text())
    assert (status["rejected"], status["rejected_count"]) == ({"c.xml": "c.xml: empty"}, 1)
    assert (status["status"], status["latest"]) == ("passed", result.folder.name)


def test_digests_of_a_folder_with_links(tmp_path: Path) -> None:
    """A link that leads nowhere, as in a copy of libvirt's folder, and a folder called like a file do no harm."""
    (tmp_path / "autostart").mkdir()
    (tmp_path / "autostart" / "a.xml").symlink_to("/nowhere/a.xml")
    (tmp_path / "folder.xml").mkdir()
    (tmp_path / "a.xml").write_text("<domain/>")
    assert list(input_digests({"domains": str(tmp_path)})) == ["a.xml"]


def test_unknown_notebooks_and_parameters_start_nothing(tmp_path: Path) -> None:
    """A wrong notebook or parameter is an error before a folder is created."""
    with pytest.raises(UsageError, match="no notebook 'nope'"):
        notebooks(["nope"])
    with pytest.raises(UsageError, match=r"got the folder .*; --domains names a folder of domains"):
        notebooks([str(tmp_path)])
    good = write(tmp_path, "good", "x = 1")
    with pytest.raises(UsageError, match="no parameter 'z'"):
        run([good], {"z": 1}, tmp_path / "reports")
    with pytest.raises(UsageError, match="no notebook to run"):
        run([], {}, tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


def test_notebooks_are_found_by_number_name_and_path(tmp_path: Path) -> None:
    """A number, a name and a path each find a notebook; two notebooks of the same name are an error."""
    assert notebooks(["01"]) == notebooks(["01-compatibility-matrix"])
    assert [path.stem for path in notebooks()] == [
        "01-compatibility-matrix",
        "02-bus-topology",
        "03-slot-policy-review",
        "04-policy-comparison",
        "05-nic-model-rollout",
        "06-hot-plug",
        "07-fleet",
        "08-upgrade",
        "09-power-on",
    ]
    good = write(tmp_path, "good", "x = 1")
    assert notebooks([str(good)]) == [good]
    with pytest.raises(UsageError, match="two notebooks"):
        notebooks([str(good), str(good)])


def test_index_shows_names_as_text() -> None:
    """Markup in a run's record appears as text in the index."""
    entry = {"name": NASTY, "title": NASTY, "status": "failed", "error": NASTY, "seconds": 1}
    broken = {"id": NASTY, "status": "failed", "notebooks": [entry], "changes": [NASTY], "error": NASTY}
    page = index.page([broken, {**broken, "status": NASTY, "pdf": {NASTY: NASTY}}], None)
    assert "<img" not in page
    assert "<script" not in page
    assert "No run has passed yet" in page


def test_the_index_begins_with_what_an_operator_needs() -> None:
    """Notebooks are grouped by part, operation first and the design review last, with a sentence of context there."""
    entries = [
        {"name": "slots", "title": "Slots", "part": "design review", "context": "Three rules of 2019.", "answer": "A"},
        {"name": "domains", "title": "Domains", "part": "operation", "answer": "1 domain fails."},
        {"name": "own", "title": "Own"},
    ]
    shown = index.page([{"id": "1", "status": "passed", "started": "", "notebooks": entries}], "1")
    places = [shown.index(word) for word in ("Domains: failures", "1 domain fails.", "Design review", "Three rules")]
    assert places == sorted(places)
    assert shown.index("More</h3>") > places[-1]
    plain = index.page([{"id": "1", "status": "passed", "started": "", "notebooks": entries[2:]}], "1")
    assert "More</h3>" not in plain
