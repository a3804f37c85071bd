"""From a filled-in spec to the domain that KubeVirt hands to libvirt before it reserves ports for hotplug.

What does not concern devices and their places is left out: CPU model, hotplug of CPUs and memory, SMBIOS, kernel
arguments, credentials. Source: KubeVirt 1.9.0-rc.2, pkg/virt-launcher/virtwrap/converter.
"""

from __future__ import annotations

import re

from lxml.etree import SubElement

from virtkit.readers.kubevirt.building import Building, add_iommu, alias
from virtkit.readers.kubevirt.controllers import add_controllers
from virtkit.readers.kubevirt.disks import add_disks, add_filesystems, add_iothreads
from virtkit.readers.kubevirt.documents import Mapping
from virtkit.readers.kubevirt.instance import Instance
from virtkit.readers.kubevirt.nics import add_nics, sriov

__all__ = ["convert"]

_UUID = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def convert(instance: Instance) -> Building:
    """The domain of an instance, each device with the line of its field."""
    building = Building()
    _add_head(building, instance)
    building.root.append(building.devices)
    building.lines[building.root] = building.lines[building.devices] = instance.line
    add_nics(building, instance)
    _add_channels(building, instance)
    _add_host_devices(building, instance)
    for one in instance.devices.items_of("panicDevices"):
        building.device("panic", one.line, {"model": one.text("model")} if one.text("model") else None)
    add_controllers(building, instance)
    _add_graphics(building, instance)
    _add_balloon(building, instance)
    add_disks(building, instance)
    _add_inputs(building, instance)
    _add_console(building, instance)
    _add_watchdog(building, instance)
    _add_rng(building, instance)
    add_filesystems(building, instance)
    _add_small(building, instance)
    return building


def _add_head(building: Building, instance: Instance) -> None:
    building.child("name", f"{instance.namespace}_{instance.name}")
    # KubeVirt writes it into the SMBIOS data, from where libvirt takes it.
    uuid = instance.domain.child("firmware").text("uuid")
    if _UUID.fullmatch(uuid):
        building.child("uuid", uuid)
    if instance.memory:
        building.child("memory", str(instance.memory), {"unit": "b"})
    building.child("vcpu", str(instance.cpus), {"placement": "static"})
    add_iothreads(building, instance)
    if _shares_memory(instance):
        backing = building.child("memoryBacking")
        if instance.arch.memfd:
            SubElement(backing, "source", {"type": "memfd"})
        SubElement(backing, "access", {"mode": "shared"})
    os = building.child("os")
    SubElement(os, "type", {"arch": instance.arch.libvirt, "machine": instance.machine}).text = "hvm"
    if instance.uefi and instance.arch.loader:
        efi = instance.domain.child("firmware").child("bootloader").child("efi")
        secure = efi.get("secureBoot") is not False and not instance.arch.uefi
        loader = {"readonly": "yes", "secure": "yes" if secure else "no", "type": "pflash"}
        path = instance.arch.loader.replace(".fd", ".secboot.fd") if secure else instance.arch.loader
        SubElement(os, "loader", loader).text = path
    _add_features(building, instance)


def _add_features(building: Building, instance: Instance) -> None:
    """Add the features that libvirt's checks of firmware look at."""
    features = instance.domain.child("features")
    acpi = features.child("acpi").get("enabled")
    holder = building.child("features")
    if acpi is True or (acpi is None and instance.arch.acpi):
        SubElement(holder, "acpi")
    if isinstance(features.get("smm"), Mapping) and features.child("smm").get("enabled") is not False:
        SubElement(holder, "smm")


def _shares_memory(instance: Instance) -> bool:
    """Whether virtiofs or passt has access to the memory of the guest."""
    devices = instance.devices
    return any(isinstance(one.get("virtiofs"), Mapping) for one in devices.items_of("filesystems")) or any(
        isinstance(one.get("passtBinding"), Mapping) for one in devices.items_of("interfaces")
    )


def _add_channels(building: Building, instance: Instance) -> None:
    devices = instance.devices
    names = [("org.qemu.guest_agent.0", devices.line)]
    if isinstance(devices.get("downwardMetrics"), Mapping):
        names.append(("org.github.vhostmd.1", devices.line_of("downwardMetrics")))
    for name, line in names:
        element = building.device("channel", line, {"type": "unix"})
        SubElement(element, "target", {"type": "virtio", "name": name})


def _add_host_devices(building: Building, instance: Instance) -> None:
    """Add host devices, GPUs and SR-IOV interfaces; which device of the host it is, the YAML does not say."""
    groups = (
        ("hostdevice-", instance.devices.items_of("hostDevices")),
        ("gpu-", instance.devices.items_of("gpus")),
        ("sriov-", sriov(instance)),
    )
    number = 0
    for prefix, group in groups:
        for one in group:
            mediated = isinstance(one.get("virtualGPUOptions"), Mapping)
            attributes = {"type": "mdev" if mediated else "pci", "managed": "no"}
            if mediated:
                attributes |= {"mode": "subsystem", "model": "vfio-pci"}
            element = building.device("hostdev", one.line, attributes)
            source = SubElement(element, "source")
            if mediated:
                SubElement(source, "address", {"uuid": f"00000000-0000-0000-0000-{number:012x}"})
            else:
                place = {"domain": "0x0000", "bus": f"0x{0x81 + number:02x}", "slot": "0x00", "function": "0x0"}
                SubElement(source, "address", place)
            if one.get("bootOrder"):
                SubElement(element, "boot", {"order": one.text("bootOrder")})
            alias(element, f"{prefix}{one.text('name')}")
            number += 1


