"""A run of domains with markup in every name: it appears as text in each page and each picture."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import pytest

from tests.browser import PROGRAM, Page
from virtkit import facts
from virtkit.reporting.run import Result, notebooks, run

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
SMALL = {"guests": "rhel6.10,win10", "kinds": "net,block"}

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.system,
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed"),
]


def attacker(source: str, model: str = "virtio") -> str:
    """A sample domain with markup in its name, title, disk path, alias and bridge, and this NIC model."""
    name = escape(f"{IMAGE}{SCRIPT}".replace("/", "|"))
    text = source.replace("erp-db-rhel6", name).replace("ERP database, moved to q35", escape(IMAGE + SCRIPT))
    disk_xml = f"""<disk type='file' device='disk'><source file="/{escape(SCRIPT + IMAGE)}"/>
      <target dev='vdz' bus='virtio'/><serial>x</serial><alias name="ua-{escape(IMAGE)}"/></disk>
      <interface type='bridge'><source bridge="{escape(SCRIPT)}"/><model type="{escape(model)}"/></interface>"""
    return text.replace("</devices>", f"{disk_xml}</devices>")


def look(page: Page, file: Path) -> None:
    """Open the file, unfold and focus everything; the markup must create no image and no script."""
    page.open(file)
    page.run("document.querySelectorAll('details').forEach(function (fold) { fold.open = true; })")
    page.run("document.querySelectorAll('td > a').forEach(function (link) { link.focus(); })")
    assert page.run("document.querySelectorAll('img, image, [onerror], [onload], foreignObject').length") == 0, file
    scripts = (
        "Array.from(document.querySelectorAll('script')).filter(function (s) { return s.text.length < 99; }).length"
    )
    assert page.run(scripts) == 0, file


def test_attacks_are_text_in_every_page_and_picture(tmp_path: Path, page: Page) -> None:
    """Scripts and images in names of domains, disks, aliases, bridges, models and files appear as text."""
    source = facts.path("domains/rhel6-q35-virtio.xml").read_text()
    domains = tmp_path / "domains"
    domains.mkdir()
    (domains / "plain.xml").write_text(source)
    evil = domains / f"{IMAGE}{SCRIPT.replace('/', '|')}.xml"
    evil.write_text(attacker(source))
    (domains / f"{IMAGE} model.xml").write_text(attacker(source, IMAGE))
    (domains / f"{IMAGE} broken.xml").write_text(f"<domain type='{escape(SCRIPT)}'/>")
    out = tmp_path / "reports"
    first = run(notebooks(), {**SMALL, "domains": str(domains)}, out)
    assert first.status == "passed", first.failures
    evil.write_text(attacker(source).replace("bus='virtio'", "bus='sata'").replace("vdz", "sda"))
    second = run(notebooks(["02"]), {"domains": str(domains)}, out)
    bad = tmp_path / f"{IMAGE}.ipynb"
    bad.write_text(notebooks(["05"])[0].read_text())
    failed = run([bad], {"subjects": SCRIPT, "domains": str(domains)}, out)
    assert (second.status, failed.status) == ("passed", "failed")
    assert json.loads((second.folder / "run.json").read_text())["changes"] != []
    seen = [_seen(page, out, result) for result in (first, second, failed)]
    assert page.dialogs == []
    assert page.console == []
    assert [url for url in page.requests if not url.startswith("file:")] == []
    assert {url.rpartition(".")[2] for url in page.requests} <= {"html", "svg"}
    assert seen[0] > 10
    status = json.loads((out / "status.json").read_text())
    assert SCRIPT in next(iter(status["failures"].values()))


def _seen(page: Page, out: Path, result: Result) -> int:
    """Look at the index and at each page and picture of a run; returns their number."""
    files = [out / "index.html", *sorted(result.folder.rglob("*.html")), *sorted(result.folder.rglob("*.svg"))]
    for file in files:
        look(page, file)
    shown = "document.documentElement.textContent"
    for place in result.folder.glob("02*/index.html"):
        page.open(place)
        assert SCRIPT in page.run(shown)
        assert IMAGE in page.run(shown)
    return len(files)
