"""The facts of QEMU 7.2 and 11.1 that ship with the package, and the hosts made of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.writing import NEW, OLD
from virtkit import facts
from virtkit.errors import CapabilityError, UsageError
from virtkit.host import Emulator, Host, shipped
from virtkit.host.modules import not_installed

ARCHES = ("aarch64", "arm", "i386", "ppc64", "riscv64", "s390x", "x86_64")


def emulator(arch: str, libvirt: str = NEW) -> Emulator:
    """The shipped emulator; a test that asks for one that is not there is wrong."""
    found = Host.default(libvirt).emulator(arch)
    assert found is not None
    return found


def test_the_default_host_is_current() -> None:
    """libvirt 12.8 with QEMU 11.1 unless an older libvirt is named."""
    hosts = [
        Host.default(),
        Host.default(OLD),
        Host.default("9.0.0"),
        Host.default(NEW, "7.2"),
        Host.default((10, 5)),
    ]
    assert [(host.libvirt, host.qemu) for host in hosts] == [
        ((12, 8), (11, 1)),
        ((9, 0), (7, 2)),
        ((9, 0), (7, 2)),
        ((12, 8), (7, 2)),
        ((10, 5), (7, 2)),
    ]


def test_both_releases_have_their_architectures() -> None:
    """loongarch64 came after 7.2."""
    assert Host.default(OLD).architectures == ARCHES
    assert Host.default().architectures == tuple(sorted((*ARCHES, "loongarch64")))
    assert Host.default(OLD).emulator("loongarch64") is None


def test_libvirt_s_architecture_names_find_the_emulator() -> None:
    """i686, armv7l and ppc64le are run by binaries of other names."""
    host = Host.default()
    assert [found.arch for name in ("i686", "armv6l", "armv7l", "ppc64le") if (found := host.emulator(name))] == [
        "i386",
        "arm",
        "arm",
        "ppc64",
    ]


def test_machines_are_found_by_name_and_alias() -> None:
    """``q35`` is the newest pc-q35 of the release."""
    x86 = emulator("x86_64")
    assert x86.machines["q35"] is x86.machines["pc-q35-11.1"]
    assert x86.default_machine == "pc-i440fx-11.1"
    assert x86.machines["pc-i440fx-5.2"].deprecated
    assert (x86.machines["q35"].root, x86.machines["pc"].root) == ("pcie", "pci")
    assert emulator("aarch64").default_machine is None
    assert "none" not in x86.machines
    assert "q35" not in x86.names


def test_device_types_and_properties_are_certain() -> None:
    """A probed emulator knows what it has not, too."""
    assert emulator("x86_64").has("virtio-vga") is True
    assert emulator("aarch64").has("virtio-vga") is False
    assert emulator("x86_64", OLD).has_property("virtio-blk-pci", "scsi") is True
    assert emulator("x86_64").has_property("virtio-blk-pci", "scsi") is False
    assert emulator("x86_64").has_property("virtio-net-pci-transitional", "disable-legacy") is False
    assert emulator("x86_64").has_property("no-such-device", "anything") is False
    assert emulator("x86_64").has_property("virtio-net-pci", "a property that QEMU was not asked about") is None
    assert emulator("arm").has_property("ast2700-a1", "hotplug") is None


def test_importing_the_host_does_not_import_qmp() -> None:
    """``virtkit resolve`` works where qemu.qmp is not installed."""
    code = "import sys, virtkit.host, virtkit.host.qmp; sys.exit('qemu.qmp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("release", ["12", "12.8.0.1", "twelve.eight", "12.x", ""])
def test_a_malformed_release_is_refused(release: str) -> None:
    """The message says what is right."""
    with pytest.raises(UsageError, match=r"MAJOR\.MINOR"):
        Host.default(release)


def test_a_release_without_facts_is_refused() -> None:
    """The message names the releases there are."""
    with pytest.raises(CapabilityError, match=r"7\.2, 10\.0, 11\.1"):
        Host.default(NEW, "3.0")


def test_every_file_is_what_its_place_says() -> None:
    """Release, architecture and source of each file; written again it is the same text."""
    for file in sorted(facts.path("qemu").glob("*/*.json")):
        found = shipped.read(file.read_bytes(), str(file))
        assert f"{found.release[0]}.{found.release[1]}" == file.parent.name
        assert found.arch == file.stem
        assert "asked over QMP" in found.source
        assert shipped.dump(found) == file.read_text()
        assert len(found.devices) > 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format"),
        ({"devices": None}, "malformed"),
        ({"release": [1]}, "malformed"),
        ({"machines": [{"nam": "pc"}]}, "malformed"),
    ],
)
def test_a_broken_file_of_facts_is_refused(change: dict[str, object], message: str) -> None:
    """A wrong shape is an error with the file's name, not a crash later."""
    document = json.loads(facts.path("qemu/11.1/s390x.json").read_bytes()) | change
    with pytest.raises(CapabilityError, match=f"some.json.*{message}"):
        shipped.from_document(document, "some.json")


def test_missing_keys_are_named() -> None:
    """All of them, in one message."""
    with pytest.raises(CapabilityError, match="have no arch, release, package"):
        shipped.from_document({"format": 1}, "some.json")


def test_types_of_a_missing_module_name_the_module() -> None:
    """Debian 12 keeps half of virtio-gpu-gl in qemu-system-gui; a device that no module provides is not listed."""
    known = emulator("x86_64", OLD)
    gone = frozenset({"virtio-gpu-gl-device", "qxl", "qxl-vga", "e1000"})
    missing = not_installed(replace(known, devices=known.devices - gone), known)
    assert [(module.name, module.types) for module in missing] == [
        ("hw-display-qxl", ("qxl", "qxl-vga")),
        ("hw-display-virtio-gpu-gl", ("virtio-gpu-gl-device",)),
    ]
    assert "qemu-system-gui" in str(missing[1])
    assert not_installed(known, known) == ()


def test_back_ends_and_displays_stand_beside_device_types() -> None:
    """A list of device types alone does not name them."""
    known = emulator("x86_64")
    assert [known.has(name) for name in ("chardev-spicevmc", "display-sdl", "display-cocoa")] == [True, True, False]
    bare = replace(known, devices=frozenset({"qxl"}))
    assert [bare.has(name) for name in ("chardev-spicevmc", "display-sdl", "VGA")] == [None, None, False]


def test_the_default_machine_is_libvirt_s_choice() -> None:
    """QEMU's own default, but for architectures without one: virt from libvirt 9.3 on, before it the first in line."""
    old, new = Host.default(OLD), Host.default()
    assert [new.default_machine(arch) for arch in ("x86_64", "aarch64", "arm", "riscv64")] == [
        "pc-i440fx-11.1", "virt", "virt", "virt",
    ]  # fmt: skip
    assert [old.default_machine(arch) for arch in ("ppc64", "aarch64", "riscv64", "vax")] == [
        "pseries-7.2", "integratorcp", "spike", None,
    ]  # fmt: skip
