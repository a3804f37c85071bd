"""Refusals about inputs, shared folders, displays, panic notifiers, watchdogs, iommus, memory and single devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from virtkit.domain.address import IsaAddress
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Device, Input
from virtkit.domain.document import line_of
from virtkit.errors import Refused
from virtkit.resolution.constraints.accepted import Ground
from virtkit.resolution.context import Context, Draft

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["check_aliases", "check_devices", "ps2_refusal"]

CFG = "unsupported configuration"
XML = "XML error"
INT = "internal error"

_X86 = frozenset({"i686", "x86_64"})
_ARM_VIRT = frozenset({"aarch64-virt", "armv7l-virt"})
_TRANSITIONAL = frozenset({"virtio-transitional", "virtio-non-transitional"})


def _refuse(device: Device, what: str, category: str = CFG) -> Refused:
    return Refused(category, what, device.label, device.line)


def check_devices(context: Context, draft: Draft, left: Inventory, ps2: str) -> None:
    """Refuse an invalid device. Raises Refused.

    What looks at single devices, checks those that are ``left``. ``ps2`` is why devices on the ps2 bus are refused, see
    ``ps2_refusal``.
    """
    if left.inputs:
        _check_inputs(context, left.inputs, ps2)
    devices = draft.devices
    for name, alone, check in _CHECKS:
        found = getattr(devices, name)
        if found and (not alone or len(found) > 1 or getattr(left, name)):
            check(context, draft)
    if devices.nvrams or devices.tpms or devices.vsocks or devices.pstores or "redirfilter" in context.names:
        _check_single_ones(context, draft)
    if left.memballoons:
        _check_balloons(left.memballoons)
    if "audio" in context.names or left.sounds or [one for one in devices.sounds if "audio" in one.children]:
        _check_sounds(context, draft)
    if left.shmems:
        _check_shmems(context, left.shmems)
    if left.hostdevs:
        _check_hostdevs(left.hostdevs)


def _check_inputs(context: Ground, inputs: Iterable[Input], ps2: str) -> None:
    for device in inputs:
        if device.bus == "ps2" and ps2:
            raise _refuse(device, ps2)
        if device.type == "passthrough" and device.address is not None and device.address.type == "ccw":
            raise _refuse(device, "virtio-input-host is not supported by this QEMU binary")
        if device.model is not None:
            if device.bus != "virtio" and "input-model-needs-virtio-bus" in context.behaves:
                raise _refuse(device, f"only bus 'virtio' is supported for input model '{device.model}'")
            if device.model in _TRANSITIONAL:
                raise _refuse(
                    device,
                    f"virtio (non-)transitional models are not supported for input type={device.type}",
                )


def ps2_refusal(context: Context, features: Container[object]) -> str:
    """Why devices on the ps2 bus are refused; "" where they are accepted.

    ``features`` are the names of the elements below ``<features>``.
    """
    elsewhere = context.arch not in _X86 or context.family.name == "microvm"
    if context.emulator.has("i8042") is False or (elsewhere and "ps2-x86-only" in context.behaves):
        return "ps2 is not supported by this QEMU binary"
    ps2 = context.find("features/ps2") if "ps2" in features else None
    if ps2 is not None and ps2.get("state") == "off" and "ps2-feature" in context.behaves:
        return "ps2 bus inputs require the ps2 feature not to be disabled"
    return ""


def _check_filesystems(context: Context, draft: Draft) -> None:
    shares = "virtiofs-target-alone" not in context.behaves
    targets = Counter(_target(one) for one in draft.devices.filesystems if one.driver == "virtiofs" or not shares)
    for filesystem in draft.devices.filesystems:
        driver = filesystem.driver
        if driver == "virtiofs":
            if targets[_target(filesystem)] > 1 and "virtiofs-targets-once" in context.behaves:
                raise _refuse(filesystem, f"filesystem target '{_target(filesystem)}' specified twice")
            if filesystem.model is not None:
                raise _refuse(filesystem, "virtiofs does not support model")
            if not _shares_memory(context):
                raise _refuse(filesystem, "'virtiofs' requires shared memory")
        elif driver in ("loop", "nbd", "ploop") or (driver == "handle" and "no-9p-handle" in context.behaves):
            raise _refuse(filesystem, "Filesystem driver type not supported")


def _target(filesystem: Device) -> str:
    target = filesystem.children.get("target")
    return "" if target is None else target.get("dir") or ""


def _shares_memory(context: Context) -> bool:
    """Whether guest memory can be shared with a process of the host."""
    default = context.find("memoryBacking/access")
    shared = default is not None and default.get("mode") == "shared"
    cells = context.cells
    if cells:
        return all((cell.get("memAccess") or ("shared" if shared else "private")) == "shared" for cell in cells)
    return shared


def _check_nics(context: Context, draft: Draft) -> None:
    for nic in draft.devices.nics:
        if nic.type != "vhostuser":
            continue
        if not (nic.model or "").startswith("virtio"):
            raise _refuse(
                nic, "Wrong or no <model> 'type' attribute specified with <interface type='vhostuser'/>"
            )
        if "shared-memory-for-vhostuser" in context.behaves and not _shares_memory(context):
            raise _refuse(nic, "'interface' requires shared memory")


def _check_graphics(context: Context, draft: Draft) -> None:
    """An egl-headless display needs vnc or spice, and there can be only one."""
    graphics = draft.devices.graphics
    for headless in graphics:
        if headless.model != "egl-headless":
            continue
        if any(one.model not in ("egl-headless", "vnc", "spice") for one in graphics):
            raise _refuse(headless, "graphics type 'egl-headless' is only supported with vnc or spice graphics")
        for other in graphics:
            gl = other.children.get("gl")
            if other.model == "spice" and gl is not None and gl.get("enable") == "yes":
                raise _refuse(other, "multiple OpenGL displays are not supported by QEMU")


def _check_videos(context: Context, draft: Draft) -> None:
    videos = draft.devices.videos
    for place, video in enumerate(videos):
        model = video.model or ""
        if model == "none":
            if len(videos) > 1:
                raise _refuse(video, "a '<model type='none'/>' video must be the only video device")
            continue
        if model in ("xen", "vbox", "parallels", "gop"):
            raise _refuse(video, f"domain configuration does not support video model '{model}'")
        if place and model not in ("qxl", "virtio"):
            raise _refuse(video, f"video type '{model}' is only valid as primary video device")
        if model == "ramfb" and video.address is not None:
            raise _refuse(video, "address not supported for video type ramfb")
        frontend = video.frontend or ""
        if model == "virtio" and "video-frontend" in context.behaves and frontend:
            if place and "vga" in frontend:
                raise _refuse(video, f"video device '{frontend}' can be only used as primary video device")
            if frontend.endswith("-gl") and not video.accelerated:
                raise _refuse(video, f"video device '{frontend}' needs 3D acceleration to be on")


def _check_panics(context: Context, draft: Draft) -> None:
    homes = {
        "isa": (context.arch in _X86, "the QEMU binary does not support the ISA panic device"),
        "pvpanic": (context.arch != "s390x", "the QEMU binary does not support the PCI pvpanic device"),
        "s390": (context.arch == "s390x", "only S390 guests support panic device of model 's390'"),
        "pseries": (context.family.name == "pseries", "only pSeries guests support panic device of model 'pseries'"),
        "hyperv": (context.arch in _X86, "only i686 and x86_64 guests support panic device of model 'hyperv'"),
    }
    seen: set[str | None] = set()
    for panic in draft.devices.panics:
        model = panic.model
        if model in seen:
            raise _refuse(panic, f"Multiple panic devices with model '{model}'", XML)
        seen.add(model)
        at_home, refusal = homes.get(model or "", (True, ""))
        if not at_home:
            raise _refuse(panic, refusal)
        if panic.address is not None:
            if model in ("pseries", "hyperv", "s390"):
                raise _refuse(panic, f"setting the panic device address is not supported for model '{model}'")
            if model == "isa" and not isinstance(panic.address, IsaAddress):
                raise _refuse(panic, "panic is supported only with ISA address type")


def _check_watchdogs(context: Context, draft: Draft) -> None:
    watchdogs = draft.devices.watchdogs
    several = "several-watchdogs" in context.behaves
    written = [watchdog for watchdog in watchdogs if not watchdog.added] if len(watchdogs) > 1 else []
    if len(written) > 1 and not several:
        raise _refuse(written[1], "only a single watchdog device is supported", INT)
    seen: set[str | None] = set()
    for watchdog in watchdogs:
        model = watchdog.model
        if model in seen and model != "i6300esb":
            raise _refuse(watchdog, f"domain can only have one watchdog with model '{model}'")
        seen.add(model)
        if model == "itco" and context.family.chipset != "q35":
            raise _refuse(watchdog, "itco model of watchdog is only part of q35 machine")
        if model == "ib700" and several and context.family.chipset != "i440fx":
            raise _refuse(watchdog, "ib700 model of watchdog cannot be used with this machine type")
        if model == "diag288" and context.arch != "s390x":
            raise _refuse(watchdog, "diag288 model of watchdog is only supported on s390x")
        if model == "i6300esb" and watchdog.address is not None and watchdog.address.type != "pci":
            raise _refuse(watchdog, "i6300esb model of watchdog can go only on PCI bus")
    if len({element.get("action") or "reset" for one in written if (element := one.sample) is not None}) > 1:
        raise _refuse(watchdogs[-1], "watchdogs with different actions are not supported with this QEMU binary")


def _check_iommus(context: Context, draft: Draft) -> None:
    iommus = draft.devices.iommus
    if len(iommus) > 1 and "several-iommus" not in context.behaves:
        raise _refuse(iommus[1], "only a single IOMMU device is supported", INT)
    family = context.family
    for iommu in iommus:
        model = iommu.model or ""
        if model in ("intel", "amd") and family.chipset != "q35":
            raise _refuse(iommu, f"IOMMU device: '{model}' is only supported with Q35 machines")
        if model == "smmuv3" and family.name not in _ARM_VIRT:
            raise _refuse(iommu, f"IOMMU device: '{model}' is only supported with ARM Virt machines")
        if model == "virtio":
            if family.chipset != "q35" and family.name not in _ARM_VIRT:
                raise _refuse(iommu, "IOMMU device: 'virtio' is only supported with Q35 and ARM Virt machines")
            if context.find("features/acpi") is None:
                raise _refuse(iommu, "IOMMU device: 'virtio' requires ACPI")
        if model in ("intel", "smmuv3") and iommu.address is not None:
            raise _refuse(iommu, f"iommu model '{model}' can't have address", XML)


def _check_memories(context: Context, draft: Draft) -> None:
    for memory in draft.devices.memories:
        model = memory.model
        form = None if memory.address is None else memory.address.type
        if form is None and not context.family.pci:
            continue  # left without a place, where older releases left it so
        if model == "virtio-pmem" and form != "pci":
            raise _refuse(memory, "only 'pci' addresses are supported for the virtio-pmem device")
        if model == "virtio-mem":
            forms = ("pci", "ccw") if "ccw-virtio-mem" in context.behaves else ("pci",)
            if form not in forms:
                names = " and ".join(f"'{one}'" for one in forms)
                raise _refuse(memory, f"only {names} addresses are supported for the virtio-mem device")


MIB = 1 << 20


def _bytes(size: Element | None) -> int | None:
    """A size in bytes by its unit (KiB and K are 1024, kB is 1000), None when it is not a size.

    Source: libvirt, "Domain XML format", Memory Allocation.
    """
    text = "" if size is None else (size.text or "").strip()
    if size is None or not text.isdigit():
        return None
    unit = (size.get("unit") or "b").lower()
    power = max("bkmgtpe".find(unit[0]), 0)
    base = 1000 if len(unit) == len("kB") else 1024
    return int(text) * int(base**power)


_ALIAS = attrgetter("alias")


def check_aliases(devices: Sequence[Device]) -> None:
    """Refuse two devices with the same alias. Raises Refused."""
    if not any(map(_ALIAS, devices)):
        return
    named: set[str] = set()
    for device in devices:
        if device.alias is None or getattr(device, "mirror", False):
            continue  # a console that mirrors a serial port has its alias
        if device.alias in named:
            raise _refuse(device, f"non unique alias detected: {device.alias}")
        named.add(device.alias)


def _check_single_ones(context: Context, draft: Draft) -> None:
    """Refuse a second one of what there can be one only, and what a machine does not have."""
    devices = draft.devices
    for nvram in devices.nvrams:
        if context.family.name != "pseries":
            raise _refuse(nvram, "nvram device is only supported for PPC64")
    for nvram in devices.nvrams[1:]:
        raise _refuse(nvram, "only a single nvram device is supported", INT)
    for tpm in [one for one in devices.tpms if one.model == "spapr-tpm-proxy"][1:]:
        raise _refuse(tpm, "only a single TPM Proxy device is supported")
    for filter_ in _below(context, "redirfilter")[1:]:
        what = "only one set of redirection filter rule is supported"
        raise Refused(INT, what, "redirfilter", line_of(filter_))
    for vsock in devices.vsocks[1:]:
        raise _refuse(vsock, "only a single vsock device is supported", XML)
    for tpm in [one for one in devices.tpms if one.model != "spapr-tpm-proxy"][1:]:
        raise _refuse(tpm, "only a single TPM non-proxy device is supported")
    for pstore in devices.pstores[1:]:
        raise _refuse(pstore, "only a single pstore device is supported", XML)
    for pstore in devices.pstores:
        if context.arch == "s390x":
            raise _refuse(pstore, "acpi-erst backend of pstore device is not supported")


def _check_balloons(balloons: Iterable[Device]) -> None:
    for balloon in balloons:
        if balloon.model == "xen":
            raise _refuse(balloon, "Memory balloon device type 'xen' is not supported by this version of qemu")


def _check_shmems(context: Ground, shmems: Iterable[Device]) -> None:
    for shmem in shmems:
        size = _bytes(shmem.children.get("size"))
        if size is not None and "shmem-sizes" in context.behaves and size and (size < MIB or size & (size - 1)):
            raise _refuse(shmem, "shmem size must be a power of 2 and at least 1 MiB (1024 KiB)", XML)
        if shmem.model in (None, "ivshmem"):
            raise _refuse(shmem, "ivshmem device is not supported with this QEMU binary")


def _check_hostdevs(hostdevs: Iterable[Device]) -> None:
    for hostdev in hostdevs:
        boot = hostdev.children.get("boot")
        if boot is not None and hostdev.model == "vfio-ap":
            raise _refuse(
                hostdev, "booting from assigned devices is not supported by mediated devices of model vfio-ap"
            )


def _below(context: Context, tag: str) -> list[Element]:
    """The elements of a name that is not a device with an address."""
    if tag not in context.names:
        return []
    return [element for holder in context.root.iterchildren("devices") for element in holder.iterchildren(tag)]


def _check_sounds(context: Context, draft: Draft) -> None:
    known: set[str | None] = set()
    for element in _below(context, "audio"):
        if element.get("id") in known:
            raise Refused(XML, f"audio ID {element.get('id')} is used multiple times", "audio", line_of(element))
        known.add(element.get("id"))
    last = ["vnc", *(one.model for one in draft.devices.graphics if one.model in ("vnc", "spice", "sdl"))][-1]
    silent = bool(draft.devices.graphics) and not any(
        one.model in ("vnc", "spice", "sdl") for one in draft.devices.graphics
    )
    if not known and last != "sdl" and not silent:
        known.add("1")  # the one that libvirt adds
    for sound in draft.devices.sounds:
        if sound.model == "ich7":
            raise _refuse(sound, "sound card model 'ich7' is not supported by qemu")
        audio = sound.children.get("audio")
        if audio is not None and audio.get("id") not in known:
            raise _refuse(sound, f"no audio device with ID {audio.get('id')}", XML)


_CHECKS: tuple[tuple[str, bool, Callable[[Context, Draft], None]], ...] = (
    ("filesystems", False, _check_filesystems),
    ("nics", False, _check_nics),
    ("graphics", True, _check_graphics),
    ("videos", True, _check_videos),
    ("panics", True, _check_panics),
    ("watchdogs", True, _check_watchdogs),
    ("iommus", False, _check_iommus),
    ("memories", True, _check_memories),
)
"""The checks of each list of devices, in libvirt's order, and whether a single one can be checked alone.

An empty list needs no check, nor does a single device that can be checked alone and was.
"""
