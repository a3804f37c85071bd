"""Whole answers on interfaces: what QEMU shows, its message, and the observation that the answer rests on."""

from __future__ import annotations

import pytest

from virtkit import facts
from virtkit.errors import FactsError, UsageError
from virtkit.host import shipped as emulators
from virtkit.virtio import interface as module
from virtkit.virtio.devices import location_of
from virtkit.virtio.interface import LOCATIONS, Interface, Shown, off_pci, shown
from virtkit.virtio.kinds import driver_name, kind_of, kinds, model_of_nic

CCW, MMIO = "observed: QEMU 7.2.22", "observed: QEMU 7.2.22 and 11.1.2"
NO_BUS = "QEMU: virtio devices plug into a PCI, CCW or virtio-mmio bus"


@pytest.mark.parametrize(
    ("transport", "machine", "kind", "interface", "source"),
    [
        ("ccw", "s390-ccw-virtio-2.4", "net", "legacy", f"{CCW}, ccw max_revision 0 on machine 2.4"),
        ("ccw", "s390-ccw-virtio-2.5", "net", "transitional", f"{MMIO}, ccw max_revision 2"),
        ("ccw", "s390-ccw-virtio", "net", "transitional", f"{MMIO}, ccw max_revision 2"),
        ("ccw", "virt-2.4", "net", "transitional", f"{MMIO}, ccw max_revision 2"),
        ("ccw", "s390-ccw-virtio-2.4", "gpu", "modern", f"{CCW}, ccw max_revision 2"),
        ("virtio-mmio", "virt", "gpu", "legacy", f"{MMIO}, virtio-mmio force-legacy is on"),
    ],
)
def test_off_pci_the_transport_decides(transport: str, machine: str, kind: str, interface: str, source: str) -> None:
    """ccw has revision 2 since machine type 2.5, virtio-mmio the legacy layout; there is no PCI id."""
    assert off_pci(transport, machine, kind) == Shown(Interface(interface), "", "", source)


def test_a_bus_without_virtio_devices_is_named() -> None:
    """An address of another type, and a PCI address on a machine without PCI, have no bus for a virtio device."""
    said = "a virtio device needs an address of type pci, ccw or virtio-mmio, got 'usb'"
    assert off_pci("usb", "pc", "net") == Shown(None, "", "no-virtio-bus", NO_BUS, said)
    said = "the machine has no PCI bus for the address of this device"
    assert off_pci("pci", "isapc", "net") == Shown(None, "", "no-virtio-bus", NO_BUS, said)


def test_a_missing_driver_has_the_message_of_qemu_and_the_source_of_the_fact() -> None:
    """A kind without that model rests on the table of kinds, a driver that QEMU lacks on the facts of that QEMU."""
    said = "'virtio-gpu-pci-transitional' is not a valid device model name"
    found = shown((11, 1), "x86_64", "q35", "gpu", "virtio-transitional", "pcie-port")
    assert found == Shown(None, "", "no-driver", kind_of("gpu").source, said)
    emulator = emulators.load((11, 1), "aarch64")
    assert emulator is not None
    said = "'virtio-vga' is not a valid device model name"
    found = shown((11, 1), "aarch64", "virt", "vga", "virtio", "pcie-root")
    assert found == Shown(None, "", "no-driver", emulator.source, said)
    assert found == shown((11, 1), "aarch64", "virt", "vga", "virtio", "pcie-root", emulator)


def test_a_rule_gives_its_row_and_a_refusal_fills_in_its_message() -> None:
    """The answer has the source of the first row that fits; {driver} and {machine} of a message are filled in."""
    sources = {row["source"] for row in facts.table("qemu/interface-rules.csv")}
    found = shown((11, 1), "x86_64", "q35", "net", "virtio", "pcie-port")
    assert (found.reason, found.message, found.source in sources) == ("", "", True)
    row = next(row for row in facts.table("qemu/interface-refusals.csv") if row["reason"] == "no-pci-bus")
    found = shown((11, 1), "x86_64", "isapc", "net", "virtio", "conventional-root")
    message = row["message"].replace("{driver}", "virtio-net-pci").replace("{machine}", "isapc")
    assert found == Shown(None, "", "no-pci-bus", row["source"], message)


def test_an_alias_has_the_version_of_the_machine_that_it_stands_for() -> None:
    """The emulator says which version an alias is; a later QEMU gives an s390x NIC on PCI a modern interface."""
    old, new = (shown(at, "s390x", "s390-ccw-virtio", "net", "virtio", "conventional-root") for at in ((7, 2), (11, 1)))
    assert (old.interface, new.interface) == (Interface.TRANSITIONAL, Interface.MODERN)


def test_unknown_words_are_answered_with_the_known_ones() -> None:
    """The message has the word and all that could stand in its place."""
    for words, message in (
        (("nic", "virtio", "pcie-port"), f"unknown virtio device kind 'nic'; known: {', '.join(kinds())}"),
        (
            ("net", "Virtio", "pcie-port"),
            "unknown virtio model 'Virtio'; known: virtio, virtio-transitional, virtio-non-transitional",
        ),
        (("net", "virtio", "slot 3"), f"unknown location 'slot 3'; known: {', '.join(LOCATIONS)}"),
    ):
        with pytest.raises(UsageError) as caught:
            shown((11, 1), "x86_64", "q35", *words)
        assert str(caught.value) == message


def test_a_table_without_a_rule_for_a_device_is_an_error_of_the_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No interface is guessed."""
    monkeypatch.setattr(module, "_interface_rules", lambda: ())
    with pytest.raises(FactsError) as caught:
        shown((11, 1), "x86_64", "unheard-of", "rng", "virtio", "pcie-port")
    text = "interface-rules.csv: no rule for rng, model virtio at pcie-port of unheard-of"
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("virtio-net", "virtio"),
        ("virtio-net-pci", "virtio"),
        ("virtio-net-pci-transitional", "virtio-transitional"),
        ("virtio-net-pci-non-transitional", "virtio-non-transitional"),
        ("virtio", None),
        ("e1000", None),
        ("", None),
        (None, None),
    ],
)
def test_qemu_s_names_of_nics_are_models(name: str | None, model: str | None) -> None:
    """libvirt hands a NIC model that it does not know to QEMU, which has names of its own for virtio NICs."""
    assert model_of_nic(name) == model


@pytest.mark.parametrize(
    ("controller", "location"),
    [
        ("pci-root", "conventional-root"),
        ("pcie-root", "pcie-root"),
        ("pcie-root-port", "pcie-port"),
        ("pcie-switch-downstream-port", "pcie-port"),
        ("pci-bridge", "conventional-bridge"),
        ("pcie-to-pci-bridge", "conventional-bridge"),
        ("dmi-to-pci-bridge", "conventional-bridge"),
        ("pci-expander-bus", "conventional-bridge"),
        ("pcie-expander-bus", None),
        ("pcie-switch-upstream-port", None),
        (None, None),
    ],
)
def test_each_controller_offers_one_class_of_slots(controller: str | None, location: str | None) -> None:
    """Ports are PCI Express, bridges conventional; an upstream port and an expander take no virtio device."""
    assert location_of(controller) == location


def test_the_driver_has_the_ending_of_its_model() -> None:
    """QEMU has a driver for each model: the plain one has no ending."""
    models = ("virtio", "virtio-transitional", "virtio-non-transitional")
    assert [driver_name("rng", model) for model in models] == [
        "virtio-rng-pci", "virtio-rng-pci-transitional", "virtio-rng-pci-non-transitional",
    ]  # fmt: skip
