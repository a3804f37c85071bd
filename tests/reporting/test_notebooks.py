"""The shipped notebooks: each runs alone in an empty folder, and equal input gives equal bytes."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.browser import PROGRAM, Page
from virtkit import facts
from virtkit.cli import main
from virtkit.errors import UsageError
from virtkit.fleet.causes import causes
from virtkit.fleet.survey import folded, survey
from virtkit.reporting import notebook
from virtkit.reporting.answers import domains_answer
from virtkit.reporting.attention import attention_table, verdict_counts
from virtkit.reporting.parameters import declared
from virtkit.reporting.run import notebooks, run
from virtkit.topology.diff import compare

NASTY = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
#: Values as a scheduler's form sends them.
AS_SOURCE = {"guests": "rhel6.10,win10", "kinds": "net", "pictures": "2", "overrides": "off", "output": ""}
SMALL = {"guests": "rhel6.10,win10,ubuntu24.04", "kinds": "net,block"}


@pytest.fixture
def domains(tmp_path: Path) -> Path:
    """A folder with a good domain, one with a hostile name, one that cannot be read, and a file that is no domain."""
    folder = tmp_path / "domains"
    folder.mkdir()
    source = facts.path("domains/rhel6-q35-virtio.xml").read_text()
    (folder / "a.xml").write_text(source)
    name = NASTY.replace("<", "&lt;").replace("/", "|")
    (folder / "b.xml").write_text(source.replace("erp-db-rhel6", name).replace("ERP database, moved to q35", name))
    (folder / "c.xml").write_text("<domain")
    (folder / "d.xml").write_text("<network/>")
    return folder


@pytest.mark.notebook
def test_notebooks_run_and_give_the_same_bytes_twice(
    tmp_path: Path, domains: Path, request: pytest.FixtureRequest
) -> None:
    """Copies of the notebooks pass; two runs agree in every file except run.json and the footer of the pages."""
    alone = tmp_path / "alone"
    alone.mkdir()
    copies = [Path(shutil.copy(path, alone)) for path in notebooks()]
    given = {**SMALL, "domains": str(domains)}
    first, second = (run(copies, given, tmp_path / "reports") for _ in range(2))
    assert first.status == second.status == "passed", first.outcomes
    names = sorted(path.relative_to(first.folder) for path in first.folder.rglob("*") if path.is_file())
    compared: set[tuple[str, str]] = set()
    for name in names:
        if name.name in ("run.json", "notebook.ipynb"):
            continue
        one, other = (folder / name for folder in (first.folder, second.folder))
        if name.suffix == ".html":
            assert one.read_text().partition("<footer>")[0] == other.read_text().partition("<footer>")[0], name
        else:
            assert one.read_bytes() == other.read_bytes(), name
        compared.add((name.parts[0], name.suffix))
    tables, pictures = (".html", ".csv", ".parquet"), (".svg", ".png")
    assert compared >= {(path.stem, suffix) for path in copies for suffix in tables}
    # Notebook 05 draws what a stage changes, and no stage changes anything for these domains.
    plain = ("05-nic-model-rollout", "06-hot-plug", "08-upgrade", "09-power-on")
    drawing = [path for path in copies if path.stem not in plain]
    assert compared >= {(path.stem, suffix) for path in drawing for suffix in pictures}
    page = (first.folder / "02-bus-topology" / "index.html").read_text()
    assert "<img" not in page
    assert "<script>alert" not in page
    assert "c.xml" in page
    assert not list(alone.glob("*.csv"))
    if PROGRAM is not None:
        _look(request.getfixturevalue("page"), tmp_path / "reports")


def _look(page: Page, reports: Path) -> None:
    """The pages of a run and the index in a browser: no message, no request, and no markup of the hostile domain."""
    for file in (reports / "index.html", *sorted(reports.glob("latest/*/*.html"))):
        page.open(file)
        assert page.run("document.images.length") == 0, file
        assert page.run("document.querySelectorAll('h1').length") == 1, file
    assert page.console == []
    assert page.dialogs == []
    assert [url for url in page.requests if not url.startswith("file:")] == []
    page.open(reports / "latest" / "02-bus-topology" / "index.html")
    assert NASTY.replace("/", "|") in page.run("document.body.textContent")
    assert page.run("document.querySelectorAll('nav a').length") > 5
    page.open(reports / "latest" / "03-slot-policy-review" / "index.html")
    _code_by_keyboard(page)
    assert page.pdf().startswith(b"%PDF")


def _code_by_keyboard(page: Page) -> None:
    """Code is folded; Tab reaches it, Enter unfolds it, and print hides it."""
    shown = "document.querySelector('details.code pre').checkVisibility({contentVisibilityAuto: true})"
    assert not page.run(shown)
    for _ in range(30):
        page.key("Tab")
        if page.run("document.activeElement.matches('details.code > summary')"):
            break
    page.key("Enter")
    assert page.run(shown)
    page.paper()
    assert not page.run(shown)
    page.paper(False)


def test_survey_keeps_good_beside_bad(domains: Path) -> None:
    """A domain that cannot be read and a file that is no domain stand beside the others; the broken RHEL 6 fails."""
    found = survey(str(domains))
    assert [item.file for item in found.items] == ["a.xml", "b.xml"]
    assert [file for file, _ in found.refusals] == ["c.xml"]
    assert [file for file, _ in found.skipped] == ["d.xml"]
    assert found.total == 3
    row = found.domains().iloc[0]
    assert (row["guest"], row["verdict"]) == ("rhel6.10", "fails")
    assert found.devices()["change"].iloc[0].startswith("model='virtio-transitional'")
    with pytest.raises(UsageError, match="expected an existing folder"):
        survey(str(domains / "nothing"))


def test_sample_domains_are_all_accepted() -> None:
    """Every sample domain resolves and names a known OS; one fails for its guest, and one for a NIC that QEMU lacks."""
    found = survey()
    assert found.refusals == []
    assert len(found.items) >= 15
    table = found.domains()
    failing = table[table["verdict"] == "fails"]
    assert list(failing["file"]) == ["rhel6-q35-virtio.xml", "unknown-nic-model.xml"]
    assert "QEMU does not start" in failing["reason"].iloc[1]
    assert (table["guest"] != "").all()


def test_survey_puts_need_first(tmp_path: Path) -> None:
    """Domains that fail come first, then unknown ones, whatever their file names; so do the rows of the table."""
    source = facts.path("domains/rhel6-q35-virtio.xml").read_text()
    (tmp_path / "a.xml").write_text(facts.path("domains/ubuntu24.04-q35.xml").read_text())
    (tmp_path / "b.xml").write_text(re.sub("<metadata>.*</metadata>", "", source, flags=re.S))
    (tmp_path / "c.xml").write_text(source)
    (tmp_path / "d.xml").write_text(facts.path("domains/win11-q35.xml").read_text())
    found = survey(str(tmp_path))
    verdicts = [(item.file, item.verdict) for item in found.by_need()]
    assert verdicts == [
        ("c.xml", "fails"),
        ("b.xml", "unknown"),
        ("d.xml", "works-with-condition"),
        ("a.xml", "works"),
    ]
    assert list(found.domains()["file"]) == ["c.xml", "b.xml", "d.xml", "a.xml"]
    assert verdict_counts(found) == [("fails", 1), ("unknown", 1), ("works-with-condition", 1), ("works", 1)]
    page = attention_table(found, 1).text
    assert (
        page.index('<a href="#shape-1"><strong>erp-db-rhel6</strong></a>') < page.index("b.xml") < page.index("d.xml")
    )
    assert "disk vda: The guest&#x27;s block driver supports only the legacy interface (virtio 0.9)" in page
    assert "; the same change helps 2 more devices" in page
    assert "a.xml" not in page
    assert "#shape-2" not in page
    assert "2 more domains in the table of all domains" in attention_table(found, 1, limit=1).text


def test_answer_and_table_for_no_domain_good_ones_and_hostile_ones(tmp_path: Path, domains: Path) -> None:
    """An empty folder, a good domain and a hostile name each give a right answer and an escaped table."""
    (tmp_path / "none").mkdir()
    assert domains_answer(survey(str(tmp_path / "none"))) == ["There are no domains."]
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "a.xml").write_text(facts.path("domains/ubuntu24.04-q35.xml").read_text())
    good = survey(str(tmp_path / "good"))
    assert domains_answer(good) == ["1 domain: 1 works."]
    assert attention_table(good, 1).text == "<p>No domain needs attention.</p>"
    assert domains_answer(survey(str(domains))) == [
        "3 domains: 2 fail, 1 could not be read.",
        "They have 1 shape: equal domains are shown once, with their number.",
        "virtkit check --fix can change 2 domains that fail; the result is drawn below.",
    ]
    assert "<script" not in attention_table(survey(str(domains)), 9).text


def test_equal_domains_share_a_shape_and_keep_their_names(tmp_path: Path) -> None:
    """Domains that differ in names, MAC addresses and paths have one shape; each table but that keeps one row each."""
    source = facts.path("domains/rhel6-q35-virtio.xml").read_text()
    for number in range(4):
        text = source.replace("erp-db-rhel6", f"erp-{number}").replace("52:54:00:", f"52:54:0{number}:")
        (tmp_path / f"{number}.xml").write_text(text)
    (tmp_path / "other.xml").write_text(source.replace("pc-q35-8.2", "pc-q35-7.2"))
    found = survey(str(tmp_path))
    assert [(shape.number, len(shape.items)) for shape in found.shapes()] == [(1, 4), (2, 1)]
    assert [item.name for item in found.items] == ["erp-0", "erp-1", "erp-2", "erp-3", "erp-db-rhel6"]
    assert list(found.domains()["shape"]) == [1, 1, 1, 1, 2]
    alone = [survey(str(tmp_path)).devices().query("file == @name").drop(columns="file") for name in ("0.xml", "3.xml")]
    assert alone[0].reset_index(drop=True).equals(alone[1].reset_index(drop=True))
    why = causes(found)
    assert why[["verdict", "kind", "domains", "shapes"]].values.tolist() == [["fails", "block", 5, 2]]
    assert why["guests"].iloc[0] == "rhel6.10 (5)"
    page = attention_table(found, 1).text
    assert "0.xml and 3 equal domains" in page


@pytest.mark.slow
def test_shared_answers_are_those_of_each_domain_alone(tmp_path: Path) -> None:
    """The tables of twice the same domains, under other names, are those of surveys of each folder alone."""
    both, folders = tmp_path / "both", [tmp_path / name for name in ("one", "two")]
    both.mkdir()
    for folder in folders:
        folder.mkdir()
        for path in facts.path("domains").glob("*.xml"):
            text = re.sub("<name>[^<]*</name>", f"<name>{folder.name}-{path.stem}</name>", path.read_text(), count=1)
            (folder / f"{folder.name}-{path.name}").write_text(text)
            (both / f"{folder.name}-{path.name}").write_text(text)
    together = survey(str(both))
    alone = [survey(str(folder)) for folder in folders]
    for table in ("domains", "devices", "added", "places"):
        seen = getattr(together, table)().drop(columns="shape", errors="ignore")
        expected = [getattr(one, table)().drop(columns="shape", errors="ignore") for one in alone]
        rows = sorted(map(str, seen.values.tolist()))
        assert rows == sorted(str(row) for frame in expected for row in frame.values.tolist()), table


def test_equal_devices_share_a_row() -> None:
    """Thirty equal disks share a row with their range and number; the other devices keep their rows and labels."""
    devices = survey().devices()
    rows = folded(devices[devices["file"] == "30-disks-q35.xml"])
    assert list(rows["label"]) == ["disk vda … vdad (30)", "interface 0 (virtio)", "memballoon virtio", "rng virtio"]
    assert rows["address"].iloc[0] == "0000:03:00.0 … 0000:20:00.0"
    rows = folded(devices[devices["file"] == "win2k8r2-pc.xml"])
    assert "interface 0, 1 (virtio)" in list(rows["label"])
    assert list(folded(devices.iloc[:0]).columns) == list(devices.columns)


def test_a_repair_is_resolved_and_checked_again(tmp_path: Path) -> None:
    """The repair of the broken RHEL 6 has a command, changes and a tree that works; a good domain has no repair."""
    found = survey().by_need()
    repair = found[0].repaired()
    assert repair is not None
    assert repair.command == "virtkit check rhel6-q35-virtio.xml --fix -o rhel6-q35-virtio-fixed.xml"
    assert repair.steps[0].startswith("disk vda: model='virtio-transitional'")
    assert repair.outcome == "With these changes it works"
    assert repair.topology is not None
    assert compare(found[0].topology, repair.topology).summary().startswith("3 interfaces changed, ")
    assert found[-1].repaired() is None
    source = facts.path("domains/rhel6-q35-virtio.xml").read_text()
    (tmp_path / "it's.xml").write_text(re.sub("<metadata>.*</metadata>", "", source, flags=re.S))
    named = survey(str(tmp_path), "rhel6.10", overrides=False).items[0].repaired()
    assert named is not None
    words = shlex.split(named.command)
    assert words[2:] == ["it's.xml", "--fix", "-o", "it's-fixed.xml", "--guest", "rhel6.10", "--overrides", "off"]


def test_every_sample_is_described() -> None:
    """The README of the sample domains describes each of them."""
    text = facts.path("domains/README.md").read_text()
    for file in facts.path("domains").glob("*.xml"):
        assert f"`{file.name}`" in text


def test_notebooks_take_their_output_as_parameter() -> None:
    """Every shipped notebook with parameters has the parameter output."""
    for path in notebooks():
        assert declared(path)["output"] == ""


def test_parameter_checks_name_the_parameter(tmp_path: Path) -> None:
    """The error for a wrong value has the parameter's name and what is expected."""
    with pytest.raises(UsageError, match="overrides: expected True or False, got 'maybe'"):
        notebook.yes_or_no("overrides", "maybe")
    with pytest.raises(UsageError, match=r"libvirt: expected text, got the number 11\.1; .*papermill's -r"):
        notebook.text("libvirt", 11.10)
    with pytest.raises(UsageError, match="guests: expected text such as 'a,b', got True"):
        notebook.text("guests", True)
    with pytest.raises(UsageError, match="pictures: expected an integer of at least 0, got -1"):
        notebook.count("pictures", -1)
    with pytest.raises(UsageError, match="expected an existing folder"):
        notebook.folder("domains", str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="pictures: expected an integer of at least 0, got 'many'"):
        notebook.count("pictures", "many")
    assert notebook.count("pictures", " 60 ") == 60
    assert notebook.yes_or_no("overrides", "off") is False
    assert notebook.text("guests", ["a", "b"]) == "a,b"
    nothing: tuple[object, ...] = (None, "", "None", "null", [])
    assert [notebook.text("guests", value) for value in nothing] == [""] * 5


