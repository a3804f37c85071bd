"""Instance types and preferences, applied to the spec of a virtual machine as its controller does.

Source: KubeVirt 1.9.0-rc.2, pkg/instancetype/apply and pkg/instancetype/preference/apply.
"""

from __future__ import annotations

from collections.abc import Iterable

from virtkit.errors import InputError
from virtkit.readers.kubevirt.defaults import devices_of
from virtkit.readers.kubevirt.documents import Mapping
from virtkit.readers.kubevirt.objects import Machine, Profile

__all__ = ["Profiles", "apply_autoattach", "apply_instancetype", "apply_preference", "check_conflicts"]


class Profiles:
    """The instance types and preferences of an input."""

    def __init__(self, found: Iterable[Profile] = ()) -> None:
        self._found = {(one.kind.lower(), one.namespace, one.name): one for one in found}

    def of(self, machine: Machine, field: str, file: str) -> Profile | None:
        """The one that a machine names in ``field``, "instancetype" or "preference"; None where it names none.

        Raises InputError when the input does not have it.
        """
        matcher = None if machine.vm is None else machine.vm.get(field)
        if not isinstance(matcher, Mapping):
            return None
        name, line = matcher.text("name"), matcher.line
        kind = (matcher.text("kind") or f"VirtualMachineCluster{field}").lower()
        if not name:
            where = f"{machine.kind} {machine.name}: spec.{field}"
            raise InputError(f"{where} has no name; inferring it from a volume needs the cluster", file, line)
        for namespace in ("",) if "cluster" in kind else (machine.namespace, ""):
            found = self._found.get((kind, namespace, name))
            if found is not None:
                return found
        what = "instance type" if field == "instancetype" else field
        remedy = f"add what kubectl get {kind} {name[:80]} -o yaml prints to the file"
        text = f"{machine.kind} {machine.name}: the {what} {name[:80]!r} is not in this input; {remedy}"
        raise InputError(text, file, line)


def apply_instancetype(machine: Machine, found: Profile, preference: Profile | None, file: str) -> None:
    """Set CPUs, memory, host devices and I/O threads from an instance type. Raises InputError for a conflict."""
    spec, domain = found.spec, machine.spec.child("domain")
    check_conflicts(machine, file, spec)
    machine.spec.put("domain", domain)
    memory = domain.child("memory")
    memory.put("guest", spec.child("memory").get("guest"))
    domain.put("memory", memory)
    cpu = domain.child("cpu")
    for key, number in _topology(spec.child("cpu").get("guest"), preference).items():
        cpu.put(key, number)
    domain.put("cpu", cpu)
    devices = devices_of(machine.spec)
    for key in ("gpus", "hostDevices"):
        if spec.get(key):
            devices.put(key, spec[key])
    for key in ("ioThreadsPolicy", "ioThreads"):
        if spec.get(key) is not None:
            domain.put(key, spec[key])


def check_conflicts(machine: Machine, file: str, profile: Mapping | None = None) -> None:
    """Refuse a machine that sets what its instance type sets: KubeVirt never starts it. Raises InputError.

    Without ``profile``, only the fields are looked at that every instance type sets.
    """
    matcher = None if machine.vm is None else machine.vm.get("instancetype")
    if not isinstance(matcher, Mapping):
        return
    for path in _conflicts(machine.spec, profile or Mapping(0)):
        *keys, last = path.split(".")
        holder = machine.spec
        for key in keys:
            holder = holder.child(key)
        text = f"{machine.path}.{path} conflicts with the instance type {matcher.text('name')[:80]!r}"
        raise InputError(f"{text}, so KubeVirt never starts it; remove one of them", file, holder.line_of(last))


def _conflicts(spec: Mapping, profile: Mapping) -> list[str]:
    """The fields of a machine that its instance type sets as well."""
    domain = spec.child("domain")
    memory, cpu, devices, resources = (domain.child(key) for key in ("memory", "cpu", "devices", "resources"))
    found = [f"domain.cpu.{key}" for key in ("sockets", "cores", "threads") if cpu.get(key)]
    if memory.get("guest") is not None:
        found.append("domain.memory.guest")
    for kind in ("requests", "limits"):
        found += [f"domain.resources.{kind}.{key}" for key in ("cpu", "memory") if key in resources.child(kind)]
    found += [f"domain.devices.{key}" for key in ("gpus", "hostDevices") if profile.get(key) and devices.get(key)]
    found += [f"domain.{key}" for key in ("ioThreadsPolicy",) if profile.get(key) and domain.get(key)]
    return found


