"""Every decision has its reason, every reason its rule, and every rule its source."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import virtkit
from tests.slots.worked import build, examples
from tests.writing import domain, host, resolved
from virtkit import Resolved, facts, read, resolve
from virtkit.domain.devices import Controller, Device, Nic
from virtkit.errors import FactsError, Refused
from virtkit.resolution.trace import Trace
from virtkit.serialization import explanation

PACKAGE = Path(virtkit.__file__).resolve().parent
RULES = {row["rule"]: row for row in facts.table("libvirt/rules.csv")}
NAMES = ("slots/pci.txt", "slots/transports.txt", "slots/drives.txt", "slots/ports.txt", "defaults.txt")


def many() -> Iterator[Resolved]:
    """The shipped domains and every worked example that libvirt takes."""
    for path in sorted(facts.path("domains").glob("*.xml")):
        yield resolve(read(path), host())
    for name in NAMES:
        for example in examples(name):
            for release in example.expected:
                try:
                    yield resolved(build(example), release)
                except Refused:
                    continue


def noted() -> set[str]:
    """The rules that the code names."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in RULES:
                found.add(node.value)
    return found


@pytest.mark.slow
def test_every_rule_of_the_table_is_used() -> None:
    """A sentence that nothing says is dead."""
    assert set(RULES) - noted() == set()


@pytest.mark.slow
def test_every_rule_named_in_the_code_is_in_the_table() -> None:
    """``note(device, "rule", …)`` with a rule that is not there would fail only when the reasons are asked for."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "note"
                and len(node.args) > 1
                and isinstance(node.args[1], ast.Constant)
            ):
                assert node.args[1].value in RULES, f"{file.name}:{node.lineno}"


@pytest.mark.slow
def test_every_decision_can_be_explained() -> None:
    """Each reason becomes a sentence without gaps, with a source, about a device that has a name."""
    seen = set()
    for result in many():
        for reason in result.trace:
            assert reason.device
            assert reason.source
            assert reason.text
            assert not re.search(r"[{}]|\bNone\b", reason.text), reason
            seen.add(reason.rule)
    assert seen <= set(RULES)
    # What the examples never bring about is little, and each of it is known.
    assert len(set(RULES) - seen) <= 6, set(RULES) - seen


@pytest.mark.slow
def test_every_device_and_added_controller_has_a_reason() -> None:
    """Whatever was added or given an address says why; the rest says that it stands as written."""
    for result in many():
        rows = explanation(result)
        explained = {row["device"] for row in rows if row["rule"] != "as-written"}
        for device in result.devices:
            if device.added or (device.readdressed and not device.given):
                assert device.id in explained, f"{result.name} {result.machine}: {device.label}"
        assert {row["device"] for row in rows} == {device.id for device in result.devices}


@pytest.mark.slow
def test_ids_are_unique() -> None:
    """They name one device each; the companions of a USB 2 controller share its name, as in libvirt."""
    for result in many():
        ids = [device.id for device in result.devices if "-uhci" not in (device.model or "")]
        assert all(ids)
        assert len(set(ids)) == len(ids)


def test_sentences_fill_their_gaps_in_order() -> None:
    """{0}, {1}, …, none left out."""
    for rule, row in RULES.items():
        fields = [name for _text, name, _spec, _conversion in string.Formatter().parse(row["text"]) if name]
        assert sorted(set(fields)) == [str(n) for n in range(len(set(fields)))], rule


def test_the_chain_of_a_transitional_device_reads_from_port_to_bridge_to_slot() -> None:
    """A conventional slot is needed, so a bridge is added, and a port below it."""
    result = resolved(domain("<interface type='user'><model type='virtio-transitional'/></interface>"))
    interface = next(device for device in result.devices if isinstance(device, Nic))
    (why,) = [reason.text for reason in result.trace.of(interface) if reason.rule == "pci.first-free"]
    assert "a standard PCI device" in why
    assert "pcie-to-pci-bridge" in why
    bridge = next(
        device for device in result.devices if isinstance(device, Controller) and device.model == "pcie-to-pci-bridge"
    )
    (added,) = [reason.text for reason in result.trace.of(bridge) if reason.rule == "pci.bridge-for"]
    assert "interface 0" in added


@pytest.mark.parametrize("text", ["0x04", "0x1d"])
def test_a_written_address_says_so(text: str) -> None:
    """The user's own choice is the reason."""
    result = resolved(domain(f"<sound model='ich9'><address type='pci' slot='{text}'/></sound>"))
    (row,) = explanation(result, "sound0")
    assert row["rule"] == "given"
    assert row["line"] == 7


def test_a_decision_without_a_sentence_names_the_table() -> None:
    """A rule that has no row in the table of rules is an error that names the table and the rule."""
    trace = Trace()
    trace.record(Device("rng", None, -1), "made.up")
    with pytest.raises(FactsError, match=r"libvirt/rules.csv: no sentence for the rule 'made.up'; add a row"):
        list(trace.reasons())
