"""What counts as a difference of two resolved domains."""

from __future__ import annotations

from lxml import etree

from virtkit.verify.compare import compare, facts_of


def domain(devices: str, machine: str = "pc-q35-9.0") -> etree._Element:
    """A domain of these devices."""
    return etree.fromstring(
        f"<domain><os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
    )


def differences(ours: str, theirs: str) -> list[str]:
    """The differences as text."""
    return [str(difference) for difference in compare(domain(ours), domain(theirs))]


PCI = "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>"


def test_spelling_is_no_difference() -> None:
    """Numbers in any base, aliases, sources and multifunction='off' mean nothing."""
    ours = f"<rng model='virtio'><backend model='random'>/a</backend>{PCI}</rng>"
    theirs = (
        "<rng model='virtio'><alias name='rng0'/>"
        "<address type='pci' bus='1' slot='0' function='0' domain='0' multifunction='off'/></rng>"
    )
    assert differences(ours, theirs) == []


def test_a_model_and_an_address_are_distinguished() -> None:
    """Both are named with what was predicted and what was observed."""
    ours = f"<interface type='user'><model type='virtio'/>{PCI}</interface>"
    theirs = "<interface type='user'><model type='e1000'/></interface>"
    assert differences(ours, theirs) == [
        "interface 0: model/type: predicted virtio, observed e1000",
        "interface 0: address: predicted pci bus=1 domain=0 function=0 slot=0, observed nothing",
    ]


def test_a_missing_device_is_one_difference() -> None:
    """It is not also counted attribute by attribute."""
    assert differences("<controller type='pci' index='1' model='pcie-root-port'/>", "") == [
        "controller pci 1: device: predicted pcie-root-port, observed nothing"
    ]


def test_controller_options_and_machine_count() -> None:
    """Chassis and port of a root port; the canonical machine name."""
    ours, theirs = (
        domain(
            f"<controller type='pci' index='1' model='pcie-root-port'><target chassis='1' port='{port}'/></controller>",
            m,
        )
        for port, m in (("0x8", "q35"), ("16", "pc-q35-9.0"))
    )
    assert [difference.aspect for difference in compare(ours, theirs)] == ["machine", "target/port"]


def test_order_of_controllers_only_when_asked() -> None:
    """Within one type."""
    one, two = "<controller type='scsi' index='0'/>", "<controller type='scsi' index='1'/>"
    usb = "<controller type='usb' index='0'/>"
    assert compare(domain(one + usb + two), domain(usb + one + two), order=True) == []
    assert compare(domain(two + one), domain(one + two)) == []
    assert [str(found) for found in compare(domain(two + one), domain(one + two), order=True)] == [
        "controllers scsi: order: predicted 1 0, observed 0 1"
    ]


def test_zpci_ids_belong_to_the_address() -> None:
    """uid and fid as numbers."""
    found = facts_of(
        domain("<vsock><address type='pci' slot='0x01'><zpci uid='0x0001' fid='0x00000000'/></address></vsock>")
    )
    assert found["vsock 0"]["address"] == "pci slot=1 fid=0 uid=1"
