"""Where a running domain puts a device, and what it refuses: the rules of libvirt and QEMU, one fact each."""

from __future__ import annotations

import pytest

from tests.hotplug.plugging import PORT, ROOT, domain, place, plug, q35, session
from tests.writing import NEW, OLD
from virtkit.hotplug.session import Step

BRIDGE = "<controller type='pci' model='pcie-to-pci-bridge'/>"
XHCI = "<controller type='usb' index='1' model='qemu-xhci' ports='1'/>"
RNG_AT = (
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend>"
    "<address type='pci' bus='{}' slot='{}' function='{}'/></rng>"
)


def test_a_device_takes_the_first_free_port() -> None:
    """A virtio device goes to the first root port that holds nothing."""
    found = session(q35(3))
    assert [place(plug(found, "disk")), place(plug(found, "nic"))] == ["1:0", "2:0"]


def test_no_port_is_added_while_it_runs() -> None:
    """Once every port is taken, the next device is refused and nothing is added."""
    found = session(q35(1))
    while (outcome := plug(found, "rng")).ok:
        pass
    assert outcome.error == "internal error: No more available PCI slots"
    assert outcome.live == outcome.config == ()


def test_a_port_without_hot_plug_is_passed_over() -> None:
    """A root port with hotplug='off' takes no device while the guest runs."""
    off = "<controller type='pci' index='1' model='pcie-root-port'><target hotplug='off'/></controller>"
    assert place(plug(session(domain(f"{ROOT}{off}{PORT}")), "rng")) == "2:0"


def test_a_transitional_device_needs_a_bridge() -> None:
    """A virtio-transitional disk takes a conventional slot, and none where there is no bridge."""
    assert not plug(session(q35(3)), "disk:virtio-transitional").ok
    assert place(plug(session(q35(3, BRIDGE)), "disk:virtio-transitional")) == "4:1"


@pytest.mark.parametrize("model", ["pcnet", "ne2k_pci"])
def test_some_conventional_nics_count_as_express(model: str) -> None:
    """NIC models that libvirt does not know as conventional go to a root port."""
    assert place(plug(session(q35(3, BRIDGE)), f"nic:{model}")) in ("1:0", "2:0", "3:0")


def test_pc_takes_devices_on_its_root_bus() -> None:
    """On pc, pci-root takes hot plug, from the first free slot."""
    assert place(plug(session(domain(machine="pc")), "nic:e1000")) == "0:2"


@pytest.mark.parametrize(
    ("bus", "slot", "function", "words"),
    [
        (0, 9, 0, "requires hotplug capability"),
        (1, 0, 1, "Only PCI device addresses with function=0"),
        (1, 0, 0, "Attempted double use of PCI Address 0000:01:00.0"),
        (40, 0, 0, "Only PCI buses up to"),
        (2, 1, 0, "slot must be <= 0"),
    ],
)
def test_a_written_address_must_be_free_and_take_hot_plug(bus: int, slot: int, function: int, words: str) -> None:
    """A written PCI address is refused on the root bus, in another function, where taken, and where there is no bus."""
    found = session(q35(3))
    plug(found, "disk")
    outcome = plug(found, RNG_AT.format(bus, slot, function))
    assert not outcome.ok
    assert words in outcome.error


def test_a_scsi_disk_brings_its_controller() -> None:
    """The first disk on bus scsi brings a controller of the machine's default model, below a bridge on q35."""
    outcome = plug(session(q35(3, BRIDGE)), "scsi-disk")
    assert [(change.element, change.identity) for change in outcome.live] == [
        ("controller", "scsi 0 lsilogic"),
        ("disk", "sda"),
    ]


def test_controllers_that_qemu_s_refusal_leaves_behind_are_listed() -> None:
    """libvirt keeps the controller that it added for a disk which QEMU then refuses."""
    disk = (
        "<disk type='file' device='disk'><source file='/x'/><target dev='sda' bus='scsi'/>"
        "<address type='drive' controller='0' bus='0' target='0' unit='9'/></disk>"
    )
    outcome = plug(session(q35(3, BRIDGE)), disk)
    assert "bad scsi device id: 9" in outcome.error
    assert [change.identity for change in outcome.live] == ["scsi 0 lsilogic"]


