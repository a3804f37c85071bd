"""How values show themselves in a notebook: useful, escaped, bounded; and in a line of text."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lxml import html

import virtkit as vk
from virtkit import facts
from virtkit.compat import convert, recommend
from virtkit.draw.matrix import html_fragment
from virtkit.draw.table import preformatted, table
from virtkit.fleet.rollout import review_rollout
from virtkit.guests import catalogue
from virtkit.host import Host
from virtkit.inputs import sources
from virtkit.notebook import verdict_html as answers
from virtkit.policy import document, slots
from virtkit.policy.review import review
from virtkit.topology.diff import compare

NASTY = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
SAMPLE = facts.path("domains/rhel6-q35-virtio.xml")


def sample(name: str = "") -> vk.Resolved:
    """The broken sample domain, called ``name`` in every place that takes a text."""
    text = SAMPLE.read_text()
    if name:
        spelled = name.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        text = text.replace("erp-db-rhel6", spelled.replace("/", "|")).replace("ERP database, moved to q35", spelled)
        text = re.sub(r"file='[^']*'", f"file='/{spelled}'", text)
    return vk.resolve(vk.read(text.encode(), f"{name}.xml"))


def everything(resolved: vk.Resolved) -> dict[str, Any]:
    """One of each thing that shows itself."""
    policy = document.load("recommended")
    return {
        "domain": resolved.domain,
        "resolved": resolved,
        "trace": resolved.trace,
        "topology": resolved.topology,
        "difference": compare(resolved.topology, vk.resolve(resolved.domain, machine="pc").topology),
        "review": vk.check(resolved),
        "conversion": convert(resolved, "pc"),
        "recommendation": recommend(catalogue().find("rhel6.10"), "q35"),
        "matrix": vk.matrix(guests="rhel6*,win10", machines="pc,q35", kinds="block"),
        "guest": catalogue().find("rhel6.10"),
        "catalogue": catalogue(),
        "host": Host.default(),
        "emulator": Host.default().emulator("x86_64"),
        "policy": policy,
        "findings": review(policy, resolved),
        "slot policy": slots.policy("A"),
        "comparison": slots.compare(guests="rhel6*", kinds="block"),
        "rollout": review_rollout(sources([str(SAMPLE)])),
    }


@pytest.mark.parametrize("name", everything(sample()))
def test_shows_itself(name: str) -> None:
    """As well-formed HTML with a heading, in a few hundred kB; and as a short line of text."""
    value = everything(sample())[name]
    shown = value._repr_html_()
    assert len(shown) < 200_000
    assert html.fromstring(shown).xpath("//strong|//svg")
    if name != "matrix":
        assert len(repr(value)) < 400
        assert "\n" not in repr(value)


@pytest.mark.parametrize("name", everything(sample()))
def test_shows_hostile_names_as_text(name: str) -> None:
    """No element comes out of a domain's name, title, path or file."""
    tree = html.fromstring(everything(sample(NASTY))[name]._repr_html_())
    assert tree.xpath("//img|//script|//*[@onerror]") == []
    if name in ("domain", "review", "findings"):
        assert "onerror=alert(1)" in "".join(map(str, tree.itertext()))


def test_says_what_matters() -> None:
    """The review says what to write, the policy its rules in words, the guest its drivers."""
    all_ = everything(sample())
    text = {name: "".join(map(str, html.fromstring(value._repr_html_()).itertext())) for name, value in all_.items()}
    assert "✗ fails" in text["review"]
    assert "write model='virtio-transitional'" in text["review"]
    assert "as libvirt 12.8 with QEMU 11.1 keeps it: 17 devices" in text["resolved"]
    assert "by the database" in text["policy"]
    assert "✓ comes with it" in text["guest"]
    assert "machine types" in text["emulator"]
    assert repr(all_["review"]) == "<Review 'erp-db-rhel6' rhel6.10 on pc-q35-8.2: 3 fails>"


def test_a_domain_that_libvirt_refuses_shows_why() -> None:
    """Nothing is raised while a notebook asks how to show it."""
    text = SAMPLE.read_text().replace("<devices>", "<devices><disk type='file' device='tape'/>")
    shown = vk.read(text.encode())._repr_html_()
    assert "libvirt refuses it" in shown


def test_what_is_long_is_cut_with_a_count() -> None:
    """Rows beyond the limit, and signs of a long text, are counted."""
    text = SAMPLE.read_text()
    disk = "".join(
        f"<disk type='file' device='disk'><source file='/d{n}'/><target dev='sd{chr(97 + n // 26)}{chr(97 + n % 26)}'"
        " bus='scsi'/></disk>"
        for n in range(100)
    )
    text = text.replace("<devices>", f"<devices>{disk}").replace("erp-db-rhel6", "n" * 5000)
    shown = vk.read(text.encode())._repr_html_()
    assert re.search(r"and \d+ more devices", shown)
    assert "(4600 more signs)" in shown
    assert len(shown) < 30_000


def test_matrix_is_a_dataframe_that_shows_itself(tmp_path: Path) -> None:
    """Slices and copies are plain, it pickles, and files are the same as a plain frame's."""
    frame = vk.matrix(guests="rhel6*,win10", machines="pc,q35", kinds="block")
    plain = pd.DataFrame(frame)
    plain.attrs.update(frame.attrs)
    assert type(plain) is type(frame[frame["verdict"] == "fails"]) is type(frame.copy()) is pd.DataFrame
    assert type(pickle.loads(pickle.dumps(frame))) is type(frame)  # noqa: S301
    assert frame.to_csv() == plain.to_csv()
    frame.to_parquet(tmp_path / "a.parquet")
    plain.to_parquet(tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    pd.testing.assert_frame_equal(plain, pd.read_parquet(tmp_path / "a.parquet"))
    shown = frame._repr_html_() or ""
    assert "✗ fails" in shown
    assert "it meets a modern device" in shown
    assert "<strong" not in (plain._repr_html_() or "")


def test_a_large_matrix_is_cut_with_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """All guests on every machine: what is shown stays small and says how much more there is."""
    monkeypatch.setattr(answers, "_CELLS", 1000)
    shown = vk.matrix(machines="all", kinds="net,block")._repr_html_() or ""
    assert re.search(r"and \d+ more columns and \d+ more rows", shown)
    assert len(shown) < 500_000


def test_a_matrix_by_places_shows_as_a_table() -> None:
    """Where a guest has several rows for one column, the plain table is shown."""
    shown = vk.matrix(guests="win10", kinds="block", places="all")._repr_html_() or ""
    assert "dataframe" in shown


def test_tables_bring_their_look_to_jupyterlab() -> None:
    """Tables and matrices carry the colours of either theme; what is no table carries nothing."""
    frame = pd.DataFrame({"verdict": ["works"]})
    for shown in (table(frame)._repr_html_(), html_fragment(vk.matrix(guests="win10", kinds="net"))):
        assert '[data-jp-theme-light="false"]' in shown
    assert "<style>" not in preformatted("text")._repr_html_()
