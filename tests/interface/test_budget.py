"""Port I/O windows and placement warnings of hand-made topologies."""

from __future__ import annotations

from dataclasses import replace

from virtkit import Domain, facts, read, resolve
from virtkit.topology.model import Bus, Node, Topology
from virtkit.topology.port_io import budget
from virtkit.topology.warnings import placement_warnings


def node(
    name: str, slot: int = 0, function: int = 0, interface: str | None = None, bus: Bus | None = None, driver: str = ""
) -> Node:
    """A device or bridge."""
    address = f"0000:00:{slot:02x}.{function}"
    return Node(
        id=name, kind="device", title=name, driver=driver, address=address, slot=slot, function=function,
        placed="user", added=False, interface=interface, line=None, reason="", bus=bus,
    )  # fmt: skip


def bus(model: str, *nodes: Node, chassis: int | None = None) -> Bus:
    """A bus with its devices."""
    return Bus(
        index=1, model=model, accepts="", first=0, last=31, hotplug=True, free=0, nodes=nodes, chassis=chassis
    )  # fmt: skip


def tree(*nodes: Node, machine: str = "pc-q35-9.0", root: str = "pcie-root") -> Topology:
    """A topology with one root bus."""
    return Topology("t", machine, "x86_64", (bus(root, *nodes),), (), (), "bios")


def port(name: str, *nodes: Node, slot: int = 1) -> Node:
    """A root port."""
    return node(name, slot, bus=bus("pcie-root-port", *nodes))


def transitional(name: str, slot: int = 0) -> Node:
    """A device with port I/O."""
    return node(name, slot, interface="transitional")


def domain(machine: str, devices: str, firmware: str = "", loader: str = "") -> Domain:
    """A domain of these devices."""
    kind = f"<os {firmware}><type arch='x86_64' machine='{machine}'>hvm</type>{loader}</os>"
    text = f"<domain type='kvm'><name>d</name><memory>1</memory>{kind}<features><acpi/></features>"
    text += f"<devices>{devices}</devices></domain>"
    return read(text.encode())


def ports(count: int, interface: str) -> Topology:
    """``count`` root ports with a device each."""
    return tree(*(port(f"pci.{number}", node(f"d{number}", interface=interface)) for number in range(count)))


def test_fourteen_windows_boot_and_fifteen_do_not() -> None:
    """The windows of each topology are those measured on q35 with SeaBIOS."""
    some, most, over = ports(11, "transitional"), ports(14, "legacy"), ports(15, "transitional")
    assert [(budget(one).windows, budget(one).near, budget(one).exceeded) for one in (some, most, over)] == [
        (11, False, False),
        (14, True, False),
        (15, False, True),
    ]
    assert "out of I/O address space" in budget(over).text()
    assert "14 of 14" in budget(most).text()
    assert budget(some).text() == ""


def test_modern_devices_need_no_window() -> None:
    """20 plain virtio devices behind 20 root ports boot."""
    assert budget(ports(20, "modern")).windows == 0


def test_devices_behind_one_bridge_share_a_window() -> None:
    """Plain virtio devices behind root ports need no window, however many there are."""
    many = (transitional(f"d{slot}", slot) for slot in range(1, 20))
    shared = tree(port("pci.1", node("pci.2", bus=bus("pcie-to-pci-bridge", *many))))
    assert budget(shared).windows == 1
    assert budget(shared).bridges[0][0] == "pci.2"


def test_each_bridge_with_devices_of_its_own_needs_a_window() -> None:
    """On q35, 13 pci-bridges and one device beside them boot, 14 and one device do not."""
    for count, exceeded in ((13, False), (14, True)):
        bridges = [
            node(f"b{slot}", slot, bus=bus("pci-bridge", transitional(f"d{slot}", 1))) for slot in range(1, count + 1)
        ]
        found = tree(port("p", node("b", bus=bus("pcie-to-pci-bridge", transitional("x", 30), *bridges))))
        assert (budget(found).windows, budget(found).exceeded) == (count + 1, exceeded)


def conventional(*bridges: Node) -> Topology:
    """A pc with bridges on its root bus."""
    return tree(*bridges, machine="pc-i440fx-7.2", root="pci-root")


def test_a_pc_has_eight_windows_and_empty_bridges_keep_one() -> None:
    """On pc, 8 pci-bridges boot and 9 do not, with devices or without."""
    for devices in ((transitional("d", 1),), (node("d", 1, interface="modern"),), ()):
        for count, exceeded in ((8, False), (9, True)):
            bridges = (node(f"b{slot}", slot, bus=bus("pci-bridge", *devices)) for slot in range(2, count + 2))
            assert budget(conventional(*bridges)).exceeded == exceeded