def test_no_controller_is_left_when_one_finds_no_slot() -> None:
    """A disk whose SCSI controller has no slot leaves nothing behind."""
    outcome = plug(session(q35(3)), "scsi-disk")
    assert not outcome.ok
    assert outcome.live == ()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("sound", "live attach of device 'sound' is not supported"),
        ("sata-disk", "disk bus 'sata' cannot be hotplugged"),
        ("controller:sata", "'sata' controller cannot be hot plugged"),
        ("controller:pci:pcie-root-port", "Required option 'modelName' is not set"),
        ("serial", "Bus 'isa.0' does not support hotplugging"),
        ("<graphics type='vnc'/>", "live attach of device 'graphics' is not supported"),
        ("<nothing/>", "unknown device type 'nothing'"),
        ("<iommu model='virtio'/>", "live attach of device 'iommu' is not supported"),
        ("<parallel type='pty'/>", "does not support hotplugging"),
        ("<filesystem type='mount'><source dir='/a'/><target dir='b'/></filesystem>", "only virtiofs filesystems"),
    ],
)
def test_some_kinds_are_never_plugged_in(what: str, words: str) -> None:
    """Sound, displays, iommus, SATA disks, most controllers and ISA devices are refused by a running domain."""
    assert words in plug(session(q35(3)), what).error


def test_virtiofs_needs_shared_memory() -> None:
    """A virtiofs share is refused where guest memory is not shared, and taken where it is."""
    share = "<filesystem type='mount'><driver type='virtiofs'/><source dir='/a'/><target dir='b'/></filesystem>"
    assert "requires shared memory" in plug(session(q35(3)), share).error
    shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
    assert plug(session(domain(f"{ROOT}{PORT * 3}", extra=shared)), share).ok


@pytest.mark.parametrize(("release", "taken"), [(OLD, False), (NEW, True)])
def test_virtio_serial_controllers_are_plugged_in_by_newer_libvirt(release: str, taken: bool) -> None:
    """libvirt 9.0 refuses a virtio-serial controller, 12.8 takes it."""
    assert plug(session(q35(3), release), "controller:virtio-serial").ok is taken


def test_a_channel_needs_a_controller() -> None:
    """A channel is refused without a virtio-serial controller, and takes port 1 of one."""
    assert "no virtio-serial controllers" in plug(session(q35(3)), "channel").error
    found = session(q35(3, "<controller type='virtio-serial'/>"))
    assert place(plug(found, "channel")) == "type virtio-serial controller 0 bus 0 port 1"


def test_a_second_channel_of_one_name_is_refused_by_qemu() -> None:
    """QEMU has one port of a name; a socket of that name is refused by libvirt before."""
    found = session(q35(3, "<controller type='virtio-serial'/>"))
    assert plug(found, "channel:org.a").ok
    assert "chardev already exists" in plug(found, "channel:org.a").error
    pty = "<channel type='pty'><target type='virtio' name='org.a'/></channel>"
    assert "A port already exists by name org.a" in found.step(Step("attach", "live", pty)).error


def test_no_hub_is_added_for_a_usb_device() -> None:
    """Once every USB port is taken, a USB device is refused."""
    found = session(domain(f"{ROOT}{PORT * 3}{XHCI}").replace("<controller type='usb' model='none'/>", ""))
    outcomes = [plug(found, "tablet") for _ in range(9)]
    assert outcomes[0].ok
    assert outcomes[-1].error == "internal error: No free USB ports"


def test_a_usb_device_needs_a_usb_controller() -> None:
    """A domain without USB takes no USB device."""
    assert "Domain has no USB bus support" in plug(session(q35(3)), "usb-disk").error


def test_two_nics_may_share_a_mac_address() -> None:
    """libvirt does not mind a MAC address that another NIC has."""
    nic = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"
    found = session(q35(4))
    assert plug(found, nic).ok
    assert plug(found, nic).ok


def test_a_domain_has_one_vsock() -> None:
    """A second vsock is refused on either side."""
    found = session(q35(4))
    assert plug(found, "vsock", "both").ok
    assert "already has a vsock" in plug(found, "vsock").error
    assert "already has a vsock" in plug(found, "vsock", "config").error


def test_one_vsock_watchdog_rule_before_9_1() -> None:
    """libvirt 9.0 takes one watchdog, later releases several."""
    watchdog = "<watchdog model='i6300esb'/>"
    assert not plug(session(q35(3, BRIDGE + watchdog), OLD), "watchdog").ok
    assert plug(session(q35(3, BRIDGE + watchdog), NEW), "watchdog").ok


def test_a_target_is_used_once() -> None:
    """A disk whose target another has is refused."""
    found = session(q35(4))
    disk = "<disk type='file' device='disk'><source file='/x'/><target dev='vdb' bus='virtio'/></disk>"
    assert plug(found, disk).ok
    assert plug(found, disk).error == "operation failed: target vdb already exists"