def _add_graphics(building: Building, instance: Instance) -> None:
    devices = instance.devices
    if devices.get("autoattachGraphicsDevice") is False:
        return
    line = devices.line_of("video")
    own = instance.arch.efi_video if instance.uefi else instance.arch.video
    model = devices.child("video").text("type") or own
    video = building.device("video", line)
    SubElement(video, "model", {"type": model, "heads": "1"})
    graphics = building.device("graphics", devices.line_of("autoattachGraphicsDevice"), {"type": "vnc"})
    SubElement(graphics, "listen", {"type": "socket", "socket": "/var/run/kubevirt-private/virt-vnc"})


def _add_balloon(building: Building, instance: Instance) -> None:
    absent = instance.devices.get("autoattachMemBalloon") is False
    line = instance.devices.line_of("autoattachMemBalloon")
    element = building.device("memballoon", line, {"model": "none" if absent else instance.virtio})
    if not absent:
        element.set("freePageReporting", "on")
        SubElement(element, "stats", {"period": "10"})
        add_iommu(element, instance)


def _add_inputs(building: Building, instance: Instance) -> None:
    inputs = instance.devices.items_of("inputs")
    for one in inputs:
        attributes = {"type": one.text("type"), "bus": one.text("bus")}
        if attributes["bus"] == "virtio":
            attributes["model"] = "virtio"
        alias(building.device("input", one.line, attributes), one.text("name"))
    if instance.devices.get("autoattachGraphicsDevice") is False:
        return
    tablet = any(one.text("type") == "tablet" for one in inputs)
    for kind, bus in instance.arch.inputs:
        if kind != "tablet" or not tablet:
            building.device("input", instance.devices.line, {"type": kind, "bus": bus})


def _add_console(building: Building, instance: Instance) -> None:
    if instance.devices.get("autoattachSerialConsole") is False:
        return
    line = instance.devices.line_of("autoattachSerialConsole")
    serial = building.device("serial", line, {"type": "unix"})
    SubElement(serial, "source", {"mode": "bind", "path": "/var/run/kubevirt-private/virt-serial0"})
    SubElement(serial, "target", {"port": "0"})
    console = building.device("console", line, {"type": "pty"})
    SubElement(console, "target", {"type": "serial", "port": "0"})


def _add_watchdog(building: Building, instance: Instance) -> None:
    watchdog = instance.devices.get("watchdog")
    if not isinstance(watchdog, Mapping) or not instance.arch.watchdog:
        return
    action = watchdog.child(instance.arch.watchdog).text("action") or "reset"
    attributes = {"model": instance.arch.watchdog, "action": action}
    alias(building.device("watchdog", watchdog.line, attributes), watchdog.text("name"))


def _add_rng(building: Building, instance: Instance) -> None:
    if isinstance(instance.devices.get("rng"), Mapping):
        element = building.device("rng", instance.devices.line_of("rng"), {"model": instance.virtio})
        SubElement(element, "backend", {"model": "random"}).text = "/dev/urandom"
        add_iommu(element, instance)


def _add_small(building: Building, instance: Instance) -> None:
    """Add USB redirection, sound, TPM and vsock."""
    devices = instance.devices
    if isinstance(devices.get("clientPassthrough"), Mapping):
        for number in range(4):
            line = devices.line_of("clientPassthrough")
            element = building.device("redirdev", line, {"type": "unix", "bus": "usb"})
            path = f"/var/run/kubevirt-private/virt-usbredir-{number}"
            SubElement(element, "source", {"mode": "bind", "path": path})
    if isinstance(devices.get("sound"), Mapping):
        model = devices.child("sound").text("model") or "ich9"
        alias(building.device("sound", devices.line_of("sound"), {"model": model}), devices.child("sound").text("name"))
    if isinstance(devices.get("tpm"), Mapping) and devices.child("tpm").get("enabled") is not False:
        kept = devices.child("tpm").get("persistent") is True
        element = building.device("tpm", devices.line_of("tpm"), {"model": "tpm-crb" if kept else "tpm-tis"})
        backend = SubElement(element, "backend", {"type": "emulator", "version": "2.0"})
        if kept:
            backend.set("persistent_state", "yes")
    if devices.get("autoattachVSOCK") is True:
        # The cluster chooses the CID when the instance starts.
        model = "virtio" if instance.arch.name == "s390x" else "virtio-non-transitional"
        element = building.device("vsock", devices.line_of("autoattachVSOCK"), {"model": model})
        SubElement(element, "cid", {"auto": "yes"})
