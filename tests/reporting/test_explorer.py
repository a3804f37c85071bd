"""The explorer: what is tried, what shows, and what the widgets do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.writing import OLD
from virtkit import facts
from virtkit.errors import GuestError, InputError, Refused, UsageError
from virtkit.host import Host
from virtkit.notebook import what_if as trial
from virtkit.notebook.explorer import explorer
from virtkit.notebook.what_if import Trial, Wish, attempt, opened
from virtkit.reporting.run import notebooks, run

SAMPLE = facts.path("domains/rhel6-q35-virtio.xml")
NASTY = '"><img src=x onerror=alert(1)>'


def tried(host: Host | None = None, **wish: Any) -> Trial:
    """The broken sample, tried otherwise."""
    return attempt(opened(str(SAMPLE)), Wish(**wish), host or Host.default())


def words(found: Trial) -> list[str]:
    """The verdict on each of its devices."""
    return [finding.verdict.value for finding in found.review.findings]


def test_nothing_wished_is_the_domain_as_it_is() -> None:
    """Then there is nothing to compare."""
    found = tried()
    assert found.before is found.after
    assert found.was is None
    assert words(found) == ["fails"] * 3


def test_a_trial_follows_the_wish() -> None:
    """Another machine, model, guest or host: each changes the verdicts or the buses."""
    assert words(tried(machine="pc")) == ["works"] * 3
    assert words(tried(guest="ubuntu24.04")) == ["works"] * 3
    changed = tried(models={trial.ALL: "virtio-transitional"})
    assert words(changed) == ["works"] * 3
    assert [device.driver for device in changed.after.virtio_devices if device.kind == "blk"] == [
        "virtio-blk-pci-transitional"
    ]
    old = tried(Host.default(OLD), machine="pc")
    assert old.after.machine == "pc-i440fx-7.2"


def test_models_are_chosen_for_each_kind() -> None:
    """A kind that is named goes before "all"; the others stay as they are."""
    assert words(tried(models={"blk": "virtio-transitional"})) == ["works", "fails", "fails"]
    mixed = tried(models={trial.ALL: "virtio-transitional", "net": "virtio-non-transitional"})
    assert words(mixed) == ["works", "fails", "works"]


def test_what_is_refused_is_raised() -> None:
    """A machine nobody has, a guest nobody knows."""
    with pytest.raises(Refused, match="does not support machine type 'nope'"):
        tried(machine="nope")
    with pytest.raises(GuestError, match="no guest OS called 'nope'"):
        tried(guest="nope")


def test_a_machine_helps_a_domain_that_the_host_refuses() -> None:
    """The outcome shows, and why there is nothing to compare it with."""
    text = SAMPLE.read_text().replace("pc-q35-8.2", "pc-q35-rhel9.4.0")
    found = attempt(opened(text), Wish(machine="q35"), Host.default())
    assert found.before is None
    assert "As it is written, this host refuses it" in trial.verdicts(found)


def test_opened_takes_xml_or_a_path(tmp_path: Path) -> None:
    """Anything else is told in words; what is too large is not read."""
    assert opened(f"  {SAMPLE.read_text()}").name == "erp-db-rhel6"
    assert opened(str(SAMPLE)).name == "erp-db-rhel6"
    for wrong, told in (
        ("", "nothing was given"),
        ("<network/>", "network"),
        ("/nothing/there.xml", "cannot be read"),
        ("a\nb", "neither"),
        ("a\0b", "no path"),
        ("<domain>" + "x" * (17 << 20), "at most"),
        ("<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain>&e;</domain>", "(?i)doctype|entit"),
    ):
        with pytest.raises(InputError, match=told):
            opened(wrong)


def test_machines_are_those_of_the_host() -> None:
    """Aliases first, then every versioned machine type, the newest first."""
    names = trial.machines_of(opened(str(SAMPLE)), Host.default())
    assert set(names) == set(Host.default().emulator("x86_64").machines)  # type: ignore[union-attr]
    assert {"pc", "q35"} <= set(names[:4])
    assert names.index("pc-q35-11.1") < names.index("pc-q35-10.0") < names.index("pc-q35-9.0")


def test_a_trial_shows_what_changed() -> None:
    """Verdicts with what they were, the difference of the buses in words and as a picture; escaped."""
    found = tried(machine="pc")
    shown = trial.verdicts(found)
    assert "✓ works" in shown
    assert "✗ fails" in shown
    assert "3 interfaces changed" in shown
    assert "before" in trial.picture_of(found)
    nasty = opened(SAMPLE.read_text().replace("erp-db-rhel6", NASTY.replace("<", "&lt;")))
    shown = trial.verdicts(attempt(nasty, Wish(machine="pc"), Host.default()))
    assert "<img" not in shown
    assert "<img" not in trial.error_html(InputError(NASTY))


def test_widgets_react() -> None:
    """Each choice changes what shows; a domain of one's own is taken, and a wrong one is told."""
    box = explorer()
    row, folds, verdicts, picture = box.children
    file, host, machine, guest = row.children
    own, upload = folds.children[0].children
    models = {one.description: one for one in folds.children[1].children}
    assert file.value == "rhel6-q35-virtio.xml"
    assert list(models) == ["all kinds", "block", "net", "balloon"]
    assert "✗ fails" in verdicts.value
    assert "<svg" in picture.value
    machine.value = "pc"
    assert "3 interfaces changed" in verdicts.value
    machine.value = "nope"
    assert "libvirt would refuse it" in verdicts.value
    assert picture.value == ""
    machine.value = ""
    models["all kinds"].value = "virtio-transitional"
    assert "✗ fails</td><td" not in verdicts.value.partition("was")[0]
    guest.value = "nope"
    assert "no guest OS called" in verdicts.value
    guest.value = ""
    host.value = host.options[-1][1]
    assert "pc-q35-7.2" in machine.options
    assert "pc-q35-8.2" in verdicts.value
    host.value = host.options[0][1]
    own.value = "<network/>"
    assert "There is nothing to show" in verdicts.value
    own.value = SAMPLE.read_text().replace("erp-db-rhel6", "mine")
    assert "mine" in verdicts.value
    sent = SAMPLE.read_bytes().replace(b"erp-db-rhel6", b"theirs")
    now = datetime.now(tz=UTC)
    upload.value = ({"name": "up.xml", "type": "text/xml", "size": len(sent), "content": sent, "last_modified": now},)
    assert "theirs" in verdicts.value
    file.value = "win10-q35.xml"
    assert "win10" in verdicts.value


def test_explorer_of_a_folder(tmp_path: Path) -> None:
    """It offers the folder's files; one that holds none still takes what is pasted; no folder is told."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.xml").write_bytes(SAMPLE.read_bytes())
    assert explorer(str(tmp_path)).children[0].children[0].options == ("sub/a.xml",)
    (tmp_path / "empty").mkdir()
    assert explorer(str(tmp_path / "empty")).children[2].value == ""
    with pytest.raises(UsageError, match="no folder"):
        explorer(str(tmp_path / "nothing"))


@pytest.mark.notebook
def test_start_here_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The notebook to start with runs from any folder."""
    assert run(notebooks(["00"]), {}, tmp_path_factory.mktemp("reports"), limit=120).status == "passed"