def test_memory_needs_room_that_was_kept() -> None:
    """A DIMM is refused without maxMemory; with it, it takes slot 0 above 4 GiB."""
    assert "'maxMemory' is not defined" in plug(session(q35(3)), "dimm").error
    room = "<maxMemory slots='2' unit='GiB'>4</maxMemory>"
    numa = "<cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>"
    found = session(domain(f"{ROOT}{PORT}", extra=room + numa))
    assert place(plug(found, "dimm")) == "type dimm slot 0 base 0x100000000"


def test_s390x_gives_the_lowest_free_channel_number() -> None:
    """On s390x a virtio device takes the lowest free device number of the channel subsystem."""
    found = session(
        domain(machine="s390-ccw-virtio", arch="s390x").replace("<features><acpi/></features>", "").replace(
            "<controller type='usb' model='none'/>", ""
        )
    )
    assert place(plug(found, "disk")) == "type ccw cssid 0xfe ssid 0x0 devno 0x0000"


def test_ccw_has_no_transitional_models() -> None:
    """QEMU refuses a transitional disk on the channel subsystem."""
    text = domain(machine="s390-ccw-virtio", arch="s390x").replace("<features><acpi/></features>", "")
    found = session(text.replace("<controller type='usb' model='none'/>", ""))
    assert "'virtio-blk-ccw-transitional' is not a valid device model name" in plug(
        found, "disk:virtio-transitional"
    ).error


def test_a_detached_device_frees_its_place() -> None:
    """The port of a device that was detached takes the next one."""
    found = session(q35(3))
    plug(found, "disk")
    gone = found.step(Step("detach", "live", "<disk><target dev='vda'/></disk>"))
    assert [change.sign for change in gone.live] == ["-"]
    assert place(plug(found, "rng")) == "1:0"


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("<controller type='pci' index='1' model='pcie-root-port'/>", "'pci' controller cannot be hot unplugged"),
        ("<memballoon model='none'/>", "live detach of device 'memballoon' is not supported"),
        ("<disk><target dev='vdz' bus='virtio'/></disk>", "no target device vdz"),
        ("<rng model='virtio'><backend model='random'/></rng>", "no matching rng device"),
    ],
)
def test_some_devices_are_not_given_up(device: str, words: str) -> None:
    """PCI controllers and balloons are not detached from a running domain, and what it does not have cannot be."""
    assert words in session(q35(3)).step(Step("detach", "live", device)).error


def test_bad_xml_is_a_refusal_of_its_step_only() -> None:
    """A step whose XML cannot be read is refused, and the next one goes on."""
    found = session(q35(3))
    outcomes = list(found.run([Step("attach", "both", "<disk"), Step("attach", "live", "<rng/><rng/>")]))
    assert [outcome.ok for outcome in outcomes] == [False, False]
    assert "not well-formed" in outcomes[0].error
    assert "expected the XML of one device, got 2 elements" in outcomes[1].error
    assert plug(found, "disk").ok


def test_on_ccw_a_nic_of_pci_needs_a_written_address() -> None:
    """libvirt hands QEMU a ccw address for any NIC model; with a written PCI address an e1000e is taken."""
    xml = domain(machine="s390-ccw-virtio", arch="s390x").replace("<features><acpi/></features>", "")
    xml = xml.replace("<controller type='usb' model='none'/>", "")
    found = session(xml)
    refused = plug(found, "nic:e1000e")
    assert refused.error.endswith("Property 'e1000e.devno' not found")
    nic = "<interface type='user'><model type='e1000e'/><address type='pci' domain='0' bus='0' slot='5' function='0'/>"
    assert plug(found, f"{nic}</interface>").ok
    assert plug(found, "nic").ok


@pytest.mark.parametrize(("release", "model"), [(NEW, "virtio-scsi"), (OLD, "lsilogic")])
def test_a_scsi_controller_without_a_model_takes_that_of_another(release: str, model: str) -> None:
    """libvirt 12.8 copies the model of a running SCSI controller, as in a definition; 9.0 takes the default one."""
    bridge = "<controller type='pci' model='pcie-to-pci-bridge'/>"
    found = session(q35(5, f"{bridge}<controller type='scsi' model='virtio-scsi'/>"), release)
    (change,) = plug(found, "controller:scsi").live
    assert change.identity == f"scsi 1 {model}"


CONSOLE = "<console type='pty'><target type='virtio'/></console>"
SERIAL = "<serial type='pty'><target type='{}'/></serial>"


