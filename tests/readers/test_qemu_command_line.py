"""QEMU command lines: where they are found, how they are read, and the places that QEMU gives their devices."""

from __future__ import annotations

import contextlib
import json
import shlex
from pathlib import Path

import pytest

import virtkit as vk
from virtkit.cli import main
from virtkit.domain.domain import Domain
from virtkit.errors import InputError
from virtkit.readers import reader_of, readings
from virtkit.readers.contract import FoundDomain, NotRead, ReaderOptions, Skipped
from virtkit.resolved import Resolved
from virtkit.topology.diff import nodes

X86 = "qemu-system-x86_64"


def found(text: str | bytes, file: str = "", **options: str) -> list[FoundDomain]:
    """Every domain of an input; none may be unreadable."""
    data = text.encode() if isinstance(text, str) else text
    parts = list(readings(data, file, ReaderOptions(options)))
    assert all(isinstance(part, FoundDomain) for part in parts)
    return [part for part in parts if isinstance(part, FoundDomain)]


def one(text: str | bytes, **options: str) -> tuple[FoundDomain, Resolved]:
    """The only domain of an input, and its resolution."""
    (part,) = found(text, **options)
    return part, vk.resolve(Domain(part.document))


def places(text: str | bytes, **options: str) -> dict[str, str]:
    """The PCI place of each device by id (or by title), as BUS:SLOT.FUNCTION."""
    _part, resolved = one(text, **options)
    listed = nodes(resolved.topology)
    return {node.id: node.address.removeprefix("0000:") for node in listed if node.address.startswith("0000:")}


def interfaces(text: str) -> dict[str, str]:
    """The virtio interface of each device by id."""
    _part, resolved = one(text)
    return {one.id: str(one.shown.interface) for one in resolved.virtio_devices if one.shown is not None}


def test_devices_without_a_place_take_the_lowest_free_slots_after_the_display() -> None:
    """Without bus and addr QEMU fills the root bus in the order of creation, around the slots that are taken."""
    line = f"{X86} -M pc -nodefaults -vga std -device e1000,id=a -device e1000,id=b,addr=4 -device e1000,id=c"
    assert {name: places(line)[name] for name in "abc"} == {"a": "00:03.0", "b": "00:04.0", "c": "00:05.0"}


def test_a_command_line_without_nodefaults_has_a_display_a_nic_a_cdrom_and_a_floppy() -> None:
    """QEMU adds VGA, e1000, a CD-ROM drive and a floppy drive to pc, and e1000e but no floppy to q35."""
    _, pc = one(f"{X86} -M pc")
    _, q35 = one(f"{X86} -M q35")
    assert [nic.model for nic in pc.inventory.nics] == ["e1000"]
    assert [nic.model for nic in q35.inventory.nics] == ["e1000e"]
    assert [disk.device for disk in pc.inventory.disks] == ["cdrom", "floppy"]
    assert [disk.device for disk in q35.inventory.disks] == ["cdrom"]
    assert pc.inventory.videos[0].model == "vga"


def test_libvirt_adds_nothing_to_a_command_line() -> None:
    """No balloon, USB controller, input or watchdog is added to devices that QEMU placed."""
    _, resolved = one(f"{X86} -M q35 -nodefaults")
    assert {device.kind for device in resolved.devices if device.model != "none"} == {"controller"}
    assert [controller.type for controller in resolved.inventory.controllers] == ["pci", "sata", "usb"]


@pytest.mark.parametrize(("driver", "goes"), [("VGA", True), ("virtio-vga", True), ("bochs-display", False)])
def test_a_display_device_replaces_the_default_one(driver: str, goes: bool) -> None:
    """VGA and virtio-vga take the place of the default display, bochs-display does not."""
    _, resolved = one(f"{X86} -M q35 -device {driver}")
    assert len(resolved.inventory.videos) == (1 if goes else 2)


def test_drives_of_virtio_come_after_devices_and_before_json() -> None:
    """QEMU creates -device key=value first, then -drive if=virtio, then -device in JSON, wherever they are written."""
    json_device = shlex.quote('{"driver": "virtio-rng-pci", "id": "json"}')
    line = f"{X86} -M pc -nodefaults -device {json_device} -drive if=virtio,file=a.img -device virtio-rng-pci,id=plain"
    at = places(line)
    assert (at["plain"], at["virtio-disk0"], at["json"]) == ("00:02.0", "00:03.0", "00:04.0")


