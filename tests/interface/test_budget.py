"""Port I/O windows, and places that QEMU accepts silently, over hand-made topologies."""

from __future__ import annotations

from virtkit import facts
from virtkit.models.budget import budget
from virtkit.models.placement import problems
from virtkit.topology import Bus, Node, Topology


def node(
    name: str, slot: int = 0, function: int = 0, interface: str | None = None, bus: Bus | None = None, driver: str = ""
) -> Node:
    """A device or bridge."""
    address = f"0000:00:{slot:02x}.{function}"
    return Node(
        id=name, kind="device", title=name, driver=driver, address=address, slot=slot, function=function,
        placed="user", added=False, interface=interface, line=None, reason="", bus=bus,
    )  # fmt: skip


def bus(model: str, *nodes: Node) -> Bus:
    """A bus with what is on it."""
    return Bus(
        index=1, model=model, accepts="", first=0, last=31, hotplug=True, free=0, nodes=nodes
    )  # fmt: skip


def tree(*nodes: Node, machine: str = "pc-q35-9.0", root: str = "pcie-root") -> Topology:
    """A topology with one root bus."""
    return Topology("t", machine, "x86_64", (bus(root, *nodes),), (), ())


def port(name: str, *nodes: Node, slot: int = 1) -> Node:
    """A root port."""
    return node(name, slot, bus=bus("pcie-root-port", *nodes))


def transitional(name: str, slot: int = 0) -> Node:
    """A device with port I/O."""
    return node(name, slot, interface="transitional")


def ports(count: int, interface: str) -> Topology:
    """``count`` root ports with a device each."""
    return tree(*(port(f"pci.{number}", node(f"d{number}", interface=interface)) for number in range(count)))


def test_fourteen_windows_boot_and_fifteen_do_not() -> None:
    """Measured on q35 with SeaBIOS."""
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
    """However many they are."""
    many = (transitional(f"d{slot}", slot) for slot in range(1, 20))
    shared = tree(port("pci.1", node("pci.2", bus=bus("pcie-to-pci-bridge", *many))))
    assert budget(shared).windows == 1
    assert budget(shared).holders[0][0] == "pci.2"


def test_each_bridge_with_devices_of_its_own_needs_a_window() -> None:
    """13 pci-bridges and one device beside them boot; 14 and one device do not."""
    for count, exceeded in ((13, False), (14, True)):
        bridges = [
            node(f"b{slot}", slot, bus=bus("pci-bridge", transitional(f"d{slot}", 1))) for slot in range(1, count + 1)
        ]
        found = tree(port("p", node("b", bus=bus("pcie-to-pci-bridge", transitional("x", 30), *bridges))))
        assert (budget(found).windows, budget(found).exceeded) == (count + 1, exceeded)


def test_the_root_bus_costs_nothing_and_other_machines_were_not_measured() -> None:
    """A plain virtio device on pcie.0 is transitional, and free."""
    assert budget(tree(transitional("d", 3))).windows == 0
    over = ports(15, "transitional")
    other = Topology("t", "virt-9.0", "aarch64", over.roots, (), ())
    assert (budget(other).windows, budget(other).exceeded) == (15, False)


def test_emulated_nics_count_too() -> None:
    """e1000e has a port I/O BAR; xhci has none."""
    found = tree(port("a", node("n", driver="e1000e")), port("b", node("u", driver="qemu-xhci")))
    assert budget(found).windows == 1
    assert all(row["source"] for row in facts.table("qemu/port-io.csv"))


def codes(topology: Topology) -> list[tuple[str, str]]:
    """(device, code) of each problem."""
    return [(problem.device, problem.code) for problem in problems(topology)]


def test_silently_accepted_places() -> None:
    """Each of the measured ones."""
    assert codes(tree(port("p", node("d", slot=1)))) == [("d", "port-slot")]
    assert codes(tree(node("d", slot=3, function=2))) == [("d", "no-function-0")]
    assert codes(tree(node("b", slot=1, bus=bus("pci-bridge", node("d"))))) == [("d", "bridge-slot-0")]
    (note,) = problems(tree(node("b", slot=1, bus=bus("pci-expander-bus", node("d")))))
    assert note.severity == "note"
    upstream = node("u", slot=1, bus=bus("pcie-switch-upstream-port"))
    assert codes(tree(upstream)) == [("u", "switch-on-root")]
    assert codes(tree(port("p", port("q", slot=0)))) == [("q", "nested-root-port")]
    assert codes(tree(port("p"), machine="pc", root="pci-root")) == [("p", "express-on-pci")]


def test_right_places_are_no_problem() -> None:
    """A multifunction slot with function 0, a switch below a port, devices from slot 1 on."""
    switch = node(
        "u", bus=bus("pcie-switch-upstream-port", node("w", bus=bus("pcie-switch-downstream-port", node("d"))))
    )
    bridge = node("b", bus=bus("pcie-to-pci-bridge", node("e", slot=1)))
    multi = (node("f0", slot=5), node("f1", slot=5, function=1))
    assert problems(tree(port("p", switch), port("q", bridge, slot=2), *multi)) == ()


def test_the_chipset_s_own_function_0_counts() -> None:
    """SATA at 00:1f.2 of q35 and USB at 00:01.2 of pc stand beside the chipset's function 0."""
    assert problems(tree(node("sata", slot=0x1F, function=2))) == ()
    assert problems(tree(node("usb", slot=1, function=2), machine="pc-i440fx-9.0", root="pci-root")) == ()
    assert codes(tree(node("usb", slot=1, function=2))) == [("usb", "no-function-0")]


def test_equal_chassis_numbers() -> None:
    """QEMU takes two pci-bridges with one number."""
    found = problems(tree(), {"pci.1": 1, "pci.2": 2, "pci.3": 1})
    assert [(problem.device, problem.code) for problem in found] == [("pci.3", "chassis")]
    assert "pci.1" in found[0].text
