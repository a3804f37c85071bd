"""Refusals about everything that is neither controller nor disk."""

from __future__ import annotations

from collections.abc import Callable

from virtkit import facts
from virtkit.domain.address import IsaAddress
from virtkit.domain.devices import Device
from virtkit.errors import Refused
from virtkit.setting import Setting

__all__ = ["check_devices"]

CFG = "unsupported configuration"
XML = "XML error"
INT = "internal error"

_X86 = frozenset({"i686", "x86_64"})
_ARM_VIRT = frozenset({"aarch64-virt", "armv7l-virt"})
_TRANSITIONAL = frozenset({"virtio-transitional", "virtio-non-transitional"})
_CCW_LINE = frozenset({"pci", "ccw"})


def _refuse(device: Device, what: str, category: str = CFG) -> Refused:
    return Refused(category, what, device.label, device.line)


def check_devices(setting: Setting) -> None:
    """Refuse what a device cannot be. Raises Refused."""
    for check in _CHECKS:
        check(setting)


def _check_inputs(setting: Setting) -> None:
    for device in setting.devices.inputs:
        if device.bus == "ps2":
            if setting.arch not in _X86:
                raise _refuse(device, "ps2 is not supported by this QEMU binary")
            ps2 = setting.root.find("features/ps2")
            off = ps2 is not None and ps2.get("state") == "off"
            if off and "ps2-feature" in setting.behaves:
                raise _refuse(device, "ps2 bus inputs require the ps2 feature not to be disabled")
        if device.model is not None:
            if device.bus != "virtio":
                raise _refuse(device, f"only bus 'virtio' is supported for input model '{device.model}'")
            if device.model in _TRANSITIONAL:
                raise _refuse(
                    device,
                    f"virtio (non-)transitional models are not supported for input type={device.type}",
                )


def _check_filesystems(setting: Setting) -> None:
    for filesystem in setting.devices.filesystems:
        driver = filesystem.driver
        if driver == "virtiofs":
            if filesystem.model is not None:
                raise _refuse(filesystem, "virtiofs does not support model")
            if not _shares_memory(setting):
                raise _refuse(filesystem, "'virtiofs' requires shared memory")
        elif driver in ("loop", "nbd", "ploop") or (driver == "handle" and "no-9p-handle" in setting.behaves):
            raise _refuse(filesystem, "Filesystem driver type not supported")


def _shares_memory(setting: Setting) -> bool:
    """Whether guest memory can be shared with a process of the host."""
    root = setting.root
    default = root.find("memoryBacking/access")
    shared = default is not None and default.get("mode") == "shared"
    cells = root.findall("cpu/numa/cell")
    if cells:
        return all((cell.get("memAccess") or ("shared" if shared else "private")) == "shared" for cell in cells)
    return shared


def _check_hostdevs(setting: Setting) -> None:
    allowed = {"vfio-pci": ("pci", "unassigned"), "vfio-ccw": ("ccw",), "vfio-ap": ()}
    for hostdev in setting.devices.hostdevs:
        address = hostdev.address
        if hostdev.type == "mdev":
            if address is not None and address.type not in allowed.get(hostdev.model or "", (address.type,)):
                raise _refuse(
                    hostdev,
                    f"Unsupported address type '{address.type}' with mediated device model '{hostdev.model}'",
                    XML,
                )
            boot = None if hostdev.element is None else hostdev.element.find("boot")
            if boot is not None and hostdev.model == "vfio-ap":
                raise _refuse(
                    hostdev, "booting from assigned devices is not supported by mediated devices of model vfio-ap"
                )
        elif hostdev.type == "scsi_host" and address is not None and address.type not in _CCW_LINE:
            raise _refuse(hostdev, "SCSI_host host device must use 'pci' or 'ccw' address type")
        elif hostdev.type == "pci" and address is not None and address.type not in ("pci", "unassigned"):
            raise _refuse(hostdev, "PCI host devices must use 'pci' or 'unassigned' address type", XML)
        elif hostdev.type == "scsi" and address is not None and address.type != "drive":
            raise _refuse(hostdev, "SCSI host devices must have address type 'drive'", XML)


