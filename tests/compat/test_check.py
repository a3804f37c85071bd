"""One domain against its guest: the table of RHEL 6 again, the changes, the rewritten text, the conversion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import virtkit as vk
from virtkit.cli import main
from virtkit.compat.changes import fixed
from virtkit.compat.check import check
from virtkit.compat.conversion.machine import convert
from virtkit.compat.conversion.models import text_with_models
from virtkit.compat.review import Review
from virtkit.compat.verdict import Verdict
from virtkit.errors import GuestError, Refused, UsageError

DISK = "<disk type='file' device='disk'{model}><source file='/d'/><target dev='vda' bus='{bus}'/>{address}</disk>"
NIC = "<interface type='user'><model type='{model}'/>{address}</interface>"
BRIDGE = (
    "<controller type='pci' index='0' model='pcie-root'/>"
    "<controller type='pci' index='1' model='pcie-root-port'/>"
    "<controller type='pci' index='2' model='pcie-to-pci-bridge'/>"
)
META = (
    "<metadata><l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
    "<l:os id='http://redhat.com/rhel/6.10'/></l:libosinfo></metadata>"
)


def _domain(machine: str, devices: str, metadata: str = META) -> vk.Resolved:
    text = (
        f"<domain type='kvm'>\n  <name>t</name>\n  {metadata}\n  <memory unit='GiB'>1</memory>\n"
        f"  <os><type arch='x86_64' machine='{machine}'>hvm</type></os>\n"
        f"  <devices>\n    {devices}\n    <memballoon model='none'/>\n  </devices>\n</domain>\n"
    )
    return vk.resolve(vk.read(text.encode()))


def _both(machine: str, model: str, address: str = "", before: str = "") -> Review:
    written = "" if model == "virtio" else f" model='{model}'"
    second = address.replace("slot='0x01'", "slot='0x02'")
    disk = DISK.format(model=written, bus="virtio", address=address)
    return check(_domain(machine, before + disk + NIC.format(model=model, address=second)))


@pytest.mark.parametrize(
    ("machine", "model", "verdict", "better"),
    [
        ("pc", "virtio", "works", ""),
        ("pc", "virtio-transitional", "works", ""),
        ("q35", "virtio-transitional", "works", ""),
        ("q35", "virtio", "fails", "virtio-transitional"),
        ("pc", "virtio-non-transitional", "fails", "virtio"),
        ("q35", "virtio-non-transitional", "fails", "virtio-transitional"),
    ],
)
def test_rhel6(machine: str, model: str, verdict: str, better: str) -> None:
    """What a test lab sees of RHEL 6, and what would make it boot."""
    review = _both(machine, model)
    assert {f.verdict for f in review.findings} == {verdict}
    assert {f.better for f in review.findings} == {better}
    assert review.ok is (verdict == "works")


def test_rhel6_on_an_existing_bridge() -> None:
    """Plain virtio behind a pcie-to-pci-bridge that is there already is transitional."""
    address = "<address type='pci' domain='0x0000' bus='0x02' slot='0x01' function='0x0'/>"
    review = _both("q35", "virtio", address, BRIDGE)
    assert {(f.interface, f.location) for f in review.findings} == {("transitional", "conventional-bridge")}
    assert review.ok


@pytest.mark.parametrize(
    "devices",
    [
        DISK.format(model=" model='virt'", bus="virtio", address=""),
        "<controller type='scsi' model='virtio'/>",
        DISK.format(model=" model='virtio-transitional'", bus="scsi", address="").replace("vda", "sda"),
    ],
)
def test_refused_at_define(devices: str) -> None:
    """Disk model virt, scsi controller model virtio and a transitional SCSI disk are refused."""
    with pytest.raises(Refused):
        _domain("q35", devices)


def test_fix_changes_the_model_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The fixed domain differs in the models only, and its check passes."""
    broken, fixed = tmp_path / "broken.xml", tmp_path / "fixed.xml"
    text = _domain(
        "q35",
        DISK.format(model="", bus="virtio", address="")
        + "<!-- kept  as-is -->"
        + NIC.format(model="virtio", address=""),
    ).domain.document.text
    broken.write_text(text)
    assert main(["check", str(broken)]) == 1
    assert main(["check", str(broken), "--fix", "-o", str(fixed)]) == 0
    expected = text.replace(
        "<disk type='file' device='disk'>", "<disk type='file' device='disk' model='virtio-transitional'>"
    )
    expected = expected.replace("<model type='virtio'/>", "<model type='virtio-transitional'/>")
    assert fixed.read_text() == expected
    capsys.readouterr()
    assert main(["check", str(fixed), "--format", "json"]) == 0
    (review,) = json.loads(capsys.readouterr().out)
    assert review["ok"] is True
    assert {finding["verdict"] for finding in review["findings"]} == {"works"}