@pytest.mark.notebook
@pytest.mark.system
@pytest.mark.parametrize("path", notebooks(["00"]) + notebooks(), ids=lambda path: str(path.stem))
def test_each_notebook_runs_alone_with_parameters_as_source(path: Path, tmp_path: Path, domains: Path) -> None:
    """A scheduler can run a copy in an empty folder, with ``name = value`` pasted as source and an ordinary kernel."""
    import nbformat  # late, because it takes seconds
    from nbclient import NotebookClient

    alone = tmp_path / "alone"
    alone.mkdir()
    copy: Any = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
    known = declared(path) if path.stem[:2] != "00" else {}
    given = {**AS_SOURCE, "domains": str(domains)}
    pasted = "\n".join(f"{name} = {value!r}" for name, value in given.items() if name in known)
    places = [n for n, cell in enumerate(copy.cells) if "parameters" in cell.metadata.get("tags", ())]
    for place in places:
        copy.cells.insert(place + 1, nbformat.v4.new_code_cell(pasted))  # type: ignore[no-untyped-call]
    NotebookClient(copy, timeout=300, resources={"metadata": {"path": str(alone)}}).execute()
    assert bool(places) == bool(known)
    assert not [out for cell in copy.cells for out in cell.get("outputs", ()) if out.output_type == "error"]
    assert list(alone.iterdir()) == []


