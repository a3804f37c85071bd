"""What KubeVirt's admission refuses of a filled-in spec, as far as it concerns devices and their places."""

from __future__ import annotations

from virtkit.readers.kubevirt.admission_network import check_networks
from virtkit.readers.kubevirt.admission_storage import check_storage
from virtkit.readers.kubevirt.architecture import Architecture
from virtkit.readers.kubevirt.checker import Checker
from virtkit.readers.kubevirt.documents import Mapping
from virtkit.readers.kubevirt.quantities import quantity

__all__ = ["check_spec"]


def check_spec(spec: Mapping, arch: Architecture, path: str, file: str) -> None:
    """Refuse what admission refuses. Raises InputError for the first problem.

    Source: KubeVirt 1.9.0-rc.2, pkg/storage/admitters, pkg/network/admitter and pkg/virt-api/webhooks.
    """
    checker = Checker(arch, path, file)
    domain = spec.child("domain")
    devices = domain.child("devices")
    check_storage(checker, spec, devices)
    check_networks(checker, spec, devices)
    for number, one in enumerate(devices.items_of("inputs")):
        checker.value(one, "bus", f"domain.devices.inputs[{number}].bus", "input.bus")
        checker.value(one, "type", f"domain.devices.inputs[{number}].type", "input.type")
    for number, one in enumerate(devices.items_of("panicDevices")):
        checker.value(one, "model", f"domain.devices.panicDevices[{number}].model", "panic.model")
    for field, key in (("sound", "model"), ("video", "type")):
        if isinstance(devices.get(field), Mapping):
            checker.value(devices.child(field), key, f"domain.devices.{field}.{key}", f"{field}.{key}")
    if isinstance(devices.get("video"), Mapping) and devices.get("autoattachGraphicsDevice") is False:
        what = "autoattachGraphicsDevice is false, so the machine has no video device; remove one of them"
        checker.refuse(devices, "video", "domain.devices.video", what)
    _check_watchdog(checker, devices)
    _check_domain(checker, domain)


def _check_watchdog(checker: Checker, devices: Mapping) -> None:
    watchdog = devices.get("watchdog")
    if not isinstance(watchdog, Mapping):
        return
    path, own = "domain.devices.watchdog", checker.arch.watchdog
    if not own:
        checker.refuse(devices, "watchdog", path, f"KubeVirt has no watchdog on {checker.arch.name}")
    for model in ("i6300esb", "diag288"):
        if model in watchdog and model != own:
            checker.refuse(watchdog, model, f"{path}.{model}", f"expected {own} on {checker.arch.name}")


def _check_domain(checker: Checker, domain: Mapping) -> None:
    """Memory, firmware and confidential computing."""
    memory = domain.child("memory")
    stated = quantity(memory.get("guest"))
    if stated is not None and stated <= 0:
        checker.refuse(memory, "guest", "domain.memory.guest", "expected a quantity above 0, such as 2Gi")
    loader = domain.child("firmware").child("bootloader")
    if loader.get("bios") is not None and loader.get("efi") is not None:
        checker.refuse(loader, "bios", "domain.firmware.bootloader", "expected one of bios and efi, got both")
    if isinstance(domain.get("launchSecurity"), Mapping) and checker.arch.name not in ("amd64", "s390x"):
        what = f"KubeVirt has none on {checker.arch.name}"
        checker.refuse(domain, "launchSecurity", "domain.launchSecurity", what)