def _check_videos(setting: Setting) -> None:
    videos = setting.devices.videos
    for place, video in enumerate(videos):
        model = video.model or ""
        if model == "none":
            if len(videos) > 1:
                raise _refuse(video, "a '<model type='none'/>' video must be the only video device")
            continue
        if model in ("xen", "vbox", "parallels", "gop") or not setting.has_model("video", model):
            raise _refuse(video, f"domain configuration does not support video model '{model}'")
        if place and model in ("vga", "cirrus", "bochs", "ramfb"):
            raise _refuse(video, f"video type '{model}' is only valid as primary video device")
        if model == "ramfb" and video.address is not None:
            raise _refuse(video, "address not supported for video type ramfb")
        frontend = video.frontend or ""
        if model == "virtio" and "video-frontend" in setting.behaves and frontend:
            if place and "vga" in frontend:
                raise _refuse(video, f"video device '{frontend}' can be only used as primary video device")
            if frontend.endswith("-gl") and not video.accelerated:
                raise _refuse(video, f"video device '{frontend}' needs 3D acceleration to be on")


def _check_chardevs(setting: Setting) -> None:
    machine_serial = {
        "isa-serial": setting.arch in _X86,
        "spapr-vio-serial": setting.family.name == "pseries",
        "system-serial": setting.family.serial == "system-serial",
        "sclp-serial": setting.arch == "s390x",
        "isa-debug": setting.arch in _X86,
    }
    for serial in setting.devices.serials:
        if serial.target is not None and not machine_serial.get(serial.target, True):
            raise _refuse(
                serial,
                f"Serial device with target type '{serial.target}' and target model '{serial.target_model}' "
                "not compatible with guest architecture or machine type",
            )
    for parallel in setting.devices.parallels:
        if setting.arch not in _X86:
            raise _refuse(parallel, "parallel ports are not supported")


def _check_panics(setting: Setting) -> None:
    seen: set[str | None] = set()
    for panic in setting.devices.panics:
        model = panic.model
        if model in seen:
            raise _refuse(panic, f"Multiple panic devices with model '{model}'", XML)
        seen.add(model)
        if model == "isa" and setting.arch not in _X86:
            raise _refuse(panic, "the QEMU binary does not support the ISA panic device")
        if model == "pvpanic" and setting.arch == "s390x":
            raise _refuse(panic, "the QEMU binary does not support the PCI pvpanic device")
        if model == "s390" and setting.arch != "s390x":
            raise _refuse(panic, "only S390 guests support panic device of model 's390'")
        if model == "pseries" and setting.family.name != "pseries":
            raise _refuse(panic, "only pSeries guests support panic device of model 'pseries'")
        if model == "hyperv" and setting.arch not in _X86:
            raise _refuse(panic, "only i686 and x86_64 guests support panic device of model 'hyperv'")
        if panic.address is not None:
            if model in ("pseries", "hyperv", "s390"):
                raise _refuse(panic, f"setting the panic device address is not supported for model '{model}'")
            if model == "isa" and not isinstance(panic.address, IsaAddress):
                raise _refuse(panic, "panic is supported only with ISA address type")


def _check_watchdogs(setting: Setting) -> None:
    watchdogs = setting.devices.watchdogs
    written = [watchdog for watchdog in watchdogs if not watchdog.added]
    if len(written) > 1 and "several-watchdogs" not in setting.behaves:
        raise _refuse(written[1], "only a single watchdog device is supported", INT)
    seen: set[str | None] = set()
    actions = set()
    for watchdog in watchdogs:
        model = watchdog.model
        if watchdog.element is not None:
            actions.add(watchdog.element.get("action") or "reset")
        if model in seen and model != "i6300esb":
            raise _refuse(watchdog, f"domain can only have one watchdog with model '{model}'")
        seen.add(model)
        if model == "itco" and setting.family.chipset != "q35":
            raise _refuse(watchdog, "itco model of watchdog is only part of q35 machine")
        if model == "ib700" and setting.family.name not in ("i440fx", "isapc"):
            if "several-watchdogs" in setting.behaves or setting.arch not in _X86:
                raise _refuse(watchdog, "ib700 model of watchdog cannot be used with this machine type")
        if model == "diag288" and setting.arch != "s390x":
            raise _refuse(watchdog, "diag288 model of watchdog is only supported on s390x")
        if model in ("i6300esb", "ib700", "diag288") and not setting.has_model("watchdog", model or ""):
            raise _refuse(watchdog, f"watchdog model '{model}' is not supported by this QEMU")
        if model == "i6300esb" and watchdog.address is not None and watchdog.address.type != "pci":
            raise _refuse(watchdog, "i6300esb watchdog must use 'pci' address type")
    if len(actions) > 1:
        raise _refuse(watchdogs[-1], "watchdogs with different actions are not supported with this QEMU binary")


