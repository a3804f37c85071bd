"""The kind of slot that each device requires, and the kinds that each PCI controller offers.

Source: ``data/libvirt/connect-types.csv`` and ``pci-controllers.csv``; the transitional rule is that of libvirt 5.2.0:
virtio-transitional needs conventional PCI, because legacy virtio needs I/O space; the other two follow the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import cache

from virtkit import facts
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.domain.devices import Device, Hostdev, Nic
from virtkit.errors import FactsError
from virtkit.memo import keep
from virtkit.releases import Release, in_release
from virtkit.resolution.context import Context, Draft
from virtkit.virtio.kinds import listed_devices

__all__ = [
    "CONNECT_NAMES",
    "Connect",
    "ConnectTypes",
    "PciModel",
    "connect_names",
    "own_slots",
    "pci_models",
    "plug_of",
]


class Connect(IntFlag):
    """Kinds of slot, and properties of a request: AUTO may be placed automatically, INTEGRATED must be on bus 0."""

    NONE = 0
    CONVENTIONAL = 1
    EXPRESS = 2
    PCI_BRIDGE = 4
    ROOT_PORT = 8
    DMI_BRIDGE = 16
    UPSTREAM_PORT = 32
    DOWNSTREAM_PORT = 64
    PCIE_TO_PCI = 128
    PCI_EXPANDER = 256
    PCIE_EXPANDER = 512
    AUTO = 1024
    INTEGRATED = 2048
    AGGREGATES = 4096


# Plain integers: an IntFlag operation costs half a microsecond, and the allocator does thousands.
NONE = 0
CONVENTIONAL = int(Connect.CONVENTIONAL)
EXPRESS = int(Connect.EXPRESS)
ENDPOINT = CONVENTIONAL | EXPRESS
AUTO = int(Connect.AUTO)
INTEGRATED = int(Connect.INTEGRATED)
AGGREGATES = int(Connect.AGGREGATES)
KINDS = 1023

_WORDS = {
    "none": NONE,
    "conventional": CONVENTIONAL,
    "express": EXPRESS,
    "pci-bridge": int(Connect.PCI_BRIDGE),
    "root-port": int(Connect.ROOT_PORT),
    "dmi-to-pci-bridge": int(Connect.DMI_BRIDGE),
    "upstream-port": int(Connect.UPSTREAM_PORT),
    "downstream-port": int(Connect.DOWNSTREAM_PORT),
    "pcie-to-pci-bridge": int(Connect.PCIE_TO_PCI),
    "pci-expander-bus": int(Connect.PCI_EXPANDER),
    "pcie-expander-bus": int(Connect.PCIE_EXPANDER),
}

CONNECT_NAMES = {
    CONVENTIONAL: "standard PCI device",
    EXPRESS: "PCI Express device",
    _WORDS["pci-bridge"]: "pci-bridge",
    _WORDS["root-port"]: "pcie-root-port",
    _WORDS["dmi-to-pci-bridge"]: "dmi-to-pci-bridge",
    _WORDS["upstream-port"]: "pcie-switch-upstream-port",
    _WORDS["downstream-port"]: "pcie-switch-downstream-port",
    _WORDS["pcie-to-pci-bridge"]: "pcie-to-pci-bridge",
    _WORDS["pci-expander-bus"]: "pci-expander-bus",
    _WORDS["pcie-expander-bus"]: "pcie-expander-bus",
}
"""The name of each kind of slot in messages, by its number."""


def connect_names(kind: int) -> str:
    """The name of a connect type in messages."""
    return CONNECT_NAMES.get(kind & KINDS, "device without a PCI slot")


@dataclass(frozen=True, slots=True)
class PciModel:
    """One PCI controller model; ``plugs``, ``accepts`` and ``allows`` are Connect numbers.

    ``accepts`` are the kinds that libvirt places below it, ``allows`` those that it takes where the address is written:
    it may then be either kind of endpoint.
    """

    name: str
    plugs: int
    accepts: int
    allows: int
    auto: bool
    first: int
    last: int
    aggregates: bool
    hotplug: bool
    qemu_name: str


@cache
def pci_models() -> dict[str, PciModel]:
    """Every PCI controller model by name."""
    found = {}
    for row in facts.table("libvirt/pci-controllers.csv"):
        accepts = 0
        for word in row["accepts"].split():
            accepts |= _WORDS[word]
        found[row["model"]] = PciModel(
            name=row["model"],
            plugs=_WORDS[row["plugs"]],
            accepts=accepts,
            allows=accepts | ENDPOINT | _WORDS["pci-bridge"] if accepts & ENDPOINT else accepts,
            auto=row["auto"] == "yes",
            first=int(row["first"]),
            last=int(row["last"]),
            aggregates=row["aggregates"] == "yes",
            hotplug=row["hotplug"] == "yes",
            qemu_name=row["name"],
        )
    return found


def plug_of(model: str) -> int:
    """The request a PCI controller makes for its own slot."""
    return _plugs()[model]


@cache
def _plugs() -> dict[str | None, int]:
    return {name: offer.plugs | (AGGREGATES if offer.aggregates else 0) for name, offer in pci_models().items()}


@cache
def _types(at: Release) -> dict[tuple[str, str], tuple[str, bool]]:
    found = {}
    for row in facts.table("libvirt/connect-types.csv"):
        if in_release(row, at):
            word = row["type"]
            found[row["kind"], row["variant"]] = (word.rstrip("+"), word.endswith("+"))
    for element in _unlisted():
        found[element, "*"] = ("virtio", False)
    return found


@cache
def _unlisted() -> tuple[str, ...]:
    """The elements of virtio devices that the table has no row for: they use the slot of any virtio device.

    Raises FactsError for another class that gets PCI addresses and has no row, and when the table of virtio kinds
    does not fit the device classes.
    """
    listed_devices()
    listed = {row["kind"].partition(":")[0] for row in facts.table("libvirt/connect-types.csv")}
    missing = [one for one in DEVICE_CLASSES if one.pci and one.element not in listed]
    for one in missing:
        if one.virtio is None:
            raise FactsError(f"libvirt/connect-types.csv: no row for <{one.element}>, which gets PCI addresses")
    return tuple(one.element for one in missing)


@cache
def own_slots() -> frozenset[str]:
    """The kinds of device, besides PCI controllers, of which some are no plain endpoint: they have to be on bus 0."""
    plain = {"none", "conventional", "express", "machine", "virtio"}
    return frozenset(
        row["kind"].partition(":")[0] for row in facts.table("libvirt/connect-types.csv") if row["type"] not in plain
    )


_VARIANTS = {
    "disk": "bus",
    "filesystem": "driver",
    "input": "bus",
    **dict.fromkeys(("serial", "parallel", "channel", "console", "smartcard"), "target"),
}
"""The field that is the variant of a device in the table, by kind; for all others see ``ConnectTypes.of``."""


MOST = 2048
"""How many answers are kept."""


@cache
def _answers(at: Release, machine: int, virtio: int) -> dict[tuple[str, str, str | None], int]:
    """The answers that are known so far; they depend on a release, the slot of the machine and that of virtio."""
    return {}


class ConnectTypes:
    """The connect type of every device of one resolution; answers are kept by kind, variant and model."""

    __slots__ = ("_cache", "_machine", "_plugs", "_policy", "_types", "_virtio")

    def __init__(self, context: Context, draft: Draft) -> None:
        controllers = draft.devices.controllers
        roots = [one for one in controllers if one.model == "pcie-root" and one.type == "pci" and one.index == 0]
        self._plugs = _plugs()
        self._types = _types(context.at)
        self._machine = EXPRESS if roots else CONVENTIONAL
        modern = context.emulator.has_property("virtio-net-pci", "disable-legacy") is not False
        self._virtio = self._machine if modern else CONVENTIONAL
        self._policy = context.slot_policy
        # A slot policy answers for itself.
        known = self._policy is None
        self._cache = _answers(context.at, self._machine, self._virtio) if known else {}

    def of(self, device: Device) -> int:
        """The request: a kind of slot with AUTO and INTEGRATED, or NONE for a device without a PCI slot."""
        kind, model = device.kind, device.model
        if kind == "controller":
            type_: str = device.type  # type: ignore[attr-defined]
            if type_ == "pci":
                return self._plugs.get(model, NONE)
            kind, variant = "controller:" + type_, model or "*"
        elif kind in _VARIANTS:
            variant = getattr(device, _VARIANTS[kind]) or "*"
        elif isinstance(device, Nic) and device.type == "hostdev":
            if device.source != "pci":
                return NONE
            # The assigned device decides, not the model that is written.
            kind, variant, model = "hostdev", "pci", None
        elif isinstance(device, Hostdev):
            if device.mode != "subsystem":
                return NONE
            variant = model or "*" if device.type == "mdev" else device.type
        else:
            variant = model or "*"
        key = (kind, variant, model)
        found = self._cache.get(key)
        if found is None:
            # A NIC may have any model, so the answers are bounded.
            found = keep(self._cache, key, self._look_up(kind, variant, model), MOST)
        return found

    def written(self, device: Device) -> int:
        """The request of a device whose PCI address is written; a device without a kind of slot counts as conventional.

        A scsi_host host device counts as plain virtio with any model (observed: libvirt 9.0 and 12.8).
        """
        kind = device.kind
        if kind == "controller" and device.type == "pci":  # type: ignore[attr-defined]
            return self._plugs.get(device.model) or CONVENTIONAL | AUTO
        if kind == "hostdev" and device.type == "scsi_host" and self._policy is None:  # type: ignore[attr-defined]
            return self._virtio | AUTO
        return self.of(device) or CONVENTIONAL | AUTO

    def _look_up(self, kind: str, variant: str, model: str | None) -> int:
        row = self._types.get((kind, variant))
        if row is None:
            if variant == "virtio-transitional":
                row = ("virtio", False)
            else:
                row = self._types.get((kind, "*"), ("none", False))
        word, integrated = row
        if word == "none":
            return NONE
        if self._policy is not None and (word == "virtio" or model == "virtio-transitional"):
            place = self._policy.connect(model if model and model.startswith("virtio-") else "virtio")
            found = {"machine": self._virtio, "conventional": CONVENTIONAL, "express": EXPRESS}[place]
        elif model == "virtio-transitional":
            found = CONVENTIONAL
        else:
            found = {"machine": self._machine, "virtio": self._virtio}.get(word) or _WORDS[word]
        return found | AUTO | (INTEGRATED if integrated else 0)