@pytest.mark.notebook
@pytest.mark.system
@pytest.mark.browser
@pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")
def test_report_as_pdf(tmp_path: Path, domains: Path) -> None:
    """``--pdf`` prints each page to a file beside it, linked in the index and recorded in run.json."""
    out = tmp_path / "reports"
    # One of the files is broken, so the exit code is 1 although the notebook passes.
    assert main(["--quiet", "report", "02", "--pdf", "--domains", str(domains), "-o", str(out)]) == 1
    printed = out / "latest" / "02-bus-topology" / "index.pdf"
    assert printed.read_bytes().startswith(b"%PDF")
    assert json.loads((out / "latest" / "run.json").read_text())["pdf"] == {"02-bus-topology": ""}
    assert "02-bus-topology/index.pdf" in (out / "index.html").read_text()


def test_pdf_without_chromium_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without chromium, --pdf says what to install, ends with exit code 2 and creates no folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["report", "02", "--pdf", "-o", str(tmp_path / "reports")]) == 2
    assert "apt-get install chromium" in capsys.readouterr().err
    assert not (tmp_path / "reports").exists()


@pytest.mark.notebook
def test_a_fleet_without_failures_and_without_a_guest(tmp_path: Path) -> None:
    """The page says that nothing fails instead of an empty table, and its chart and tables name no guest OS alike."""
    (tmp_path / "domains").mkdir()
    source = facts.path("domains/ubuntu24.04-q35.xml").read_text()
    anonymous = re.sub("<metadata>.*?</metadata>", "", source, flags=re.DOTALL)
    (tmp_path / "domains" / "a.xml").write_text(anonymous)
    done = run(notebooks(["07"]), {"domains": str(tmp_path / "domains")}, tmp_path / "reports")
    assert done.status == "passed", done.outcomes
    folder = done.folder / "07-fleet"
    page = (folder / "index.html").read_text()
    worst = page.rpartition(">Worst offenders")[2].partition("<h2")[0]
    assert "Of the domains that could be read, none fails." in worst
    assert "<table" not in worst
    assert ("has a free slot of each kind." in page) == (len(pd.read_csv(folder / "full.csv")) == 0)
    assert ("The policies find nothing" in page) == (len(pd.read_csv(folder / "changes.csv")) == 0)
    assert page.count("<td>guest OS not stated</td>") == 2
    assert "guest OS not stated" in (folder / "verdicts.svg").read_text()
    assert (folder / "domains.csv").read_text().splitlines()[1].startswith("a.xml,")