def _check_iommus(setting: Setting) -> None:
    iommus = setting.devices.iommus
    if len(iommus) > 1 and "several-iommus" not in setting.behaves:
        raise _refuse(iommus[1], "only a single IOMMU device is supported", INT)
    family = setting.family
    for iommu in iommus:
        model = iommu.model or ""
        if model in ("intel", "amd") and family.chipset != "q35":
            raise _refuse(iommu, f"IOMMU device: '{model}' is only supported with Q35 machines")
        if model == "smmuv3" and family.name not in _ARM_VIRT:
            raise _refuse(iommu, f"IOMMU device: '{model}' is only supported with ARM Virt machines")
        if model == "virtio":
            if family.chipset != "q35" and family.name not in _ARM_VIRT:
                raise _refuse(iommu, "IOMMU device: 'virtio' is only supported with Q35 and ARM Virt machines")
            if setting.root.find("features/acpi") is None:
                raise _refuse(iommu, "IOMMU device: 'virtio' requires ACPI")
        if model in ("intel", "smmuv3") and iommu.address is not None:
            raise _refuse(iommu, f"iommu model '{model}' can't have address", XML)


def _check_memories(setting: Setting) -> None:
    for memory in setting.devices.memories:
        address, model = memory.address, memory.model
        if address is None:
            continue
        if model == "virtio-pmem" and address.type != "pci":
            raise _refuse(memory, "only 'pci' addresses are supported for the virtio-pmem device")
        if model == "virtio-mem":
            forms = ("pci", "ccw") if "ccw-virtio-mem" in setting.behaves else ("pci",)
            if address.type not in forms:
                names = " and ".join(f"'{form}'" for form in forms)
                raise _refuse(memory, f"only {names} addresses are supported for the virtio-mem device")
        if model in ("dimm", "nvdimm") and address.type != "dimm":
            raise _refuse(memory, "only 'dimm' addresses are supported for the pc-dimm device")
        if model == "virtio-mem" and not _has_any(setting, "virtio-mem-pci", "virtio-mem-ccw"):
            raise _refuse(memory, "virtio-mem isn't supported by this QEMU binary")
        if model == "virtio-pmem" and not _has_any(setting, "virtio-pmem-pci"):
            raise _refuse(memory, "virtio-pmem isn't supported by this QEMU binary")


def _has_any(setting: Setting, *drivers: str) -> bool:
    return any(setting.emulator.has(driver) is not False for driver in drivers)


def _check_features(setting: Setting) -> None:
    features = setting.root.find("features")
    if features is None:
        return
    for row in facts.table("libvirt/machine-features.csv"):
        found = features.find(row["feature"])
        if found is not None and setting.family.name not in row["families"].split():
            what = row["refusal"].format(arch=setting.arch, machine=setting.machine)
            raise Refused(CFG, what, f"feature {row['feature']}", found.sourceline)


def _check_others(setting: Setting) -> None:
    devices = setting.devices
    for nvram in devices.nvrams:
        if setting.arch not in ("ppc64", "ppc64le"):
            raise _refuse(nvram, "nvram device is only supported for PPC64")
    for vsock in devices.vsocks[1:]:
        raise _refuse(vsock, "only a single vsock device is supported", XML)
    for balloon in devices.memballoons:
        if balloon.model == "xen" and balloon.address is None:
            raise _refuse(balloon, "Cannot automatically add a new PCI bus for a device with connect flags 00", INT)
    for pstore in devices.pstores:
        if setting.arch == "s390x":
            raise _refuse(pstore, "acpi-erst backend of pstore device is not supported")
    for shmem in devices.shmems:
        if shmem.model in (None, "ivshmem"):
            raise _refuse(shmem, "ivshmem device is not supported with this QEMU binary")
    for interface in devices.interfaces:
        if interface.type == "vhostuser" and not (interface.model or "").startswith("virtio"):
            raise _refuse(interface, "Wrong or no <model> 'type' attribute specified with <interface type='vhostuser'/>")
    for device in devices.in_order():
        if device.address is not None and device.address.type == "ccw" and not setting.family.ccw:
            if device.kind in ("disk", "interface", "hostdev", "controller", "memballoon", "rng", "filesystem", "vsock", "input", "video"):
                raise _refuse(
                    device,
                    f"cannot use CCW address type for device '<null>' using machine type '{setting.machine}'",
                )


_CHECKS: tuple[Callable[[Setting], None], ...] = (
    _check_inputs,
    _check_filesystems,
    _check_hostdevs,
    _check_videos,
    _check_chardevs,
    _check_panics,
    _check_watchdogs,
    _check_iommus,
    _check_memories,
    _check_features,
    _check_others,
)
