"""The rows of a matrix for disk controllers and network cards that are no virtio devices."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.compat.cells import Cells, Hardware
from virtkit.compat.emulated import judge_emulated
from virtkit.compat.verdict import Evidence, Judgement, refused
from virtkit.errors import Refused
from virtkit.guests.hardware import hardware
from virtkit.host.machine_types import machine_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from virtkit.compat.prober import Prober
    from virtkit.guests import Guest

__all__ = ["EMULATED", "emulated_cells", "emulated_models"]

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


def emulated_models(selection: Iterable[str]) -> tuple[str, ...]:
    """The emulated models among the words of a selection, in order; all of them for the word "all"."""
    words = set(selection)
    return EMULATED if "all" in words else tuple(model for model in EMULATED if model in words)


def emulated_cells(
    prober: Prober,
    guests: Sequence[Guest],
    kinds: Sequence[str],
    machines: Sequence[str],
    models: Sequence[str],
    overrides: bool,
) -> Iterator[Cells]:
    """The cells of each kind (net or block) that has models, by guest, machine and model; ``interface`` is "emulated".

    A verdict holds for every machine that takes the device, so each guest is judged once for a model. A disk on an
    emulated SCSI controller has the controller's name as its model. Source: data/guests/emulated.toml,
    kernel-configs.csv, osinfo-db; where libvirt or QEMU refuses the device, as in a check.
    """
    import numpy as np

    for kind in kinds:
        own = [model for model in models if hardware()[_known()[model]].kind == kind]
        if not own:
            continue
        asked = [(name, "", model) for name in machines for model in own]
        refusals = _refusals(prober, asked)
        numbers: dict[Judgement, int] = {}
        refused_there = np.array(
            [-1 if one is None else numbers.setdefault(one, len(numbers)) for one in refusals], dtype=np.int32
        )
        judged = np.empty((len(guests), 1, len(asked)), dtype=np.int32)
        for g, guest in enumerate(guests):
            found = [judge_emulated(hardware()[_known()[model]], model, guest, "", overrides) for model in own]
            taken = np.array([numbers.setdefault(one, len(numbers)) for one in found], dtype=np.int32)
            judged[g, 0] = np.where(refused_there < 0, np.tile(taken, len(machines)), refused_there)
        offered = np.array([[int(one is not None) for one in refusals]], dtype=np.int32)
        yield Cells(guests, (kind,), asked, tuple(numbers), judged, (_EMULATED, _REFUSED), offered)


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
    emulator = prober.host.emulator(prober.arch)
    if model in _CARDS and emulator is not None and model not in emulator.devices:
        return refused(f"QEMU has no device {model}", Evidence.QEMU, "QEMU -device help")
    try:
        prober.resolve(machine, _device(model))
    except Refused as refusal:
        return refused(f"libvirt refuses it: {refusal.what}", Evidence.RULE, _LIBVIRT)
    return None


def _device(model: str) -> str:
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