@pytest.mark.parametrize("serial", ["isa-serial", "pci-serial", "usb-serial"])
def test_a_refused_serial_takes_the_only_console_along(serial: str) -> None:
    """Where a domain has no serial and one console, libvirt drops it with a serial that it refuses."""
    found = session(q35(1, f"{CONSOLE}<controller type='virtio-serial'/>"))
    outcome = found.step(Step("attach", "live", SERIAL.format(serial)))
    assert not outcome.ok
    assert [(sign, element) for sign, element, *_ in outcome.live] == [("-", "console")]
    assert outcome.config == ()


def test_a_refused_serial_leaves_two_consoles() -> None:
    """With a second console, nothing is lost."""
    found = session(q35(1, f"{CONSOLE}{CONSOLE}<controller type='virtio-serial'/>"))
    assert found.step(Step("attach", "live", SERIAL.format("isa-serial"))).live == ()


def test_pc_needs_acpi_for_its_root_bus() -> None:
    """Without ACPI, QEMU refuses a device on the root bus of a pc, and takes one behind a bridge."""
    bridge = "<controller type='pci' index='0' model='pci-root'/><controller type='pci' model='pci-bridge'/>"
    found = session(domain(bridge, machine="pc").replace("<acpi/>", ""))
    for what in ("rng", "scsi-disk"):
        outcome = plug(found, what)
        assert "Bus 'pci.0' does not support hotplugging" in outcome.error
        assert outcome.live == ()
    assert found.step(Step("attach", "live", RNG_AT.format(1, 3, 0))).ok


def test_pci_root_without_hot_plug_is_chosen_and_refused() -> None:
    """libvirt places a device on pci-root with hotplug='off' all the same, where QEMU refuses it."""
    off = "<controller type='pci' index='0' model='pci-root'><target hotplug='off'/></controller>"
    found = session(domain(f"{off}<controller type='pci' model='pci-bridge'/>", machine="pc"))
    assert "Bus 'pci.0' does not support hotplugging" in plug(found, "rng").error
    assert found.step(Step("attach", "live", RNG_AT.format(1, 3, 0))).ok


@pytest.mark.parametrize(
    ("model", "unit", "words"),
    [
        ("lsilogic", 6, ""),
        ("lsilogic", 7, "already contains a disk"),
        ("lsilogic", 9, "bad scsi device id: 9"),
        ("lsisas1068", 1, ""),
        ("lsisas1068", 2, "already contains a disk"),
        ("vmpvscsi", 1, "bad scsi device lun: 1"),
        ("vmpvscsi", 7, "already contains a disk"),
        ("am53c974", 6, ""),
        ("am53c974", 8, "already contains a disk"),
        ("virtio-scsi", 300, ""),
    ],
)
def test_units_of_a_scsi_controller(model: str, unit: int, words: str) -> None:
    """Each controller model has its own units; a disk beyond them is refused by libvirt or by QEMU."""
    found = session(q35(4, f"{BRIDGE}<controller type='scsi' index='0' model='{model}'/>"), OLD)
    at = f"<address type='drive' controller='0' bus='0' target='0' unit='{unit}'/>"
    outcome = found.step(Step("attach", "live", DISK_AT.format("sdx", "scsi", at)))
    assert outcome.ok == (not words)
    assert words in outcome.error


DISK_AT = "<disk type='file' device='disk'><source file='/x'/><target dev='{}' bus='{}'/>{}</disk>"


def test_lsilogic_has_one_target() -> None:
    """A disk on lsilogic has target 0, as in a definition."""
    found = session(q35(4, f"{BRIDGE}<controller type='scsi' index='0' model='lsilogic'/>"))
    at = "<address type='drive' controller='0' bus='0' target='1' unit='0'/>"
    assert "target must be 0" in found.step(Step("attach", "live", DISK_AT.format("sdx", "scsi", at))).error


@pytest.mark.parametrize(
    ("machine", "arch", "address", "words"),
    [
        ("q35", "x86_64", "<address type='ccw'/>", "cannot use CCW address type"),
        ("q35", "x86_64", "<address type='virtio-mmio'/>", "No 'virtio-bus' bus found"),
        ("virt", "aarch64", "<address type='virtio-mmio'/>", "does not support hotplugging"),
    ],
)
def test_addresses_of_another_transport_are_refused(machine: str, arch: str, address: str, words: str) -> None:
    """A disk takes no address of ccw or virtio-mmio while the guest runs, where the machine uses PCI."""
    text = domain(f"{ROOT}{PORT * 3}", machine=machine, arch=arch)
    if arch == "aarch64":
        text = text.replace("<features><acpi/></features>", "")
    assert words in session(text).step(Step("attach", "live", DISK_AT.format("vdx", "virtio", address))).error