@pytest.mark.parametrize(
    ("declared", "codec", "mark"),
    [
        ("utf-8", "utf-8", b""),
        ("utf-8", "utf-8", b"\xef\xbb\xbf"),
        ("ISO-8859-1", "iso-8859-1", b""),
        ("utf-16", "utf-16-le", b"\xff\xfe"),
        ("utf-16", "utf-16-be", b"\xfe\xff"),
        ("utf-32", "utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32", "utf-32-be", b"\0\0\xfe\xff"),
    ],
)
def test_fix_keeps_encoding_and_line_ends(tmp_path: Path, declared: str, codec: str, mark: bytes) -> None:
    """Bytes outside of the change stay, whatever the encoding, mark and line ends."""
    text = _domain("q35", DISK.format(model="", bus="virtio", address="")).domain.document.text
    text = f"<?xml version='1.0' encoding='{declared}'?>\r\n" + text.replace("<name>t<", "<name>gr\xfc\xdfe<")
    text = text.replace("\n", "\r\n").replace("\r\r\n", "\r\n")
    old, new = tmp_path / "old.xml", tmp_path / "new.xml"
    old.write_bytes(mark + text.encode(codec))
    assert main(["check", str(old), "--fix", "-o", str(new)]) == 0
    expected = text.replace("device='disk'>", "device='disk' model='virtio-transitional'>")
    assert new.read_bytes() == mark + expected.encode(codec)


def test_fix_writes_out_what_libvirt_adds_by_itself() -> None:
    """A serial controller that is only implied, and a balloon that is not written, get their model written out."""
    channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
    resolved = _domain("q35", channel)
    review = check(resolved)
    (finding,) = review.findings
    assert (finding.kind, finding.better, finding.line) == ("console", "virtio-transitional", None)
    text = text_with_models(resolved, {0: finding.better})
    assert "    <controller type='virtio-serial' index='0' model='virtio-transitional'/>\n  </devices>" in text
    after = check(vk.resolve(vk.read(text.encode())))
    assert {f.verdict for f in after.findings} == {Verdict.WORKS}
    bare = vk.resolve(vk.read(text.replace("<memballoon model='none'/>", "").encode()))
    n = next(n for n, device in enumerate(bare.virtio_devices) if device.kind == "balloon")
    assert "<memballoon model='virtio-transitional'/>" in text_with_models(bare, {n: "virtio-transitional"})


def test_fix_of_a_dumped_domain_keeps_its_addresses() -> None:
    """With an address written, transitional on its root port works: QEMU has it there, so only the model changes."""
    resolved = _domain("q35", DISK.format(model="", bus="virtio", address=""))
    dumped = vk.resolve(vk.read(resolved.xml().encode()))
    (finding,) = check(dumped).findings
    assert finding.better == "virtio-transitional"
    assert "pcie-port" in finding.change


@pytest.mark.parametrize(("disks", "moved"), [(14, False), (15, True)])
def test_fix_of_a_dumped_domain_leaves_port_io_for_all(disks: int, moved: bool) -> None:
    """More transitional disks than there are windows of port I/O lose their root ports, and share a bridge."""
    resolved = _domain(
        "q35",
        "".join(
            DISK.format(model="", bus="virtio", address="").replace("vda", f"vd{chr(97 + n)}") for n in range(disks)
        ),
    )
    dumped = vk.resolve(vk.read(resolved.xml().encode()))
    review = check(dumped)
    assert {finding.moved for finding in review.findings} == {moved}
    moving, place = (", without <address>", "conventional-bridge") if moved else ("", "pcie-port")
    offer = f"(the device then offers virtio 0.9 and 1.0, at {place})"
    assert {finding.change for finding in review.findings} == {f"model='virtio-transitional'{moving} {offer}"}
    after = check(vk.resolve(vk.read(fixed(dumped, review).encode())))
    assert after.ok
    assert {finding.verdict for finding in after.findings} == {Verdict.WORKS}
    assert {finding.location for finding in after.findings} == {"conventional-bridge" if moved else "pcie-port"}


