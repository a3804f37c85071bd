"""The persistent definition, both sides together, and what moves at the next start."""

from __future__ import annotations

import pytest

from tests.hotplug.plugging import place, plug, q35, session
from tests.writing import NEW, OLD, host
from virtkit import compare, read, resolve
from virtkit.hotplug.moves import moves
from virtkit.hotplug.session import Step


def test_the_definition_gets_the_ports_it_needs() -> None:
    """A device that the definition has no port for brings one along."""
    found = session(q35(1))
    outcomes = [plug(found, "disk", "config") for _ in range(4)]
    assert all(outcome.ok for outcome in outcomes)
    assert any(change.identity.endswith("pcie-root-port") for outcome in outcomes for change in outcome.config)


def test_both_sides_agree_while_they_are_alike() -> None:
    """A device gets one address on both sides as long as nothing was attached to one side only."""
    outcome = plug(session(q35(4)), "disk", "both")
    assert place(outcome, "live") == place(outcome, "config")


def test_both_sides_part_after_a_step_to_one() -> None:
    """After a step to the running domain only, the next device gets another address in the definition."""
    found = session(q35(4))
    plug(found, "rng", "live")
    outcome = plug(found, "disk", "both")
    assert (place(outcome, "live"), place(outcome, "config")) == ("2:0", "1:0")


def test_the_definition_is_kept_as_it_was_when_the_running_domain_refuses() -> None:
    """A step to both changes nothing when one side refuses."""
    found = session(q35(3))
    before = found.definition.xml()
    outcome = plug(found, "sound", "both")
    assert (outcome.ok, outcome.side, outcome.config) == (False, "live", ())
    assert found.definition.xml() == before


@pytest.mark.parametrize("what", ["<hub type='usb'/>", "<memballoon model='virtio'/>", "<panic model='isa'/>"])
def test_some_kinds_are_never_attached_to_a_definition(what: str) -> None:
    """Hubs, balloons and panic notifiers are refused."""
    assert "persistent attach of device" in plug(session(q35(3)), what, "config").error


@pytest.mark.parametrize(("release", "taken"), [(OLD, True), (NEW, False)])
def test_older_libvirt_takes_an_ide_disk_on_q35(release: str, taken: bool) -> None:
    """libvirt 9.0 adds an IDE disk to the definition of a machine without IDE, 12.8 refuses it."""
    assert plug(session(q35(3), release), "ide-disk", "config").ok is taken


def test_a_detached_disk_leaves_its_controller() -> None:
    """Detaching the only SCSI disk from a definition leaves its controller in place."""
    found = session(q35(3))
    plug(found, "scsi-disk", "config")
    gone = found.step(Step("detach", "config", "<disk><target dev='sda'/></disk>"))
    assert [(change.sign, change.element) for change in gone.config] == [("-", "disk")]


def test_several_nics_of_one_mac_address_are_not_distinguished() -> None:
    """A detach that names only a MAC address is refused where two NICs have it."""
    nic = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"
    found = session(q35(5))
    plug(found, nic, "config")
    plug(found, nic, "config")
    assert "multiple devices matching MAC address" in found.step(Step("detach", "config", nic)).error


def test_the_first_serial_brings_a_console() -> None:
    """A serial port of a domain without consoles is shown as its console, too."""
    outcome = plug(session(q35(3)), "serial", "config")
    assert sorted(change.element for change in outcome.config) == ["console", "serial"]


def test_a_resolved_domain_stays_as_it_is() -> None:
    """Neither side of a session changes the domain that it began with."""
    resolved = resolve(read(q35(3).encode()), host(NEW))
    before = resolved.xml()
    found = session(q35(3))
    plug(found, "disk", "both")
    assert resolved.xml() == before == session(q35(3)).running.resolved.xml()


def test_moves_come_from_the_one_comparison() -> None:
    """What attach --both says moves is what the comparison of the two topologies says."""
    found = session(q35(4))
    plug(found, "rng", "live")
    plug(found, "disk", "both")
    running, defined = found.running.snapshot().topology, found.definition.resolved.topology
    listed = {move.device: (move.before, move.after) for move in moves(compare(running, defined)) if move.moved}
    assert listed == {"disk vda (virtio)": ("0000:02:00.0", "0000:01:00.0")}


def test_the_running_xml_resolves_to_the_same_places() -> None:
    """The XML written for the running side is a domain whose devices keep their places."""
    found = session(q35(4, "<controller type='pci' model='pcie-to-pci-bridge'/>"))
    for what in ("disk", "nic", "scsi-disk", "disk:virtio-transitional"):
        assert plug(found, what).ok
    again = session(found.running.xml())
    places = {str(one.address) for one in again.running.devices.in_order()}
    assert {str(one.address) for one in found.running.devices.in_order()} <= places


