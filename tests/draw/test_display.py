"""What a notebook shows of each value: HTML that is useful, escaped and bounded, and a line of text."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lxml import html

import virtkit as vk
from virtkit import display, facts
from virtkit.compat.conversion.machine import convert
from virtkit.compat.recommend import recommend
from virtkit.draw.html import preformatted
from virtkit.draw.html_table import table
from virtkit.draw.matrix import html_fragment
from virtkit.fleet.rollout import review_rollout
from virtkit.guests import catalogue
from virtkit.host import Host
from virtkit.inputs import sources
from virtkit.notebook import matrices, renderers
from virtkit.notebook.guests import guest_labels
from virtkit.policy import document, slots
from virtkit.policy.review import review
from virtkit.topology.diff import compare

NASTY = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
SAMPLE = facts.path("domains/rhel6-q35-virtio.xml")


NAMES = (
    "domain", "resolved", "trace", "topology", "difference", "review", "conversion", "recommendation", "matrix",
    "guest", "catalogue", "host", "emulator", "policy", "findings", "slot policy", "comparison", "rollout",
)  # fmt: skip


def sample(name: str = "") -> vk.Resolved:
    """The broken sample domain, called ``name`` in every place that takes a text."""
    text = SAMPLE.read_text()
    if name:
        spelled = name.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        text = text.replace("erp-db-rhel6", spelled.replace("/", "|")).replace("ERP database, moved to q35", spelled)
        text = re.sub(r"file='[^']*'", f"file='/{spelled}'", text)
    return vk.resolve(vk.read(text.encode(), f"{name}.xml"))


def everything(resolved: vk.Resolved) -> dict[str, Any]:
    """One value of each class that shows itself."""
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


@pytest.mark.slow
def test_every_value_is_named() -> None:
    """The names of the tests below are those of all values."""
    assert tuple(everything(sample())) == NAMES


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_shows_itself(name: str) -> None:
    """Each value shows itself as well-formed HTML with a heading, at most 200 kB, and as a short line of text."""
    value = everything(sample())[name]
    shown = value._repr_html_()
    assert len(shown) < 200_000
    assert html.fromstring(shown).xpath("//strong|//svg")
    if name != "matrix":
        assert len(repr(value)) < 400
        assert "\n" not in repr(value)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_shows_hostile_names_as_text(name: str) -> None:
    """Markup in the name, title, path or file of a domain is shown as text."""
    tree = html.fromstring(everything(sample(NASTY))[name]._repr_html_())
    assert tree.xpath("//img|//script|//*[@onerror]") == []
    if name in ("domain", "review", "findings"):
        assert "onerror=alert(1)" in "".join(map(str, tree.itertext()))


@pytest.mark.slow
def test_says_what_matters() -> None:
    """A review says what to write, a policy shows its rules in words, a guest its drivers."""
    all_ = everything(sample())
    text = {name: "".join(map(str, html.fromstring(value._repr_html_()).itertext())) for name, value in all_.items()}
    assert "✗ fails" in text["review"]
    assert "write model='virtio-transitional'" in text["review"]
    assert "as libvirt 12.8 with QEMU 11.1 defines it: 17 devices" in text["resolved"]
    assert "by the database" in text["policy"]
    assert "✓ in-box" in text["guest"]
    assert "machine types" in text["emulator"]
    assert repr(all_["review"]) == "<Review 'erp-db-rhel6' rhel6.10 on pc-q35-8.2: 3 fails>"


def test_a_domain_that_libvirt_refuses_shows_why() -> None:
    """A domain that libvirt refuses to read shows the reason in place of its devices."""
    text = SAMPLE.read_text().replace("<devices>", "<devices><disk type='file' device='tape'/>")
    shown = vk.read(text.encode())._repr_html_()
    assert "libvirt refuses this domain" in shown


def test_what_is_long_is_cut_with_a_count() -> None:
    """Rows beyond the limit, and characters beyond the limit of a cell, are left out and counted."""
    text = SAMPLE.read_text()
    disk = "".join(
        f"<disk type='file' device='disk'><source file='/d{n}'/><target dev='sd{chr(97 + n // 26)}{chr(97 + n % 26)}'"
        " bus='scsi'/></disk>"
        for n in range(100)
    )
    text = text.replace("<devices>", f"<devices>{disk}").replace("erp-db-rhel6", "n" * 5000)
    shown = vk.read(text.encode())._repr_html_()
    assert re.search(r"and \d+ more devices", shown)
    assert "(4,600 more characters)" in shown
    assert len(shown) < 30_000


def test_matrix_is_a_dataframe_that_shows_itself(tmp_path: Path) -> None:
    """A matrix pickles and writes the same files as a plain frame; selections and copies of it are plain frames."""
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
    assert "the device offers only virtio 1.0" in shown
    assert "<strong" not in (plain._repr_html_() or "")


@pytest.mark.slow
def test_a_large_matrix_is_cut_with_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matrix of all guests on every machine type is cut, and the rest is counted."""
    monkeypatch.setattr(matrices, "_CELLS", 1000)
    shown = vk.matrix(machines="all", kinds="net,block")._repr_html_() or ""
    assert re.search(r"and \d+ more columns and \d+ more rows", shown)
    assert len(shown) < 500_000


