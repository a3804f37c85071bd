"""The rows of a matrix for disk controllers and network cards that are no virtio devices."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.compat.cells import JUDGED, Hardware, block
from virtkit.compat.verdict import Evidence, refused
from virtkit.guests.hardware import driven_each, hardware
from virtkit.host.machine_types import machine_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from virtkit.compat.cells import Cells, Texts
    from virtkit.compat.prober import Prober
    from virtkit.compat.verdict import Judgement
    from virtkit.guests.hardware import Hardware as Device

__all__ = ["EMULATED", "add_emulated", "emulated_models"]

_NAMES = ("ide", "sata", "usb", "nvme", "lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi", "am53c974", "dc390")
_CARDS = ("e1000", "e1000e", "igb", "rtl8139", "vmxnet3", "pcnet", "ne2k_pci")
#: Models of emulated disk controllers and network cards, in the order of the matrix.
EMULATED = (*_CARDS, *_NAMES)
#: Where libvirt refuses a device, or QEMU lacks it.
_LIBVIRT = "libvirt, Domain XML format"
_EMULATED, _REFUSED = (Hardware("", interface, "", "", "") for interface in ("emulated", "refused"))


@cache
def _known() -> Mapping[str, str]:
    """The name in data/guests/emulated-hardware.csv of each model."""
    found = {}
    for key in hardware():
        found[key.removeprefix("bus:").removeprefix("scsi:")] = key
    return MappingProxyType({model: found[model] for model in EMULATED})


def _device(model: str) -> Device:
    return hardware()[_known()[model]]


def emulated_models(selection: Iterable[str]) -> tuple[str, ...]:
    """The emulated models among the words of a selection, in order; all of them for the word "all"."""
    words = set(selection)
    return EMULATED if "all" in words else tuple(model for model in EMULATED if model in words)


def add_emulated(
    cells: Cells, prober: Prober, machines: Sequence[str], models: Sequence[str], overrides: bool
) -> None:
    """Adds the cells of each kind (net or block) that has models, on each machine; ``interface`` is "emulated".

    A verdict holds for every machine that takes the device, so each guest is judged once for a model. A disk on an
    emulated SCSI controller has the controller's name as its model. Source: data/guests/emulated.toml,
    kernel-configs.csv, osinfo-db; where libvirt or QEMU refuses the device, as in a check.
    """
    from virtkit.compat.emulated import judge_driver

    for kind in cells.kinds:
        own = [model for model in models if _device(model).kind == kind]
        if not own:
            continue
        asked = [(name, "", model) for name in machines for model in own]
        refusals = _refusals(prober, asked)
        devices = tuple(_device(model) for model in own)
        found = [driven_each(guest, devices, overrides=overrides) for guest in cells.guests]
        # Guests with equal facts share one tuple; comparing what is in it would take longer.
        groups = {id(drivers): drivers for drivers in found}
        numbers = {key: n for n, key in enumerate(groups)}
        member = [numbers[id(drivers)] for drivers in found]
        judgements = [[judge_driver(*pair) for pair in zip(devices, group, strict=True)] for group in groups.values()]
        for one in (_EMULATED, _REFUSED):
            cells.texts["interface"].number(one.interface)
        hardware = [_EMULATED if one is None else _REFUSED for one in refusals]
        places = _places(refusals, len(own), len(groups))
        judged = {name: _numbers(cells.texts[name], name, refusals, judgements) for name in JUDGED}
        cells.blocks.append(block(cells, kind, asked, hardware, member, places, judged))


def _places(refusals: Sequence[Judgement | None], models: int, groups: int) -> npt.NDArray[np.int32]:
    """Where the judgement of each group and column is when those of the groups on their models follow the refusals.

    A machine's refusal comes before the judgement of the group's drivers, which is the same on all machines.
    """
    import numpy as np

    columns = np.arange(len(refusals), dtype=np.int32)
    refused_there = np.array([one is not None for one in refusals])
    own = len(refusals) + models * np.arange(groups, dtype=np.int32)[:, None] + columns % models
    return np.where(refused_there, columns, own)


def _numbers(
    texts: Texts, name: str, refusals: Sequence[Judgement | None], drivers: Sequence[Sequence[Judgement]]
) -> npt.NDArray[np.int32]:
    """What the refusals say under a name, then the judgements of each group, as numbers of texts."""
    import numpy as np

    def number(judgement: Judgement) -> int:
        return texts.number(str(getattr(judgement, name)))

    refused_there = [0 if one is None else number(one) for one in refusals]
    return np.array([*refused_there, *(number(one) for row in drivers for one in row)], dtype=np.int32)


def _refusals(prober: Prober, asked: Sequence[tuple[str, str, str]]) -> list[Judgement | None]:
    """Why a machine or its QEMU does not take a device, for each (machine, placement, model).

    The machine types of a family take the same devices of a QEMU, as in ``Prober.placement``: each is asked once.
    """
    known: dict[tuple[str, str], Judgement | None] = {}
    for name, _, model in asked:
        machine = prober.machine(name)
        key = machine_version(machine)[0], model
        if key not in known:
            known[key] = _refusal(prober, machine, model)
    return [known[machine_version(prober.machine(name))[0], model] for name, _, model in asked]


def _refusal(prober: Prober, machine: str, model: str) -> Judgement | None:
    """Why the machine or its QEMU does not take the device; None when it does."""
    emulator = prober.emulator
    if model in _CARDS and emulator is not None and model not in emulator.devices:
        return refused(f"QEMU has no device {model}", Evidence.QEMU, "QEMU -device help")
    refusal = prober.refusal(machine, _xml(model))
    return refused(f"libvirt refuses it: {refusal}", Evidence.RULE, _LIBVIRT) if refusal else None


def _xml(model: str) -> str:
    """The XML of a device of the model."""
    if model in _CARDS:
        return f"<interface type='user'><model type='{model}'/></interface>"
    disk = "<disk type='file' device='disk'><source file='/d'/><target dev='{}' bus='{}'/></disk>"
    key = _known()[model]
    if key.startswith("scsi:"):
        return f"<controller type='scsi' index='0' model='{model}'/>" + disk.format("sda", "scsi")
    if model == "nvme":
        return (
            "<controller type='nvme' index='0'/><disk type='file' device='disk'><source file='/d'/>"
            "<target dev='nvme0n1' bus='nvme'/><serial>d</serial></disk>"
        )
    return disk.format("hda" if model == "ide" else "sda", model)