def test_a_number_of_json_is_a_slot_and_a_function() -> None:
    """addr is hexadecimal text in key=value, and 8 * slot + function as a number of JSON."""
    json_device = shlex.quote('{"driver": "e1000", "id": "a", "addr": 42}')
    line = f"{X86} -M pc -nodefaults -device {json_device} -device e1000,id=b,addr=10"
    assert places(line)["a"] == "00:05.2"
    assert places(line)["b"] == "00:10.0"


def test_devices_behind_bridges_begin_at_slot_0() -> None:
    """QEMU also uses slot 0 of a bridge, which libvirt leaves free."""
    line = (
        f"{X86} -M q35 -nodefaults -device pcie-pci-bridge,id=b -device rtl8139,bus=b,id=x -device e1000,bus=b,id=y "
        "-device pcie-root-port,id=p,chassis=1 -device virtio-net-pci,bus=p,id=z"
    )
    at = places(line)
    assert {name: at[name] for name in "bxypz"} == {
        "b": "00:01.0", "x": "01:00.0", "y": "01:01.0", "p": "00:02.0", "z": "02:00.0",
    }  # fmt: skip


def test_interfaces_follow_slot_switch_and_global() -> None:
    """A virtio device on pcie.0 is transitional and behind a port modern; switches and -global change that."""
    line = (
        f"{X86} -M q35 -nodefaults -global virtio-rng-pci.disable-legacy=on -device pcie-root-port,id=p,chassis=1 "
        "-device virtio-scsi-pci,id=root -device virtio-scsi-pci,bus=p,id=port -device virtio-rng-pci,id=rng "
        "-device virtio-net-pci,disable-modern=on,id=old -device virtio-net-pci-transitional,id=both "
        "-device virtio-serial-pci,disable-legacy=on,id=new"
    )
    assert interfaces(line) == {
        "root": "transitional", "port": "modern", "rng": "modern", "old": "legacy", "both": "transitional",
        "new": "modern",
    }  # fmt: skip


def test_a_scsi_disk_without_a_bus_goes_to_the_newest_controller() -> None:
    """QEMU looks for a bus from the newest device, and numbers the SCSI ids upwards."""
    line = (
        f"{X86} -M pc -nodefaults -device lsi,id=a -device virtio-scsi-pci,id=b -drive if=none,id=d,file=x "
        "-device scsi-hd,drive=d,id=p -device scsi-cd,id=q -device scsi-cd,id=r,bus=a.0"
    )
    _, resolved = one(line)
    assert [str(disk.address) for disk in resolved.inventory.disks] == ["1:0:0:0", "1:0:1:0", "0:0:0:0"]


def test_usb_devices_get_a_hub_at_the_last_port() -> None:
    """QEMU plugs a hub into the last free USB port when another device comes."""
    _, resolved = one(f"{X86} -M pc -nodefaults -usb -device usb-tablet -device usb-kbd -device usb-mouse")
    assert [str(device.address) for device in resolved.inventory.inputs] == ["0:1", "0:2.1", "0:2.2"]
    assert [str(hub.address) for hub in resolved.inventory.hubs] == ["0:2"]


def test_an_unknown_device_is_a_note_with_its_line() -> None:
    """What is unknown, or has no element in domain XML, is named with its line and not lost."""
    script = f"{X86} -M q35 -nodefaults \\\n  -device edu \\\n  -device frobnicator,id=f \\\n  -device e1000,id=n\n"
    part, _ = one(script)
    assert any(note.startswith("line 2: edu: domain XML has no element for it") for note in part.notes)
    assert any(note.startswith("line 3: device 'frobnicator' is not known") for note in part.notes)
    assert places(script)["n"] == "00:02.0"


def test_what_qemu_refuses_is_a_note() -> None:
    """A place that is taken, a missing bus and a function without multifunction are reported as QEMU's refusals."""
    devices = " -device ".join(["", "e1000,addr=3", "e1000,addr=3.1", "e1000,addr=3", "e1000,bus=x"])
    line = f"{X86} -M pc -nodefaults{devices}"
    part, _ = one(line)
    assert sum("so QEMU refuses the command line" in note for note in part.notes) == 3