@pytest.mark.parametrize(("overrides", "better"), [(True, {"virtio-transitional"}), (False, {""})])
def test_fix_for_drivers_that_can_be_installed(overrides: bool, better: set[str]) -> None:
    """Fifteen disks share a bridge for drivers that Windows XP can be given, too; the strict rule has no remedy."""
    disk = DISK.format(model="", bus="virtio", address="")
    disks = "".join(disk.replace("vda", f"vd{letter}") for letter in "abcdefghijklmno")
    dumped = vk.resolve(vk.read(_domain("q35", disks).xml().encode()))
    review = check(dumped, "winxp", overrides=overrides)
    assert {finding.better for finding in review.findings} == better
    assert {finding.moved for finding in review.findings} == {overrides}


def test_a_domain_is_resolved_by_itself() -> None:
    """A review of the text of a domain is that of its resolution for the default host."""
    text = _domain("q35", DISK.format(model="", bus="virtio", address="")).domain.document.text
    assert check(text.encode()) == check(vk.resolve(vk.read(text.encode())))


def test_guest_by_name_goes_before_metadata() -> None:
    """--guest goes before the metadata of the XML; a guest that the database does not have is an error."""
    resolved = _domain("q35", DISK.format(model="", bus="virtio", address=""))
    assert check(resolved, "fedora42").ok
    with pytest.raises(GuestError, match="nearest"):
        check(resolved, "fedora4200")


def test_unknown_guest_is_unknown_not_wrong() -> None:
    """Without a guest OS nothing fails and nothing works."""
    review = check(_domain("q35", DISK.format(model="", bus="virtio", address=""), ""))
    assert {f.verdict for f in review.findings} == {Verdict.UNKNOWN}
    assert review.ok
    assert "no libosinfo metadata" in review.findings[0].reason


def test_unneeded_devices_are_no_failure() -> None:
    """A balloon, rng or unused SCSI controller without a driver is reported, but is no failure."""
    devices = (
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
        "<controller type='scsi' index='0' model='virtio-scsi'/>"
    )
    review = check(_domain("pc", devices, ""), "rhel5.8")
    verdicts = {f.kind: f.verdict for f in review.findings}
    assert verdicts == {"rng": Verdict.FAILS, "scsi": Verdict.FAILS}
    assert review.ok
    assert "not needed" in " ".join(f.advice for f in review.findings)


def test_other_devices_are_named_where_no_model_helps() -> None:
    """The advice for a guest without virtio drivers is SATA on q35 and IDE on pc, and pc for a guest without AHCI."""
    devices = DISK.format(model="", bus="virtio", address="") + NIC.format(model="virtio", address="")
    on_q35 = check(_domain("q35", devices), "win98")
    assert on_q35.findings[0].advice.startswith("put the disk on bus='sata'")
    without_ahci = check(_domain("q35", devices), "win2k")
    assert without_ahci.findings[0].advice.endswith("use machine='pc' and bus='ide' (target dev='hda')")
    on_pc = check(_domain("pc", devices), "win2k")
    assert "bus='ide'" in on_pc.findings[0].advice
    assert not on_pc.ok


