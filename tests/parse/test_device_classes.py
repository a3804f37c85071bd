"""The table of device classes: what is declared there is complete, and a slip in it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from virtkit import read, resolve, samples
from virtkit.domain.device_classes import DEVICE_CLASSES, DeviceClass, Inventory, checked, class_of
from virtkit.domain.devices import Device
from virtkit.errors import FactsError

RNG = next(one for one in DEVICE_CLASSES if one.element == "rng")
NEW = replace(
    RNG, element="blinker", name="blinkers", written=999, qemu=999, pci=(replace(RNG.pci[0], order=999),)
)


def test_every_list_of_an_inventory_has_a_class() -> None:
    """The general order has each addressable device once, and graphics, which have no address, not at all."""
    inventory = Inventory()
    for one in DEVICE_CLASSES:
        getattr(inventory, one.name).append(Device(one.element, None, -1))
    assert [device.kind for device in inventory.in_order()] == [
        one.element for one in DEVICE_CLASSES if one.element != "graphics"
    ]
    assert [class_of(device) for device in inventory.in_order()] == [one for one in DEVICE_CLASSES if one.addressable]


def test_a_new_class_is_taken() -> None:
    """A whole declaration with numbers of its own is fine."""
    assert checked([*DEVICE_CLASSES, NEW])[-1] is NEW


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"element": "rng"}, "<rng> is declared twice"),
        ({"written": RNG.written}, "number 190 in the order of writing"),
        ({"written": None}, "a number in the order of writing goes with an addressable class"),
        ({"qemu": RNG.qemu}, "number 120 in the order of -device arguments"),
        ({"qemu": None}, "virtio and qemu go together"),
        ({"pci": RNG.pci}, "number 100 in the order of PCI addresses"),
        ({"pci": ()}, "virtio devices need a turn in the order of PCI addresses"),
    ],
)
def test_an_incomplete_class_is_refused(changes: dict[str, Any], message: str) -> None:
    """What would drop an address, an argument or the whole device without a word is an error of the facts."""
    with pytest.raises(FactsError, match=message):
        checked([*DEVICE_CLASSES, replace(NEW, **changes)])


def test_a_class_without_its_words_is_refused() -> None:
    """A declaration must say how a class is read, written and named."""
    with pytest.raises(TypeError, match="missing 3 required keyword-only arguments"):
        DeviceClass("blinker")  # type: ignore[call-arg]


@pytest.mark.parametrize("path", sorted(samples().glob("*.xml")), ids=lambda path: path.stem)
def test_addresses_have_the_forms_that_their_class_declares(path: Any) -> None:
    """Resolution gives no device an address of a form that the table of classes does not know of."""
    for device in resolve(read(path)).devices:
        assert device.form is None or device.form in class_of(device).forms, device