SCRIPT = """\
#!/bin/bash
# starts the guest
RAM="2G"   # memory
DISK=/srv/disk.img
args=(
  -m "$RAM"
  -device virtio-scsi-pci,id=scsi0   # the controller
  -drive "if=none,id=hd,file=$DISK"
)
args+=(-device scsi-hd,drive=hd,bus=scsi0.0,id=sd)
exec sudo qemu-system-x86_64 -M q35 -nodefaults "${args[@]}" \\
    -name 'guest=two words' \\
    -device virtio-net-pci,netdev=n$UNSET,id=net \\
    $EXTRA
"""


def test_a_script_is_read_with_its_variables_arrays_and_lines() -> None:
    """Quotes, comments, continuations, variables and arrays are read, and what is unset is reported with its line."""
    part, resolved = one(SCRIPT)
    assert resolved.name == "two words"
    assert {device.id: device.line for device in resolved.devices if device.id in ("scsi0", "net")} == {
        "scsi0": 11, "net": 13,
    }  # fmt: skip
    assert resolved.inventory.disks[0].id == "sd"
    assert 'file="/srv/disk.img"' in part.document.text
    assert [note for note in part.notes if "not set" in note] == [
        "line 13: the variable $UNSET is not set in this script; it is read as empty",
        "line 14: the variable $EXTRA is not set in this script; it is read as empty",
    ]


def test_a_cmdline_of_a_process_is_read() -> None:
    """Arguments separated by NUL are read as they are, blanks included."""
    words = ["/usr/bin/qemu-system-x86_64", "-name", "a b,debug-threads=on", "-machine", "q35", "-nodefaults", ""]
    data = "\0".join(words).encode()
    _, resolved = one(data)
    assert (resolved.name, resolved.family) == ("a b", "q35")


def test_output_of_ps_gives_one_domain_for_each_process() -> None:
    """Each line of ps that runs QEMU is a domain; others are passed over."""
    text = (
        "  PID COMMAND\n   12 /usr/bin/qemu-system-x86_64 -name one -M q35 -nodefaults\n   13 bash -c x\n"
        '   14 qemu-system-x86_64 -name two -M pc -device {"driver": "e1000", "id": "n"}\n'
    )
    first, second = found(text)
    assert (first.name, second.name) == ("one", "two")
    assert vk.resolve(Domain(second.document)).inventory.nics[1].id == "n"


def test_of_a_libvirt_log_the_last_start_is_read() -> None:
    """The log of libvirt may hold several starts; the last one counts, with the lines of the file."""
    start = "2026-01-0{} 10:00:00.000+0000: starting up libvirt version: 9.0.0, qemu version: 7.2.22, kernel: 6.1\n"
    text = (
        start.format(1) + "LC_ALL=C \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=old \\\n-machine pc\n"
        "2026-01-01 11:00:00.000+0000: shutting down, reason=destroyed\n"
        + start.format(2)
        + "LC_ALL=C \\\nPATH=/bin \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=new,debug-threads=on \\\n"
        "-machine pc-q35-7.2,usb=off \\\n-nodefaults \\\n"
        """-device '{"driver":"virtio-rng-pci","id":"rng0","bus":"pcie.0","addr":"0x1"}' \\\n-net nic,addr=7\n"""
        "char device redirected to /dev/pts/3 (label charserial0)\n"
    )
    part, resolved = one(text)
    assert (resolved.name, resolved.machine) == ("new", "pc-q35-7.2")
    assert resolved.inventory.rngs[0].line == 14
    assert str(resolved.inventory.nics[0].address) == "0000:00:07.0"
    assert "the log has 2 starts; this is the last, of line 7" in part.notes


def test_a_readconfig_file_beside_the_input_is_read(tmp_path: Path) -> None:
    """A file of -readconfig is taken from the folder of the input, and its devices have the line of the option."""
    (tmp_path / "board.cfg").write_text(
        '# comment\n[device "port"]\n  driver = "pcie-root-port"\n  chassis = "1"\n  addr = "1c.0"\n'
        '[machine]\n  type = "q35"\n'
    )
    script = tmp_path / "start.sh"
    text = f"{X86} -nodefaults -readconfig /etc/qemu/board.cfg \\\n -device virtio-rng-pci,bus=port,id=r\n"
    script.write_text(text)
    (part,) = found(text, file=str(script))
    resolved = vk.resolve(Domain(part.document))
    assert str(resolved.inventory.rngs[0].address) == "0000:01:00.0"
    assert next(one for one in resolved.inventory.controllers if one.alias == "port").line == 1
    (part,) = found(text, file="elsewhere/start.sh")
    assert any("-readconfig board.cfg: the file is not at hand" in note for note in part.notes)