def test_port_io_runs_out() -> None:
    """Fifteen transitional devices behind as many root ports leave no port I/O space; on one bridge they fit."""
    ports = "<controller type='pci' index='0' model='pcie-root'/>" + "".join(
        f"<controller type='pci' index='{n}' model='pcie-root-port'/>" for n in range(1, 17)
    )
    disks = "".join(
        DISK.format(
            model=" model='virtio-transitional'",
            bus="virtio",
            address=f"<address type='pci' domain='0' bus='{n}' slot='0' function='0'/>",
        ).replace("vda", f"vd{chr(96 + n)}")
        for n in range(1, 16)
    )
    review = check(_domain("q35", ports + disks))
    assert not review.ok
    assert any("out of I/O address space" in remark.text for remark in review.remarks)
    loose = "".join(
        DISK.format(model=" model='virtio-transitional'", bus="virtio", address="").replace("vda", f"vd{chr(96 + n)}")
        for n in range(1, 16)
    )
    assert check(_domain("q35", loose)).ok


def test_port_io_nearly_runs_out() -> None:
    """A warning says so when two windows of port I/O are left, and nothing when three are left."""
    found = {}
    for count in (11, 12):
        devices = ""
        for n in range(1, count + 1):
            address = f"<address type='pci' domain='0' bus='{n}' slot='0' function='0'/>"
            disk = DISK.format(model=" model='virtio-transitional'", bus="virtio", address=address)
            devices += f"<controller type='pci' index='{n}' model='pcie-root-port'/>"
            devices += disk.replace("vda", f"vd{chr(96 + n)}")
        remarks = check(_domain("q35", devices)).remarks
        found[count] = [(one.level, one.text) for one in remarks if "I/O" in one.text]
    assert found == {11: [], 12: [("warning", "12 of 14 windows of port I/O space are in use")]}


def test_hotplug_needs_a_bridge_beforehand() -> None:
    """The remark on RHEL 6 on q35 is there without a bridge, and not with one."""
    assert any("before the guest starts" in remark.text for remark in check(_domain("q35", "")).remarks)
    assert not check(_domain("q35", BRIDGE)).remarks
    assert not check(_domain("pc", "")).remarks
    assert not check(_domain("q35", ""), "fedora42").remarks
    # The database states an old network driver of Fedora 9 and nothing of its disks.
    assert any("before the guest starts" in remark.text for remark in check(_domain("q35", ""), "fedora9").remarks)


def test_convert_keeps_the_guest_bootable() -> None:
    """pc to q35: IDE to SATA, e1000 to e1000e, virtio to transitional for RHEL 6, addresses taken out."""
    devices = (
        "<disk type='file' device='cdrom'><target dev='hda' bus='ide'/>"
        "<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>"
        + DISK.format(model="", bus="virtio", address="")
        + NIC.format(model="e1000", address="<address type='pci' domain='0' bus='0' slot='0x03' function='0'/>")
        + "<controller type='pci' index='0' model='pci-root'/>"
    )
    resolved = _domain("pc", devices)
    conversion = convert(resolved, "q35")
    text = conversion.text
    assert "machine='q35'" in text
    assert "<target dev='sda' bus='sata'/>" in text
    assert "<model type='e1000e'/>" in text
    assert "model='virtio-transitional'" in text
    assert "pci-root" not in text
    assert "<address" not in text
    assert conversion.review.ok
    assert any("bus ide becomes sata" in step for step in conversion.steps)
    back = convert(vk.resolve(vk.read(text.encode())), "pc")
    assert "<target dev='hda' bus='ide'/>" in back.text
    assert back.review.ok


def test_convert_takes_free_places_on_the_new_bus() -> None:
    """A name whose place a SATA disk holds already is passed over, and CHS translation stays behind."""
    disk = "<disk type='file' device='disk'><source file='/{name}'/><target dev='{name}' bus='{bus}'/>{more}</disk>"
    written = "<address type='drive' controller='0' bus='0' target='0' unit='0'/>"
    geometry = "<geometry cyls='16383' heads='16' secs='63' trans='lba'/>"
    devices = disk.format(name="sdb", bus="sata", more=written) + disk.format(name="hda", bus="ide", more=geometry)
    conversion = convert(_domain("pc", devices), "q35")
    assert "<target dev='sdc' bus='sata'/><geometry cyls='16383' heads='16' secs='63'/>" in conversion.text
    assert written in conversion.text
    assert any("CHS translation lba removed" in step for step in conversion.steps)
    assert any("boot order" in step for step in conversion.steps)