PTY = "<channel type='pty'><target type='virtio' name='{}'/></channel>"
SHMEM = "<shmem name='one'><model type='ivshmem-plain'/><size unit='M'>{}</size></shmem>"
SHARE = "<filesystem type='mount'><source dir='/{}'/><target dir='data'/></filesystem>"


@pytest.mark.parametrize(
    ("present", "new", "words"),
    [
        (PTY.format("a"), PTY.format("a"), "chardev already exists"),
        (PTY.format("a"), PTY.format("b"), ""),
        (PTY.format("a"), PTY.format("a").replace("pty", "unix"), ""),
        (SHMEM.format(4), SHMEM.format(4), "already in the domain configuration"),
        (SHARE.format("a"), SHARE.format("b"), "Target already exists"),
        ("", "<console type='pty'/>", "attaching serial console is not supported"),
        ("", "<controller type='ide'/>", "IDE controllers are unsupported"),
    ],
)
def test_a_definition_takes_nothing_twice(present: str, new: str, words: str) -> None:
    """A character device, shared memory and a share that the definition has are refused, and what q35 lacks."""
    outcome = session(q35(9, present)).step(Step("attach", "config", new))
    assert outcome.ok == (not words)
    assert words in outcome.error


NICS = (
    "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"
    "<interface type='user'><mac address='52:54:00:00:00:02'/><model type='virtio'/><alias name='ua-b'/></interface>"
)
RNG_ELSEWHERE = (
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend><address type='pci' bus='9' slot='0'/></rng>"
)
RNGS = (
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
    "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"
)


@pytest.mark.parametrize(
    ("present", "wanted", "words"),
    [
        (NICS, "<interface type='user'/>", "multiple matching devices found"),
        (NICS, "<interface type='user'><alias name='ua-b'/></interface>", "multiple matching devices found"),
        (NICS, "<interface type='user'><alias name='ua-x'/></interface>", ""),
        (NICS, "<interface type='user'><mac address='52:54:00:00:00:02'/><alias name='ua-x'/></interface>", "found"),
        (NICS, "<interface type='network'><mac address='52:54:00:00:00:02'/></interface>", ""),
        (RNGS, "<rng model='virtio'><backend model='random'/></rng>", ""),
        (RNGS, "<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>", "no matching rng"),
        (RNGS, RNG_ELSEWHERE, "no matching rng"),
        (SHMEM.format(4), SHMEM.format(8), "no matching shmem"),
        (SHMEM.format(4), SHMEM.format(4), ""),
        (PTY.format("a"), "<channel type='pty'><target type='virtio'/></channel>", "not present"),
        (PTY.format("a"), PTY.format("a"), ""),
        ("<controller type='scsi' model='virtio-scsi'/>", "<controller type='scsi'/>", "no matching controller"),
        ("<controller type='scsi' model='virtio-scsi'/>", "<controller type='scsi' index='0'/>", ""),
        ("", "<console type='pty'/>", "detaching serial console is not supported"),
    ],
)
def test_which_device_a_detach_means(present: str, wanted: str, words: str) -> None:
    """What is written of a device has to fit; a NIC must be the only one that fits."""
    outcome = session(q35(9, present)).step(Step("detach", "config", wanted))
    assert outcome.ok == (not words)
    assert words in outcome.error


def test_the_first_serial_takes_its_console_along() -> None:
    """With the serial, the console that shows it leaves the definition, too."""
    found = session(q35(3, "<serial type='pty'/>"))
    outcome = found.step(Step("detach", "config", "<serial type='pty'><target port='0'/></serial>"))
    assert sorted(element for _, element, *_ in outcome.config) == ["console", "serial"]


def test_a_running_character_device_has_a_path_of_its_own() -> None:
    """libvirt gives a running channel a path, so the XML of the definition does not mean it."""
    found = session(q35(9, PTY.format("a")))
    assert "not present" in found.step(Step("detach", "live", PTY.format("a"))).error
    known = PTY.format("a").replace("<target", "<source path='/dev/pts/3'/><target")
    assert session(q35(9, known)).step(Step("detach", "live", known)).ok


def test_a_drive_on_sata_stays_while_the_guest_runs() -> None:
    """Which disk is meant decides, not the bus that the XML of the detach leaves out."""
    cdrom = "<disk type='file' device='cdrom'><source file='/x'/><target dev='sdx' bus='sata'/></disk>"
    outcome = session(q35(9, cdrom)).step(Step("detach", "live", "<disk type='file'><target dev='sdx'/></disk>"))
    assert "disk device type 'cdrom' cannot be detached" in outcome.error
