"""Which kinds of virtio device there are, and which devices of domain XML are of each kind.

Source: ``data/virtio/kinds.csv``, a row for each kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from virtkit import facts
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.errors import FactsError, UsageError

__all__ = [
    "CLASSES",
    "MODELS",
    "PCI_ENDING",
    "Kind",
    "ListedDevice",
    "driver_name",
    "kind_of",
    "kinds",
    "listed_devices",
    "model_of_nic",
]

#: The model names of domain XML, and the ending of the QEMU driver's name for each.
MODELS: Mapping[str, str] = MappingProxyType(
    {"virtio": "", "virtio-transitional": "-transitional", "virtio-non-transitional": "-non-transitional"}
)

#: The classes of kinds that the interface rules distinguish.
CLASSES = frozenset({"legacy-capable", "vsock", "modern-only"})

#: The ending that a driver's name has on PCI, where QEMU has a driver for each transport.
PCI_ENDING = "-pci"

#: Each model and the column of the table that says whether it has a driver; the plain model always has one.
_MODEL_COLUMNS = (
    ("virtio", ""),
    ("virtio-transitional", "transitional"),
    ("virtio-non-transitional", "non_transitional"),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A virtio device kind: its class (one of CLASSES), QEMU's PCI driver and the PCI ids (vendor 1af4).

    ``legacy_id`` is "" for kinds that never show the legacy interface. ``models`` are those with a driver.
    ``guest`` is the kind in the guest OS database, "" when the database has no id for it; ``title`` names the
    database's kind in words, on one Kind of each.
    """

    name: str
    kind_class: str
    driver: str
    legacy_id: str
    modern_id: str
    models: tuple[str, ...]
    guest: str
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """The kind of a device of domain XML, and the name of its QEMU driver on PCI."""

    kind: str
    driver: str


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by name, in the order of the table. Raises FactsError for a class that is not one of CLASSES."""
    found = {}
    for row in facts.table("virtio/kinds.csv"):
        name = row["kind"]
        if row["class"] not in CLASSES:
            raise FactsError(f"virtio/kinds.csv: kind {name}: class {row['class']!r}; expected {', '.join(CLASSES)}")
        models = tuple(model for model, column in _MODEL_COLUMNS if not column or row[column] == "yes")
        ids = row["legacy_id"], row["modern_id"]
        found[name] = Kind(
            name, row["class"], row["driver"], *ids, models, row["guest"], row["title"], row["source"]
        )
    return MappingProxyType(found)


@cache
def listed_devices() -> Mapping[tuple[str, str], ListedDevice]:
    """For each (element, variant) of domain XML its kind; ``DeviceClass.virtio`` says which variant a device is.

    Raises FactsError when the table names an element that is no class of virtio devices, when a class of virtio
    devices has no row, or when a device is listed twice.
    """
    found: dict[tuple[str, str], ListedDevice] = {}
    for row in facts.table("virtio/kinds.csv"):
        for entry in row["devices"].split():
            device, _, driver = entry.partition("=")
            element, _, variant = device.partition(":")
            if (element, variant) in found:
                raise FactsError(f"virtio/kinds.csv: kind {row['kind']}: {device} is listed twice")
            found[element, variant] = ListedDevice(row["kind"], driver or row["driver"])
    listed = {element for element, _ in found}
    declared = {one.element for one in DEVICE_CLASSES if one.virtio is not None}
    if missing := sorted(declared - listed):
        what = f"no row has {' or '.join(f'{one}:VARIANT' for one in missing)} among its devices"
        raise FactsError(f"virtio/kinds.csv: {what}, but domain/device_classes.py declares it as virtio")
    if missing := sorted(listed - declared):
        what = f"no class of domain/device_classes.py with virtio= has the element {', '.join(missing)}"
        raise FactsError(f"virtio/kinds.csv: {what}")
    return MappingProxyType(found)


def kind_of(name: str) -> Kind:
    """The kind called ``name``. Raises UsageError when there is none."""
    found = kinds().get(name)
    if found is None:
        raise UsageError(f"unknown virtio device kind {name!r}; known: {', '.join(kinds())}")
    return found


def driver_name(kind: str, model: str) -> str:
    """QEMU's name of the PCI driver for a kind and model; QEMU need not have that driver.

    Raises UsageError for an unknown kind or model.
    """
    driver = kind_of(kind).driver
    ending = MODELS.get(model)
    if ending is None:
        raise UsageError(f"unknown virtio model {model!r}; known: {', '.join(MODELS)}")
    return driver + ending


@cache
def _nic_names() -> Mapping[str, str]:
    driver = kind_of("net").driver
    return MappingProxyType(
        {
            driver.removesuffix(PCI_ENDING): "virtio",
            **{driver + ending: model for model, ending in MODELS.items()},
        }
    )


def model_of_nic(name: str | None) -> str | None:
    """The virtio model of a NIC whose model is one of QEMU's names, such as virtio-net or virtio-net-pci-transitional.

    libvirt hands a model that it does not know to QEMU as it is. None for any other name. Source: QEMU -device help,
    which has virtio-net as another name of virtio-net-pci; observed with libvirt 9.0: 1af4:1041 behind a root port.
    """
    return _nic_names().get(name or "") or None
