"""The port I/O windows that are counted, against the firmware that runs out of them: SeaBIOS, as QEMU brings it."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil

import pytest

from virtkit import read, resolve
from virtkit.host.qmp import Ask, converse
from virtkit.qemu_args import arguments
from virtkit.topology.port_io import budget

BINARY = shutil.which("qemu-system-x86_64")
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(BINARY is None, reason="qemu-system-x86_64 is not installed"),
]
RNG = "<rng model='{}'><backend model='random'>/dev/urandom</backend>{}</rng>"
PLACE = "<address type='pci' bus='{}' slot='{}'/>"


def domain(machine: str, devices: str) -> bytes:
    """A domain of these devices, and nothing that libvirt adds by habit."""
    kind = f"<type arch='x86_64' machine='{machine}'>hvm</type>"
    habit = "<controller type='usb' index='0' model='none'/><memballoon model='none'/>"
    text = (
        f"<domain type='qemu'><name>d</name><memory>262144</memory><os>{kind}</os><devices>{habit}{devices}</devices>"
    )
    return f"{text}</domain>".encode()


def ports(count: int, model: str) -> bytes:
    """A q35 with a device behind each of ``count`` root ports."""
    port = "<controller type='pci' index='{}' model='pcie-root-port'/>"
    buses = range(1, count + 1)
    return domain("q35", "".join(port.format(bus) + RNG.format(model, PLACE.format(bus, 0)) for bus in buses))


def bridges(count: int, devices: bool) -> bytes:
    """A pc with ``count`` pci-bridges, with or without a device behind each."""
    each = "<controller type='pci' index='{}' model='pci-bridge'/>"
    return domain(
        "pc",
        "".join(
            each.format(bus) + (RNG.format("virtio", PLACE.format(bus, 1)) if devices else "")
            for bus in range(1, count + 1)
        ),
    )


def boots(machine: str, devices: list[str]) -> bool:
    """Whether SeaBIOS gets as far as looking for a boot device; its messages go to port 0x402."""

    async def talk(ask: Ask) -> bool:
        await ask("cont")
        said = ""
        while True:
            said += base64.b64decode(
                await ask("ringbuf-read", {"device": "said", "size": 65536, "format": "base64"})
            ).decode(errors="replace")
            if "out of I/O address space" in said:
                return False
            if "Booting from" in said or "No bootable device" in said:
                return True
            await asyncio.sleep(0.02)

    monitor = ("-chardev", "ringbuf,id=said,size=65536", "-device", "isa-debugcon,iobase=0x402,chardev=said")
    plain = ("-accel", "tcg", "-nodefaults", "-display", "none", "-m", "256M", "-S")
    return converse(str(BINARY), [*plain, "-machine", machine, *monitor, *devices], talk, 60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "windows", "expected"),
    [
        (ports(14, "virtio-transitional"), 14, True),
        (ports(15, "virtio-transitional"), 15, False),
        (ports(20, "virtio"), 0, True),
        (bridges(8, True), 8, True),
        (bridges(9, True), 9, False),
        (bridges(9, False), 9, False),
    ],
    ids=["14 ports", "15 ports", "20 modern", "8 bridges", "9 bridges", "9 empty bridges"],
)
def test_the_windows_counted_are_those_firmware_runs_out_of(text: bytes, windows: int, expected: bool) -> None:
    """What is called exceeded does not boot, and what is not does."""
    resolved = resolve(read(text))
    machine = resolved.machine.rpartition("-")[0]
    words = [word for options in arguments(resolved) for word in ("-device", json.dumps(options))]
    found = budget(resolved.topology)
    assert (found.windows, found.exceeded) == (windows, not expected)
    assert boots({"pc-q35": "q35", "pc-i440fx": "pc"}[machine], words) == expected