def test_a_bridge_keeps_room_for_hot_plug_only_where_nothing_below_needs_any() -> None:
    """A bridge behind a bridge needs one window, and two with a device beside the inner bridge."""
    inner = node("i", 1, bus=bus("pci-bridge"))
    assert budget(conventional(node("o", 2, bus=bus("pci-bridge", inner)))).bridges == (("i", ()),)
    both = budget(conventional(node("o", 2, bus=bus("pci-bridge", inner, transitional("d", 2)))))
    assert both.bridges == (("o", ("d",)), ("i", ()))
    assert budget(tree(port("p", node("b", bus=bus("pcie-to-pci-bridge"))))).windows == 1
    empty = (node("x", 3, bus=bus("pci-expander-bus")), node("d", 4, bus=bus("dmi-to-pci-bridge")))
    assert budget(conventional(*empty)).windows == 0


def test_the_root_bus_costs_nothing_and_other_machines_were_not_measured() -> None:
    """A plain virtio device on pcie.0 is transitional and needs no window."""
    assert budget(tree(transitional("d", 3))).windows == 0
    over = ports(15, "transitional")
    for other in (replace(over, machine="virt-9.0"), replace(over, firmware="efi"), replace(over, firmware="")):
        assert (budget(other).windows, budget(other).limit, budget(other).exceeded) == (15, None, False)
        assert budget(other).text() == ""


def test_the_firmware_is_read_from_the_domain() -> None:
    """The firmware is "bios" by default, "efi" by attribute or flash, and "" for any other."""
    cases = {
        ("", ""): "bios",
        ("firmware='efi'", ""): "efi",
        ("", "<loader readonly='yes' type='pflash'>/f</loader>"): "efi",
        ("", "<loader type='rom'>/f</loader>"): "",
    }
    for words, expected in cases.items():
        assert resolve(domain("q35", "", *words)).topology.firmware == expected


def test_emulated_nics_count_too() -> None:
    """e1000e has a port I/O BAR, xhci has none."""
    found = tree(port("a", node("n", driver="e1000e")), port("b", node("u", driver="qemu-xhci")))
    assert budget(found).windows == 1
    assert all(row["source"] for row in facts.table("qemu/port-io.csv"))


def codes(topology: Topology) -> list[tuple[str, str]]:
    """(device, code) of each warning."""
    return [(warning.device, warning.code) for warning in placement_warnings(topology)]


def test_silently_accepted_places() -> None:
    """Each address that QEMU accepts and a guest cannot use has its warning."""
    assert codes(tree(port("p", node("d", slot=1)))) == [("d", "port-slot")]
    assert codes(tree(node("d", slot=3, function=2))) == [("d", "no-function-0")]
    assert codes(tree(node("b", slot=1, bus=bus("pci-bridge", node("d"))))) == [("d", "bridge-slot-0")]
    (note,) = placement_warnings(tree(node("b", slot=1, bus=bus("pci-expander-bus", node("d")))))
    assert note.severity == "note"
    upstream = node("u", slot=1, bus=bus("pcie-switch-upstream-port"))
    assert codes(tree(upstream)) == [("u", "switch-on-root")]
    assert codes(tree(port("p", port("q", slot=0)))) == [("q", "nested-root-port")]
    assert codes(tree(port("p"), machine="pc", root="pci-root")) == [("p", "express-on-pci")]


def test_right_places_are_no_problem() -> None:
    """A multifunction slot with function 0, a switch below a port, and devices from slot 1 on have no warning."""
    switch = node(
        "u", bus=bus("pcie-switch-upstream-port", node("w", bus=bus("pcie-switch-downstream-port", node("d"))))
    )
    bridge = node("b", bus=bus("pcie-to-pci-bridge", node("e", slot=1)))
    multi = (node("f0", slot=5), node("f1", slot=5, function=1))
    assert placement_warnings(tree(port("p", switch), port("q", bridge, slot=2), *multi)) == ()


def test_the_chipset_s_own_function_0_counts() -> None:
    """SATA at 00:1f.2 on q35 and USB at 00:01.2 on pc share a slot with function 0 of the chipset."""
    assert placement_warnings(tree(node("sata", slot=0x1F, function=2))) == ()
    assert placement_warnings(tree(node("usb", slot=1, function=2), machine="pc-i440fx-9.0", root="pci-root")) == ()
    assert codes(tree(node("usb", slot=1, function=2))) == [("usb", "no-function-0")]


def test_equal_chassis_numbers() -> None:
    """Two pci-bridges with one chassis number have a warning."""
    bridges = [
        node(f"pci.{slot}", slot, bus=bus("pci-bridge", chassis=number)) for slot, number in ((3, 1), (4, 2), (5, 1))
    ]
    found = placement_warnings(tree(port("p", node("b", bus=bus("pcie-to-pci-bridge", *bridges)))))
    assert [(one.device, one.code, one.severity) for one in found] == [("pci.5", "chassis", "note")]
    assert "pci.3" in found[0].text


def test_equal_chassis_numbers_of_a_domain() -> None:
    """A domain that libvirt accepts with two equal chassis numbers has a warning."""
    bridge = "<controller type='pci' index='{}' model='pci-bridge'><target chassisNr='7'/></controller>"
    resolved = resolve(domain("pc", bridge.format(1) + bridge.format(2)))
    assert codes(resolved.topology) == [("pci.2", "chassis")]