def test_notes_name_the_option_as_it_is_written() -> None:
    """A note on an option that domain XML cannot express names the option, not an element of libvirt's XML."""
    _, resolved = one("qemu-system-x86_64 -M q35 -global virtio-blk-pci.disable-legacy=on\n")
    (note,) = resolved.domain.by_hand.notes
    assert str(note) == (
        "line 1: -global sets disable-legacy=on on every virtio-blk-pci, which is taken into account"
    )


def test_a_comment_between_backticks_is_a_comment() -> None:
    """A line that goes on may hold `# a comment`, which gives no note; the output of a command does."""
    text = "qemu-system-x86_64 -M q35 {} \\\n -device virtio-rng-pci\n"
    part, resolved = one(text.format("`# the board`"))
    assert not any("output of a command" in note for note in part.notes)
    assert len(resolved.inventory.rngs) == 1
    part, _ = one(text.format("`echo`"))
    assert any("output of a command" in note for note in part.notes)


def test_a_configuration_file_alone_is_read() -> None:
    """A file for -readconfig is read as that of an x86_64 QEMU, with its own lines."""
    text = '# board\n[machine]\n  type = "q35"\n\n[device "n"]\n  driver = "virtio-net-pci"\n  addr = "6.0"\n'
    part, resolved = one(text)
    assert (resolved.family, next(nic.line for nic in resolved.inventory.nics if nic.id == "n")) == ("q35", 5)
    assert any("a file for -readconfig" in note for note in part.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("architecture: x86_64\nconfig:\n  a: b\ndevices: {}\n", "Incus or LXD instance"),
        ("[Unit]\nDescription=x\n", "an INI file"),
        ("[Service]\nExecStart=/usr/bin/qemu-system-x86_64 -M q35\n", "a systemd unit.*pass the command"),
        ("sudo virt-install --name x --disk size=10\n", "virt-install.*--print-xml"),
        ("& 'C:\\qemu\\qemu-system-x86_64.exe' -M q35\n", "for Windows"),
        ('.encoding = "UTF-8"\n', "VMware configuration"),
    ],
)
def test_what_is_not_read_is_named(text: str, said: str) -> None:
    """An input of another kind gets one line that says what it seems to be."""
    with pytest.raises(InputError, match=said):
        list(readings(text.encode(), "x", ReaderOptions()))


def test_an_ovf_descriptor_is_named() -> None:
    """OVF is XML of another kind: it is skipped with a line that says how to convert it."""
    (part,) = readings(b"<Envelope xmlns='http://schemas.dmtf.org/ovf/envelope/1'/>", "x.ovf", ReaderOptions())
    assert isinstance(part, Skipped)
    assert "OVF descriptor; convert it with virt-v2v" in part.reason


def test_secrets_are_in_no_output() -> None:
    """Passwords, secrets and the credentials of URLs reach neither the XML nor a message."""
    line = (
        f"{X86} -M pc -nodefaults -object secret,id=s,data=hunter2 -spice password=hunter2 "
        "-drive if=virtio,file=iscsi://user:hunter2@host/x "
        "-drive if=none,id=d,file.driver=rbd,file.password-secret=hunter2 "
        "-device virtio-blk-pci,drive=d -device mystery,password=hunter2 -device virtio-blk-pci,serial=x,drive=none "
        "-nic user,model=hunter -vnc :1,password=on"
    )
    part, resolved = one(line)
    assert "hunter2" not in part.document.text + "".join(part.notes) + resolved.xml()


