"""Virtual machines in YAML, for the tests of the reader."""

from __future__ import annotations

from textwrap import indent

from virtkit import resolve
from virtkit.domain.domain import Domain
from virtkit.readers.contract import FoundDomain, NotRead, ReaderOptions, Reading
from virtkit.readers.kubevirt import READER
from virtkit.resolved import Resolved

NET = "interfaces: [{name: default, masquerade: {}}]"
DISK = "disks: [{name: root, disk: {bus: virtio}}]"


def instance(
    devices: str = f"{DISK}\n{NET}",
    *,
    name: str = "vm",
    memory: str = "1Gi",
    domain: str = "",
    spec: str = "",
    annotations: str = "",
) -> str:
    """A VirtualMachineInstance with a disk and a NIC, or with other devices."""
    lines = [
        "apiVersion: kubevirt.io/v1",
        "kind: VirtualMachineInstance",
        "metadata:",
        f"  name: {name}",
        *([f"  annotations: {{{annotations}}}"] if annotations else []),
        "spec:",
        *([indent(spec, "  ")] if spec else []),
        "  domain:",
        *([f"    memory: {{guest: {memory}}}"] if memory else []),
        *([indent(domain, "    ")] if domain else []),
        "    devices:",
        indent(devices, "      ") if devices else "      {}",
    ]
    if "interfaces:" in devices and "networks:" not in spec:
        lines.append("  networks: [{name: default, pod: {}}]")
    if "name: root" in devices and "volumes:" not in spec:
        lines.append("  volumes: [{name: root, containerDisk: {image: 'registry.example/os:1'}}]")
    return "\n".join(lines) + "\n"


def machine(devices: str, *, domain: str = "", vm: str = "", volumes: str = "") -> str:
    """A VirtualMachine."""
    lines = [
        "apiVersion: kubevirt.io/v1",
        "kind: VirtualMachine",
        "metadata: {name: vm}",
        "spec:",
        *([indent(vm, "  ")] if vm else []),
        "  template:",
        "    spec:",
        "      domain:",
        *([indent(domain, "        ")] if domain else []),
        "        devices:",
        indent(devices, "          "),
        volumes or "      volumes: [{name: root, containerDisk: {image: 'registry.example/os:1'}}]",
    ]
    return "\n".join(lines) + "\n"


def parts(text: str | bytes, **options: str) -> list[Reading]:
    """What the reader gives for a text."""
    data = text.encode() if isinstance(text, str) else text
    return list(READER.read(data, "in.yaml", ReaderOptions(options)))


def found(text: str, **options: str) -> FoundDomain:
    """The one domain of a text."""
    [one] = [part for part in parts(text, **options) if isinstance(part, FoundDomain)]
    return one


def problem(text: str | bytes, **options: str) -> str:
    """The one error of a text."""
    [one] = [part for part in parts(text, **options) if isinstance(part, NotRead)]
    return str(one.error)


def resolved(text: str, **options: str) -> Resolved:
    """The one domain of a text, resolved."""
    return resolve(Domain(found(text, **options).document))


def places(text: str, **options: str) -> dict[str, str]:
    """The PCI bus of each device of the resolved domain, by its label, without those on bus 0."""
    result = {}
    for device in resolved(text, **options).devices:
        address = str(device.address)
        if device.form == "pci" and not address.startswith("0000:00:"):
            result[device.label.partition(" (")[0]] = address[5:7]
    return result


def ports(text: str, **options: str) -> int:
    """The number of root ports of the resolved domain."""
    return sum(one.model == "pcie-root-port" for one in resolved(text, **options).devices)