def test_convert_replaces_watchdogs() -> None:
    """ib700 and itco are of one chipset; the itco that libvirt adds to every q35 domain is only taken away."""
    assert "i6300esb" in convert(_domain("pc", "<watchdog model='ib700' action='reset'/>"), "q35").text
    assert "watchdog" not in convert(_domain("q35", "<watchdog model='itco' action='reset'/>"), "pc").text
    assert "i6300esb" in convert(_domain("q35", "<watchdog model='itco' action='poweroff'/>"), "pc").text


def test_convert_reports_removed_controllers() -> None:
    """Removed controllers are reported even without any address, and those with settings by number."""
    controllers = (
        BRIDGE + "<controller type='pci' index='3' model='pcie-root-port'><target hotplug='off'/></controller>"
    )
    steps = convert(_domain("q35", controllers), "pc").steps
    assert "0 PCI addresses and 4 PCI controllers: removed, libvirt allocates new ones" in steps
    assert "controller pci 3: removed with its settings" in steps


@pytest.mark.parametrize(
    "inside",
    [
        "<loader readonly='yes' secure='yes' type='pflash'>/f</loader>",
        "<firmware><feature enabled='yes' name='secure-boot'/></firmware>",
    ],
)
def test_convert_refuses_to_leave_secure_boot(inside: str) -> None:
    """Secure boot needs q35, as libvirt says."""
    resolved = _domain("q35", "")
    text = resolved.domain.document.text.replace("</os>", f"{inside}</os>")
    text = text.replace("<devices>", "<features><acpi/><smm state='on'/></features><devices>", 1)
    with pytest.raises(Refused, match="Secure boot is supported with q35 machine types only"):
        convert(vk.resolve(vk.read(text.encode())), "pc")


def test_convert_keeps_the_machine_version() -> None:
    """pc-i440fx-9.0 becomes pc-q35-9.0."""
    assert "machine='pc-q35-9.0'" in convert(_domain("pc-i440fx-9.0", ""), "q35").text


def test_convert_reports_each_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says each change, and the review it prints is that of the converted domain."""
    old, new = tmp_path / "old.xml", tmp_path / "new.xml"
    old.write_text(_domain("pc", DISK.format(model="", bus="virtio", address="")).domain.document.text)
    assert main(["check", str(old), "--convert-to", "q35", "-o", str(new)]) == 0
    captured = capsys.readouterr()
    assert "machine: pc becomes q35" in captured.err
    assert "pc-q35" in captured.out
    assert "model='virtio-transitional'" in new.read_text()


def test_convert_refuses_what_is_there() -> None:
    """A q35 domain cannot become q35."""
    with pytest.raises(UsageError, match="already"):
        convert(_domain("q35", ""), "q35")


def test_command_on_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rejected input is reported, the others are checked, the exit code is 1; --fix takes a single domain."""
    (tmp_path / "a.xml").write_text(_domain("pc", "").domain.document.text)
    (tmp_path / "b.xml").write_text("<domain")
    assert main(["check", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "t: rhel6.10" in captured.out
    assert "b.xml" in captured.err
    assert main(["check", str(tmp_path), "--fix"]) == 2


DOMAINS = sorted((Path(__file__).resolve().parents[2] / "data" / "domains").glob("*.xml"))


@pytest.mark.parametrize("file", DOMAINS, ids=lambda file: file.stem)
def test_real_domains_can_be_fixed_and_converted(file: Path) -> None:
    """A fix leaves nothing to fix, and a conversion nothing worse, for domains of the kind people have."""
    resolved = vk.resolve(vk.read(file))
    before = check(resolved)
    after = check(vk.resolve(vk.read(fixed(resolved, before).encode())))
    assert not after.changes
    verdicts = {finding.device: finding.verdict for finding in after.devices}
    assert all(verdicts[finding.device] != "fails" for finding in before.devices if finding.better)
    conversion = convert(resolved, "pc" if resolved.family == "q35" else "q35")
    assert not conversion.review.changes
    assert {f.label for f in conversion.review.findings if f.verdict == "fails" and not f.harmless} <= {
        f.label for f in after.findings if f.verdict == "fails"
    }