def test_a_matrix_by_places_shows_as_a_table() -> None:
    """A matrix with several rows for one cell is shown as a plain table."""
    shown = vk.matrix(guests="win10", kinds="block", placements="all")._repr_html_() or ""
    assert "dataframe" in shown


def test_tables_bring_their_look_to_jupyterlab() -> None:
    """Tables and matrices carry the colours of both themes; other HTML carries no style."""
    frame = pd.DataFrame({"verdict": ["works"]})
    fragment = html_fragment(vk.matrix(guests="win10", kinds="net"), guest_labels(["win10"]))
    for shown in (table(frame)._repr_html_(), fragment):
        assert '[data-jp-theme-light="false"]' in shown
    assert "<style>" not in preformatted("text")._repr_html_()


LXML_ONLY = """
import sys
for name in ("matplotlib", "numpy", "pandas", "yaml"):
    sys.modules[name] = None
import virtkit as vk
resolved = vk.resolve(vk.read(vk.samples() / "rhel6-q35-virtio.xml"))
print(str(resolved.topology).splitlines()[0])
values = resolved.domain, resolved, resolved.trace, vk.check(resolved), resolved.host, vk.catalogue().find("rhel6.10")
for value in values:
    assert "</table>" in value._repr_html_(), value
"""


@pytest.mark.slow
def test_values_show_themselves_with_lxml_alone() -> None:
    """Text and HTML of domains, reviews, hosts and guests need no optional package, nor any import by the caller."""
    done = subprocess.run([sys.executable, "-c", LXML_ONLY], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("erp-db-rhel6  (x86_64, pc-q35-8.2)\n", "")


def classes(base: type) -> set[type]:
    """The loaded classes of the package that derive from ``base``; a dataclass with slots is made twice."""
    found: set[type] = set()
    derived: type
    for derived in base.__subclasses__():
        found |= {derived} | classes(derived)
    return {one for one in found if getattr(sys.modules[one.__module__], one.__name__, None) is one}


def test_every_class_that_shows_itself_has_its_renderers() -> None:
    """Each displayable class is registered for HTML, each drawable one also for a picture and text."""
    everything(sample())
    for one in classes(display.Displayable) - {display.Drawable}:
        renderers.load(one)
        assert display.html.dispatch(one) is not display.html.dispatch(object), one
    for one in classes(display.Drawable):
        for show in (display.svg, display.text):
            assert show.dispatch(one) is not show.dispatch(object), one


def test_a_class_without_a_renderer_is_an_error() -> None:
    """Showing a class that nothing renders raises TypeError, which names the class and the form."""

    class Unknown(display.Drawable):
        pass

    with pytest.raises(TypeError, match="no renderer shows Unknown as html"):
        Unknown()._repr_html_()
    with pytest.raises(TypeError, match="no renderer shows Unknown as text"):
        str(Unknown())
