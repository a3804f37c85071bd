"""Small hand-made topologies."""

from __future__ import annotations

from virtkit.topology.model import Bus, Headroom, Node, Topology

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script> & $x^2$ \u202e 漢字'


def node(
    ident: str,
    kind: str,
    driver: str,
    address: str,
    *,
    title: str = "",
    placed: str = "allocated",
    added: bool = False,
    interface: str | None = None,
    bus: Bus | None = None,
) -> Node:
    slot, _, function = address.rpartition(":")[2].partition(".") if ":" in address else ("0", "", "0")
    return Node(
        id=ident,
        kind=kind,
        title=title or ident,
        driver=driver,
        address=address,
        slot=int(slot, 16),
        function=int(function or "0", 16),
        placed=placed,
        added=added,
        interface=interface,
        line=10,
        reason="the next free slot that fits",
        bus=bus,
    )


def port(index: int, address: str, *nodes: Node, added: bool = True) -> Node:
    """A root port with its devices."""
    free = 0 if nodes else 1
    inner = Bus(index, "pcie-root-port", "PCI Express", 0, 0, True, free, nodes)
    return node(f"pci.{index}", "pci", "pcie-root-port", address, added=added, bus=inner)


def q35(disks: int = 1, empty: int = 3, name: str = "web") -> Topology:
    """A q35 machine with some disks behind root ports, a PCIe-to-PCI bridge, and empty ports."""
    nodes: list[Node] = [node("video0", "video", "VGA", "0000:00:01.0", placed="user")]
    index = 1
    count = disks + 2 + empty
    for place in range(count):
        at = f"0000:00:{2 + place // 8:02x}.{place % 8}"
        if place < disks:
            inner = node(
                f"virtio-disk{place}",
                "disk",
                "virtio-blk-pci",
                f"0000:{index:02x}:00.0",
                title=f"disk vd{chr(97 + place % 26)}",
                interface="modern",
            )
            nodes.append(port(index, at, inner))
        elif place == disks:
            nodes.append(
                port(
                    index, at, node("net0", "interface", "virtio-net-pci", f"0000:{index:02x}:00.0", interface="modern")
                )
            )
        elif place == disks + 1:
            balloon = node(
                "balloon0", "memballoon", "virtio-balloon-pci-transitional", "0000:0a:01.0", interface="transitional"
            )
            bridge_bus = Bus(60, "pcie-to-pci-bridge", "conventional PCI", 1, 31, True, 30, (balloon,))
            bridge = node("pci.60", "pci", "pcie-pci-bridge", f"0000:{index:02x}:00.0", added=True, bus=bridge_bus)
            nodes.append(port(index, at, bridge))
        else:
            nodes.append(port(index, at))
        index += 1
    nodes.append(node("sata0", "controller", "ich9-ahci", "0000:00:1f.2", placed="fixed", added=True))
    root = Bus(0, "pcie-root", "PCI Express", 1, 31, False, 20, tuple(nodes))
    others = (
        node("input0", "input", "usb-tablet", "usb 0/1", title="tablet"),
        node("serial0", "serial", "isa-serial", "isa", title="serial port 0"),
    )
    headroom = (
        Headroom("PCI Express", empty, disks + 2, f"{empty} empty root ports"),
        Headroom("conventional PCI", 30, 1, "free slots of the PCIe-to-PCI bridge"),
    )
    return Topology(name, "pc-q35-9.2", "x86_64", (root,), others, headroom)


def ccw() -> Topology:
    """A machine without PCI."""
    others = tuple(
        node(f"virtio-disk{i}", "disk", "virtio-blk-ccw", f"fe.0.{i:04x}", title=f"disk vd{chr(97 + i)}")
        for i in range(3)
    )
    return Topology(
        "mainframe", "s390-ccw-virtio", "s390x", (), others, (Headroom("ccw", 65000, 3, "channel subsystem fe"),)
    )