def test_a_nic_of_s390x_with_a_foreign_address_goes_to_ccw() -> None:
    """On s390x, libvirt replaces an address of another kind than PCI of a NIC by one of ccw."""
    text = domain(machine="s390-ccw-virtio", arch="s390x").replace("<features><acpi/></features>", "")
    nic = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><address type='spapr-vio'/>"
    assert "type ccw" in place(session(text).step(Step("attach", "live", f"{nic}</interface>")))


MEMORY = "<maxMemory slots='4' unit='MiB'>1024</maxMemory>"
NUMA = "<cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>"


def _memory(model: str, size: int, more: str = "") -> Step:
    text = f"<memory model='{model}'><target><size unit='MiB'>{size}</size><node>0</node>{more}</target></memory>"
    return Step("attach", "live", text)


def test_memory_beyond_the_maximum_is_refused() -> None:
    """Plugged memory and the memory of the NUMA nodes together stay within maxMemory."""
    found = session(domain(f"{ROOT}{PORT * 3}", extra=MEMORY).replace("<devices>", f"{NUMA}<devices>"))
    assert found.step(_memory("dimm", 512)).ok
    assert "would exceed domain's maxMemory config size '1048576'" in found.step(_memory("dimm", 512)).error


def test_virtio_mem_takes_addresses_of_dimms() -> None:
    """A DIMM that follows a virtio-mem device is mapped behind it."""
    found = session(domain(f"{ROOT}{PORT * 3}", extra=MEMORY).replace("<devices>", f"{NUMA}<devices>"), OLD)
    more = "<block unit='MiB'>2</block><requested unit='MiB'>128</requested>"
    assert found.step(_memory("virtio-mem", 128, more)).ok
    assert "base 0x108000000" in place(found.step(_memory("dimm", 128)))


def test_pseries_rounds_memory_to_blocks() -> None:
    """On pseries, plugged memory begins at the next GiB, in blocks of 256 MiB."""
    text = domain(machine="pseries", arch="ppc64", extra=MEMORY).replace("<features><acpi/></features>", NUMA)
    found = session(text, OLD)
    assert "base 0x40000000" in place(found.step(_memory("dimm", 64)))
    assert "base 0x50000000" in place(found.step(_memory("dimm", 64)))


def test_arm_needs_acpi_for_memory() -> None:
    """On aarch64 virt without ACPI, QEMU has nothing that reports a DIMM to the guest."""
    text = domain(f"{ROOT}{PORT * 3}", machine="virt", arch="aarch64", extra=MEMORY)
    found = session(text.replace("<features><acpi/></features>", NUMA), OLD)
    assert "missing acpi-ged device" in found.step(_memory("dimm", 128)).error


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<console type='pty'/>", "unsupported console target type serial"),
        ("<disk type='file' device='cdrom'><target dev='sdx' bus='usb'/></disk>", "must not have null value"),
        ("<disk type='file' device='disk'><target dev='vdx' bus='virtio'/></disk>", "missing source information"),
        (DISK_AT.format("sdx", "scsi", "").replace("'disk'", "'lun'"), "only valid for block type"),
    ],
)
def test_what_a_running_domain_never_takes(xml: str, words: str) -> None:
    """A serial console, an empty drive, a disk without a source and a file as a LUN are refused."""
    xhci = "<controller type='usb' index='0' model='qemu-xhci'/>"
    text = q35(4, f"{BRIDGE}<controller type='scsi' model='virtio-scsi'/>")
    text = text.replace("<controller type='usb' model='none'/>", xhci)
    assert words in session(text).step(Step("attach", "live", xml)).error


def test_a_full_virtio_serial_controller_leaves_a_useless_one_behind() -> None:
    """Where every port is taken, libvirt adds a controller that QEMU does not get, and refuses the channel."""
    found = session(q35(3, "<controller type='virtio-serial' index='0' ports='2'/>"))
    outcomes = [plug(found, "channel") for _ in range(3)]
    assert [outcome.ok for outcome in outcomes] == [True, False, False]
    assert [one[1:] for one in outcomes[1].live] == [("controller", "virtio-serial 1", "")]
    assert outcomes[2].live == ()
    assert "Device alias was not set" in outcomes[2].error


def test_an_expander_bus_of_pc_takes_no_hot_plug() -> None:
    """libvirt places a device on a pci-expander-bus, and QEMU refuses it there."""
    buses = (
        "<controller type='pci' index='0' model='pci-root'/>"
        "<controller type='pci' index='1' model='pci-expander-bus'><target busNr='50'/></controller>"
    )
    outcome = session(domain(buses, machine="pc")).step(Step("attach", "live", RNG_AT.format(1, 3, 0)))
    assert "Bus 'pci.1' does not support hotplugging" in outcome.error
