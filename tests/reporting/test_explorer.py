"""The explorer: its scenarios, what it shows, and how its widgets react."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.writing import OLD
from virtkit import facts
from virtkit.errors import GuestError, InputError, Refused, UsageError
from virtkit.host import Host
from virtkit.notebook import outcomes, what_if
from virtkit.notebook.explorer import explorer
from virtkit.notebook.what_if import Outcome, Scenario, evaluate, read_domain
from virtkit.releases import OLDEST, dotted, parse, qemu_for
from virtkit.reporting.run import notebooks, run

#: The QEMU releases of an old host, and of the oldest one, which the explorer lists last.
OLD_QEMU, OLDEST_QEMU = dotted(qemu_for(parse(OLD))), dotted(qemu_for(OLDEST))
SAMPLE = facts.path("domains/rhel6-q35-virtio.xml")
NASTY = '"><img src=x onerror=alert(1)>'


def outcome_of(host: Host | None = None, **changes: Any) -> Outcome:
    """The outcome of a scenario for the broken sample domain."""
    return evaluate(read_domain(str(SAMPLE)), Scenario(**changes), host or Host.default())


def verdicts(found: Outcome) -> list[str]:
    """The verdict on each device after the change."""
    return [finding.verdict.value for finding in found.review.findings]


def test_an_empty_scenario_is_the_domain_as_written() -> None:
    """A scenario without changes has one resolution and no earlier review."""
    found = outcome_of()
    assert found.before is found.after
    assert found.review_before is None
    assert verdicts(found) == ["fails"] * 3


def test_each_part_of_a_scenario_has_an_effect() -> None:
    """Another machine type, model, guest or host changes the verdicts or the topology."""
    assert verdicts(outcome_of(machine="pc")) == ["works"] * 3
    assert verdicts(outcome_of(guest="ubuntu24.04")) == ["works"] * 3
    changed = outcome_of(models={what_if.ALL_KINDS: "virtio-transitional"})
    assert verdicts(changed) == ["works"] * 3
    assert [device.driver for device in changed.after.virtio_devices if device.kind == "blk"] == [
        "virtio-blk-pci-transitional"
    ]
    old = outcome_of(Host.default(OLD), machine="pc")
    assert old.after.machine == f"pc-i440fx-{OLD_QEMU}"


def test_models_are_chosen_for_each_kind() -> None:
    """A model for a named kind takes precedence over "all"; kinds without a model stay as written."""
    assert verdicts(outcome_of(models={"blk": "virtio-transitional"})) == ["works", "fails", "fails"]
    mixed = outcome_of(models={what_if.ALL_KINDS: "virtio-transitional", "net": "virtio-non-transitional"})
    assert verdicts(mixed) == ["works", "fails", "works"]


def test_a_refused_scenario_raises() -> None:
    """An unknown machine type raises Refused, an unknown guest GuestError."""
    with pytest.raises(Refused, match="does not support machine type 'nope'"):
        outcome_of(machine="nope")
    with pytest.raises(GuestError, match="no guest OS called 'nope'"):
        outcome_of(guest="nope")


def test_a_machine_helps_a_domain_that_the_host_refuses() -> None:
    """If the host refuses the domain as written, the outcome says so and shows the scenario alone."""
    text = SAMPLE.read_text().replace("pc-q35-8.2", "pc-q35-plucky")
    found = evaluate(read_domain(text), Scenario(machine="q35"), Host.default())
    assert found.before is None
    assert "This host refuses the domain as written" in outcomes.verdicts_html(found)


def test_read_domain_takes_xml_or_a_path(tmp_path: Path) -> None:
    """A text that is neither, or too large, raises an error that says what was expected."""
    assert read_domain(f"  {SAMPLE.read_text()}").name == "erp-db-rhel6"
    assert read_domain(str(SAMPLE)).name == "erp-db-rhel6"
    for wrong, message in (
        ("", "got nothing"),
        ("<network/>", "network"),
        ("/nothing/there.xml", "cannot be read"),
        ("a\nb", "the format is not recognised"),
        ("a\0b", "expected the path"),
        ("<domain>" + "x" * (17 << 20), "larger than 16 MiB"),
        ("<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain>&e;</domain>", "(?i)doctype|entit"),
    ):
        with pytest.raises(InputError, match=message):
            read_domain(wrong)


def test_machines_are_those_of_the_host() -> None:
    """Aliases first, then every versioned machine type, the newest first."""
    names = what_if.machine_types(read_domain(str(SAMPLE)), Host.default())
    assert set(names) == set(Host.default().emulator("x86_64").machines)  # type: ignore[union-attr]
    assert {"pc", "q35"} <= set(names[:4])
    assert names.index("pc-q35-11.1") < names.index("pc-q35-10.0") < names.index("pc-q35-9.0")


def test_an_outcome_shows_what_changed() -> None:
    """An outcome shows each verdict before and after, and the changed topology in words and as a picture, escaped."""
    found = outcome_of(machine="pc")
    shown = outcomes.verdicts_html(found)
    assert "✓ works" in shown
    assert "✗ fails" in shown
    assert "3 interfaces changed" in shown
    assert "before" in outcomes.picture_of(found)
    nasty = read_domain(SAMPLE.read_text().replace("erp-db-rhel6", NASTY.replace("<", "&lt;")))
    shown = outcomes.verdicts_html(evaluate(nasty, Scenario(machine="pc"), Host.default()))
    assert "<img" not in shown
    assert "<img" not in outcomes.error_html(InputError(NASTY))


@pytest.mark.slow
def test_widgets_react() -> None:
    """Each choice changes the display; a pasted or uploaded domain is used, and an error is shown."""
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
    assert "libvirt would refuse this domain" in verdicts.value
    assert picture.value == ""
    machine.value = ""
    models["all kinds"].value = "virtio-transitional"
    assert "✗ fails</td><td" not in verdicts.value.partition("before")[0]
    guest.value = "nope"
    assert "no guest OS called" in verdicts.value
    guest.value = ""
    host.value = host.options[-1][1]
    assert f"pc-q35-{OLDEST_QEMU}" in machine.options
    assert "pc-q35-8.2" in verdicts.value
    host.value = host.options[0][1]
    own.value = "<network/>"
    assert "This domain cannot be shown" in verdicts.value
    own.value = SAMPLE.read_text().replace("erp-db-rhel6", "mine")
    assert "mine" in verdicts.value
    sent = SAMPLE.read_bytes().replace(b"erp-db-rhel6", b"theirs")
    now = datetime.now(tz=UTC)
    upload.value = ({"name": "up.xml", "type": "text/xml", "size": len(sent), "content": sent, "last_modified": now},)
    assert "theirs" in verdicts.value
    file.value = "win10-q35.xml"
    assert "win10" in verdicts.value


@pytest.mark.slow
def test_explorer_of_a_folder(tmp_path: Path) -> None:
    """The explorer lists the files of a folder; an empty folder leaves pasting; anything else is an error."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.xml").write_bytes(SAMPLE.read_bytes())
    assert explorer(str(tmp_path)).children[0].children[0].options == ("sub/a.xml",)
    (tmp_path / "empty").mkdir()
    assert explorer(str(tmp_path / "empty")).children[2].value == ""
    with pytest.raises(UsageError, match="expected a folder"):
        explorer(str(tmp_path / "nothing"))


@pytest.mark.notebook
def test_start_here_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The notebook to start with runs from any folder."""
    assert run(notebooks(["00"]), {}, tmp_path_factory.mktemp("reports"), timeout=120).status == "passed"