@pytest.mark.notebook
@pytest.mark.system
def test_report_for_the_users_own_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine type without a record is rejected with the shipped facts and resolves with the host's own document."""
    monkeypatch.chdir(tmp_path)
    source = facts.path("domains/rhel6-q35-virtio.xml").read_text()
    (tmp_path / "domains").mkdir()
    (tmp_path / "domains" / "a.xml").write_text(re.sub("machine='[^']*'", "machine='pc-q35-plucky'", source))
    (tmp_path / "mine.xml").write_text(
        "<domainCapabilities><path>/usr/libexec/qemu-kvm</path><domain>kvm</domain>"
        "<machine>pc-q35-plucky</machine><arch>x86_64</arch><devices/></domainCapabilities>"
    )
    words = ["report", "02", "--domains", "domains", "-o", "reports"]
    latest = tmp_path / "reports" / "latest"

    def lines(name: str) -> int:
        return len((latest / "02-bus-topology" / name).read_text().splitlines()) - 1

    assert main(words) == 1
    assert (lines("rejected.csv"), lines("domains.csv")) == (1, 0)
    assert main([*words, "--qemu", "mine.xml"]) == 0
    assert (lines("rejected.csv"), lines("domains.csv")) == (0, 1)
    assert "mine.xml" in json.loads((latest / "run.json").read_text())["inputs"]["02-bus-topology"]
    runs = sorted((tmp_path / "reports").iterdir())
    assert main([*words, "--qemu", "nothing.xml"]) != 0
    capsys.readouterr()
    assert main(["report", "01", "--qemu", "7.2", "-o", "reports"]) == 2
    assert "none of the chosen notebooks has this parameter; these have it: 02-bus" in capsys.readouterr().err
    (tmp_path / "p.yaml").write_text("qemu: '7.2'\n")
    assert main([*words, "--qemu", "mine.xml", "--params", "p.yaml"]) == 2
    assert sorted((tmp_path / "reports").iterdir()) == runs
