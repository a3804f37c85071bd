"""Random machines for boots: a pc or q35 domain with bridges, ports, NICs and disks in random places."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from virtkit.domain.domain import read
from virtkit.errors import Refused
from virtkit.host import Host
from virtkit.resolved import Resolved, resolve

__all__ = ["random_machines"]

_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")


@dataclass(slots=True)
class _Draft:
    """A domain in the making: controllers with their addresses, and the free places (bus, slot)."""

    rng: random.Random
    q35: bool
    controllers: list[str] = field(default_factory=list)
    express: list[tuple[int, int]] = field(default_factory=list)
    conventional: list[tuple[int, int]] = field(default_factory=list)
    root: list[int] = field(default_factory=list)
    index: int = 0

    def controller(self, model: str, bus: int, slot: int, *, function: int = 0, options: str = "") -> int:
        """Adds a controller at an address and returns its index."""
        self.index += 1
        multi = " multifunction='on'" if function == 0 and model == "pcie-root-port" else ""
        self.controllers.append(
            f"<controller type='pci' index='{self.index}' model='{model}'>{options}"
            f"<address type='pci' domain='0' bus='{bus}' slot='{slot}' function='{function}'{multi}/></controller>"
        )
        return self.index

    def take(self, places: list[tuple[int, int]]) -> tuple[int, int] | None:
        """A random free place, which is no longer free then."""
        return places.pop(self.rng.randrange(len(places))) if places else None


def random_machines(count: int, seed: int, kind: str, host: Host) -> Iterator[Resolved]:
    """``count`` machines of one kind ("names": NICs, "firmware": disks), resolved for a host.

    Domains that libvirt would refuse are left out; the same seed gives the same machines.
    """
    found = 0
    number = seed * 100_000
    while found < count:
        number += 1
        rng = random.Random(number)  # noqa: S311 - no secret, the seed alone decides
        xml = _xml(rng, kind, f"boot-{kind}-{number}")
        try:
            resolved = resolve(read(xml.encode()), host)
        except Refused:
            continue
        if kind == "names" and not any(one.kind == "interface" for one in resolved.devices):
            continue
        found += 1
        yield resolved


def _xml(rng: random.Random, kind: str, name: str) -> str:
    draft = _Draft(rng, rng.random() < 0.65 if kind == "names" else rng.random() < 0.8)
    uefi = draft.q35 and rng.random() < (0.3 if kind == "names" else 0.6)
    draft.root = rng.sample(range(3, 29), 26)
    if draft.q35:
        _express_buses(draft, kind)
    else:
        _conventional_buses(draft)
    devices = _nics(draft) if kind == "names" else _disks(draft)
    firmware = " firmware='efi'" if uefi else ""
    machine = "q35" if draft.q35 else "pc"
    if kind == "names" and not uefi and rng.random() < 0.25:
        machine = "pc-q35-6.0" if draft.q35 else "pc-i440fx-5.2"
    hotplug = ""
    if kind == "names" and not draft.q35 and rng.random() < 0.2:
        hotplug = "<controller type='pci' index='0' model='pci-root'><target hotplug='off'/></controller>"
    return (
        f"<domain type='qemu'><name>{name}</name><memory>262144</memory><features><acpi/></features>"
        f"<os{firmware}><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{hotplug}"
        f"{''.join(draft.controllers)}{devices}<controller type='usb' model='none'/><memballoon model='none'/>"
        "</devices></domain>"
    )


def _express_buses(draft: _Draft, kind: str) -> None:
    """Root ports, some with functions, conventional bridges behind them, a switch and an expander bus."""
    rng = draft.rng
    for _ in range(rng.randint(2, 6) if kind == "names" else rng.randint(4, 16)):
        slot = draft.root.pop()
        for function in range(rng.choice((1, 1, 1, 2, 4)) if kind == "names" else 1):
            draft.express.append((draft.controller("pcie-root-port", 0, slot, function=function), 0))
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        place = draft.take(draft.express)
        if place is not None:
            bridge = draft.controller("pcie-to-pci-bridge", *place)
            draft.conventional += [(bridge, slot) for slot in rng.sample(range(1, 31), 4)]
    if rng.random() < 0.25 and (place := draft.take(draft.express)):
        upstream = draft.controller("pcie-switch-upstream-port", *place)
        for slot in rng.sample(range(8), 2):
            draft.express.append((draft.controller("pcie-switch-downstream-port", upstream, slot), 0))
    if kind == "names" and rng.random() < 0.3:
        options = f"<target busNr='{rng.choice((0x40, 0x80, 0xC0))}'/>"
        expander = draft.controller("pcie-expander-bus", 0, draft.root.pop(), options=options)
        draft.express.append((draft.controller("pcie-root-port", expander, 0), 0))
    if kind == "names" and rng.random() < 0.2:
        bridge = draft.controller("dmi-to-pci-bridge", 0, draft.root.pop())
        below = draft.controller("pci-bridge", bridge, rng.randint(1, 20))
        draft.conventional += [(below, slot) for slot in rng.sample(range(1, 31), 3)]
    draft.express += [(0, draft.root.pop()) for _ in range(2)]


def _conventional_buses(draft: _Draft) -> None:
    """Slots of bus 0, bridges, one in another, and an expander bus."""
    rng = draft.rng
    draft.conventional += [(0, draft.root.pop()) for _ in range(3)]
    bridges = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        bridges.append(draft.controller("pci-bridge", 0, draft.root.pop()))
    if bridges and rng.random() < 0.4:
        bridges.append(draft.controller("pci-bridge", bridges[0], rng.randint(1, 20)))
    if rng.random() < 0.3:
        options = f"<target busNr='{rng.choice((0x40, 0x80, 0xC0))}'/>"
        bridges.append(draft.controller("pci-expander-bus", 0, draft.root.pop(), options=options))
    for bridge in bridges:
        # Low numbers, too, which no slot of bus 0 has: 1 is the chipset's.
        slots = {1, *rng.sample(range(2, 31), 3)}
        draft.conventional += [(bridge, slot) for slot in sorted(slots)]


def _place(draft: _Draft, model: str) -> str:
    places = draft.conventional if draft.q35 and model == "virtio-transitional" and draft.conventional else None
    places = places or (draft.express if draft.q35 and draft.express else draft.conventional)
    place = draft.take(places)
    if place is None:
        return ""
    return f"<address type='pci' domain='0' bus='{place[0]}' slot='{place[1]}' function='0'/>"


def _nics(draft: _Draft) -> str:
    rng = draft.rng
    found = []
    for number in range(rng.randint(2, 6)):
        model = rng.choice(_MODELS)
        index = f"<acpi index='{number + 1}'/>" if rng.random() < 0.15 else ""
        place = _place(draft, model) if rng.random() < 0.85 else ""
        mac = f"<mac address='52:54:00:00:00:{number + 1:02x}'/>"
        found.append(f"<interface type='user'>{mac}<model type='{model}'/>{index}{place}</interface>")
    return "".join(found)


def _disks(draft: _Draft) -> str:
    rng = draft.rng
    count = rng.randint(2, 14)
    boot = rng.randrange(count)
    found = []
    weights = rng.choice(((1, 8, 1), (1, 1, 4), (1, 1, 1)))
    for number in range(count):
        (model,) = rng.choices(_MODELS, weights)
        order = "<boot order='1'/>" if number == boot else ""
        spread = draft.q35 and draft.express and rng.random() < 0.8
        place = draft.take(draft.express) if spread else draft.take(draft.conventional)
        if place is None:
            continue
        address = f"<address type='pci' domain='0' bus='{place[0]}' slot='{place[1]}' function='0'/>"
        found.append(
            f"<disk type='file' device='disk' model='{model}'><source file='/{number}.img'/>"
            f"<target dev='vd{chr(97 + number)}' bus='virtio'/>{order}{address}</disk>"
        )
    return "".join(found)