def test_net_nic_addr_is_honoured_before_qemu_9() -> None:
    """QEMU 7.2 honours addr= of -net nic and 11.1 ignores it; without a release the newer one is assumed and said."""
    line = f"{X86} -M pc -nodefaults -net nic,model=rtl8139,addr=6"
    assert places(line, qemu="7.2")["net0"] == "00:06.0"
    assert places(line, qemu="11.1")["net0"] == "00:02.0"
    part, _ = one(line)
    assert any("addr= of -net nic is ignored" in note for note in part.notes)


def test_an_arm_machine_must_be_named() -> None:
    """qemu-system-aarch64 has no default machine type, so a command line without one cannot be read."""
    (part,) = readings(b"qemu-system-aarch64 -nodefaults -m 1G", "a.sh", ReaderOptions())
    assert isinstance(part, NotRead)
    assert "names no machine type" in str(part.error)
    _, resolved = one("qemu-system-aarch64 -M virt -drive file=a.img -device virtio-rng-pci,id=r")
    assert [str(device.address) for device in resolved.devices if device.id in ("net0", "r", "virtio-disk0")] == [
        "0000:00:03.0", "0000:00:01.0", "0000:00:02.0",
    ]  # fmt: skip


def test_set_changes_a_device_that_has_the_id() -> None:
    """-set device.ID.KEY=VALUE counts like a setting of a device that stands before it."""
    line = f"{X86} -M pc -nodefaults -set device.n.addr=8 -device e1000,id=n -set device.n.addr=9"
    assert places(line)["n"] == "00:09.0"
    part, _ = one(line)
    assert any("-set device.n.addr: no device before it has that id" in note for note in part.notes)


def test_s390x_devices_are_on_ccw() -> None:
    """Virtio devices of s390x get the device number of their subchannel, or the next free one."""
    _, resolved = one(
        "qemu-system-s390x -drive file=a.img -device virtio-rng,id=r -device virtio-scsi-ccw,id=s,devno=fe.0.0005 "
        "-device virtio-tablet,id=t -device virtio-net-pci,id=p"
    )
    at = {device.id: str(device.address) for device in resolved.devices}
    assert [at[name] for name in ("net0", "r", "s", "t", "virtio-disk0")] == [
        "fe.0.0000", "fe.0.0001", "fe.0.0005", "fe.0.0003", "fe.0.0004",
    ]  # fmt: skip
    assert at["p"] == "0000:00:00.0"


def test_pseries_has_its_nics_before_the_display() -> None:
    """pseries begins at slot 0 with its NICs, then the display, then the USB controller that a display brings."""
    _, resolved = one("qemu-system-ppc64 -nic user,model=e1000 -device virtio-rng-pci,id=r")
    listed = [device for device in resolved.devices if str(device.address or "").startswith("0000:")]
    at = {str(device.address): device.kind for device in listed}
    assert at == {
        "0000:00:00.0": "interface", "0000:00:01.0": "video", "0000:00:02.0": "controller", "0000:00:03.0": "rng",
    }  # fmt: skip


def test_commands_answer_on_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """resolve, topology, check and explain take a shell script as they take domain XML."""
    path = tmp_path / "start.sh"
    path.write_text(f"{X86} -M q35 -nodefaults -device virtio-net-pci,id=n\n")
    assert main(["resolve", str(path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["machine"] == "pc-q35-11.1"
    assert main(["explain", str(path)]) == 0
    assert main(["check", str(path), "--guest", "debian12"]) == 0


@pytest.mark.parametrize("data", [b"", b"<domain/>", b"apiVersion: v1\nkind: Pod\ncommand: qemu-system-x86_64 -M q\n"])
def test_other_formats_are_left_to_their_readers(data: bytes) -> None:
    """XML and YAML that mention QEMU are no command lines."""
    with contextlib.suppress(InputError):
        assert reader_of(data, "").name != "qemu_command_line"


@pytest.mark.parametrize(
    "text",
    [
        f"{X86} " + "-device e1000 " * 5000,
        f"{X86} -M q35 -device pcie-root-port,id=p0 "
        + " ".join(f"-device pcie-root-port,id=p{n},bus=p{n - 1}" for n in range(1, 60)),
    ],
)
def test_a_command_line_without_measure_is_refused(text: str) -> None:
    """Thousands of devices and bridges nested too deep are one error each, which comes soon."""
    (part,) = readings(text.encode(), "x.sh", ReaderOptions())
    assert isinstance(part, NotRead)
    assert "expected at most" in str(part.error)