def _topology(guest: object, preference: Profile | None) -> dict[str, int]:
    """Sockets, cores and threads for a number of virtual CPUs."""
    count = guest if isinstance(guest, int) else 1
    found = {"sockets": 1, "cores": 1, "threads": 1}
    cpu = Mapping(0) if preference is None else preference.spec.child("cpu")
    wanted = (cpu.text("preferredCPUTopology") or "sockets").removeprefix("prefer").lower()
    if count == 1:
        return found
    if wanted != "spread":
        found[wanted if wanted in found else "sockets"] = count
        return found
    options = cpu.child("spreadOptions")
    older = preference.spec.get("preferSpreadSocketToCoreRatio") if preference is not None else None
    ratio = next((one for one in (options.get("ratio"), older) if isinstance(one, int) and one > 0), 2)
    across = options.text("across") or "SocketsCores"
    if across == "CoresThreads":
        found.update(threads=ratio, cores=count // ratio)
    elif across == "SocketsCoresThreads":
        found.update(threads=2, cores=ratio, sockets=count // 2 // ratio)
    else:
        found.update(cores=ratio, sockets=count // ratio)
    return found


#: The fields of a preference that fill an unset field of the devices.
_FILLS = {
    "preferredUseVirtioTransitional": "useVirtioTransitional",
    "preferredBlockMultiQueue": "blockMultiQueue",
    "preferredNetworkInterfaceMultiQueue": "networkInterfaceMultiqueue",
    "preferredRng": "rng",
    "preferredTPM": "tpm",
}
_AUTOATTACH = ("GraphicsDevice", "MemBalloon", "PodInterface", "SerialConsole", "InputDevice")
_BUSES = {"disk": "preferredDiskBus", "cdrom": "preferredCdromBus", "lun": "preferredLunBus"}


def apply_autoattach(spec: Mapping, preference: Profile) -> None:
    """Fill the unset autoattach fields of a spec, which comes before its network and input device are added."""
    wanted, devices = preference.spec.child("devices"), devices_of(spec)
    for name in _AUTOATTACH:
        value = wanted.get(f"preferredAutoattach{name}")
        if value is not None and devices.get(f"autoattach{name}") is None:
            devices.put(f"autoattach{name}", value)


def apply_preference(spec: Mapping, preference: Profile) -> None:
    """Fill what a spec leaves open; ``preferredDisableHotplug`` alone overrides."""
    wanted, devices = preference.spec.child("devices"), devices_of(spec)
    for source, target in _FILLS.items():
        if wanted.get(source) is not None and devices.get(target) is None:
            devices.put(target, wanted[source])
    if wanted.get("preferredDisableHotplug") is not None:
        devices.put("disableHotplug", wanted["preferredDisableHotplug"])
    _fill(devices.get("sound"), "model", wanted.text("preferredSoundModel"))
    if wanted.text("preferredVideoType"):
        video = devices.child("video")
        _fill(video, "type", wanted.text("preferredVideoType"))
        devices.put("video", video)
    apply_autoattach(spec, preference)
    _fill_disks(devices, wanted)
    for nic in devices.items_of("interfaces"):
        _fill(nic, "model", wanted.text("preferredInterfaceModel"))
    for one in devices.items_of("inputs"):
        _fill(one, "bus", wanted.text("preferredInputBus"))
        _fill(one, "type", wanted.text("preferredInputType"))
    _fill_panic(devices, wanted.text("preferredPanicDeviceModel"))
    _fill_domain(spec, preference.spec)


def _fill(value: object, key: str, wanted: str) -> None:
    if wanted and isinstance(value, Mapping) and not value.text(key):
        value.put(key, wanted)


def _fill_disks(devices: Mapping, wanted: Mapping) -> None:
    for disk in devices.items_of("disks"):
        kind = next((kind for kind in _BUSES if isinstance(disk.get(kind), Mapping)), "disk")
        target = disk.child(kind)
        _fill(target, "bus", wanted.text(_BUSES[kind]))
        disk.put(kind, target)
        dedicated = wanted.get("preferredDiskDedicatedIoThread")
        if dedicated is not None and kind == "disk" and target.text("bus") == "virtio":
            disk.put("dedicatedIOThread", disk.get("dedicatedIOThread", dedicated))


def _fill_panic(devices: Mapping, model: str) -> None:
    if not model:
        return
    found = devices.items_of("panicDevices")
    for one in found:
        _fill(one, "model", model)
    if not found:
        new = Mapping(devices.line)
        new.put("model", model)
        devices.put("panicDevices", [new])


def _fill_domain(spec: Mapping, wanted: Mapping) -> None:
    """Firmware, machine type and architecture."""
    domain, firmware = spec.child("domain"), wanted.child("firmware")
    loader = domain.child("firmware").child("bootloader")
    efi = firmware.get("preferredEfi")
    if efi is None and firmware.get("preferredUseEfi") is True:
        efi = Mapping(firmware.line)
    chosen = loader.get("efi") is not None or loader.get("bios") is not None or firmware.get("preferredUseBios") is True
    if efi is not None and not chosen:
        loader.put("efi", efi)
        inner = domain.child("firmware")
        inner.put("bootloader", loader)
        domain.put("firmware", inner)
    machine = domain.child("machine")
    _fill(machine, "type", wanted.child("machine").text("preferredMachineType"))
    domain.put("machine", machine)
    _fill(spec, "architecture", wanted.text("preferredArchitecture"))
