"""Devices that are written alike are read once: with and without that memory, a domain becomes the same."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from functools import _lru_cache_wrapper
from random import Random
from typing import Any, NamedTuple

import pytest
from lxml import etree

from virtkit import Host, VirtkitError, check, read, resolve, samples
from virtkit.domain.devices import Controller, Device
from virtkit.domain.prototypes import MOST, OPEN, OPEN_VALUES, Samples, open_key
from virtkit.domain.prototypes import samples as known_elements
from virtkit.domain.source_map import outline
from virtkit.guests import Guest
from virtkit.guests.catalogue import catalogue
from virtkit.policy.slots import policy
from virtkit.releases import PROBED, dotted
from virtkit.resolution.constraints.options import options
from virtkit.resolution.constraints.rules import rules
from virtkit.resolution.pipeline import resolve_domain
from virtkit.resolved import Resolved
from virtkit.verify.generate import domains
from virtkit.verify.mutations import mutate


def _values(device: Device) -> list[object]:
    """Every field of a device, its element as its text, and its children as their texts."""
    element = device.element
    found: list[object] = [type(device), device.line, device.label, None if element is None else _text(element)]
    for field in fields(device):
        value: Any = getattr(device, field.name)
        if field.name == "children":
            value = {name: _text(child) for name, child in value.items()}
        if field.name not in ("origin", "alike"):
            found.append((field.name, repr(value)))
    return found


def _text(element: Any) -> str:
    return str(etree.tostring(element, with_tail=False, encoding="unicode"))


def _answer(data: bytes, host: Host) -> object:
    try:
        resolved = resolve(read(data), host)
    except VirtkitError as error:
        return type(error), error.args
    return resolved.xml(), list(resolved.trace), [_values(device) for device in resolved.devices]


def _inputs() -> list[tuple[bytes, str]]:
    random = Random(18)
    found = []
    for release in PROBED[-2:]:
        for _, text in domains(60, 18, release):
            found.append((text.encode(), dotted(release)))
            found.append((mutate(random, text).encode(), dotted(release)))
    return found + [(file.read_bytes(), dotted(PROBED[-2])) for file in sorted(samples().glob("*.xml"))]


def test_a_cold_and_a_warm_memory_give_the_same() -> None:
    """Devices, XML, trace and refusals of a domain do not depend on the domains that were read before it."""
    inputs = [(data, Host.named(libvirt=release)) for data, release in _inputs()]
    cold = []
    for data, host in inputs:
        known_elements.cache_clear()
        cold.append(_answer(data, host))
    known_elements.cache_clear()
    first = [_answer(data, host) for data, host in inputs]
    warm = [_answer(data, host) for data, host in reversed(inputs)][::-1]
    assert first == cold
    assert warm == cold


def test_devices_of_the_same_text_share_nothing_that_a_step_changes() -> None:
    """An option that one domain is given does not appear in the next one."""
    port = "<controller type='pci' index='1' model='pcie-root-port'/>"
    text = (
        "<domain type='kvm'><name>a</name><os><type arch='x86_64' machine='q35'>hvm</type></os>"
        f"<devices>\n{port}\n</devices></domain>"
    ).encode()
    written = [read(text).devices for _ in range(3)]
    for devices in written:
        (controller,) = devices
        assert isinstance(controller, Controller)
        assert not controller.options
        controller.options["chassis"] = 1
        controller.edits.append(controller.edits)  # type: ignore[arg-type]
    assert len({id(devices[0].element) for devices in written}) == 3


@pytest.mark.parametrize("release", PROBED, ids=dotted)
def test_no_rule_and_no_form_depends_on_an_open_value(release: tuple[int, int]) -> None:
    """The values that are left out of a key are never compared with words, and their usual forms are accepted."""
    usual = {"mac@address": "52:54:00:12:ab:ff", "@port": "65535", "source@file": "/a", "source@dev": "/dev/a"}
    for element, rule in rules(release):
        for term in rule.terms:
            assert not term.operator or term.path not in OPEN_VALUES.get(element, ()), rule
    for element, path, attribute, form in options(release):
        if f"{path}@{attribute}" in OPEN_VALUES.get(element, ()):
            assert form.refuses(usual[f"{path}@{attribute}"]) == ""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("disk", "<disk><source file='/a b'/></disk>", "/a b"),
        ("disk", "<disk><source file=''/></disk>", ""),
        ("disk", "<disk><source file='/a'/><mirror><source file='/b'/></mirror></disk>", ""),
        ("interface", "<interface><mac address=\"52:54:00:00:00:01\"/></interface>", "52:54:00:00:00:01"),
        ("interface", "<interface><mac address='53:54:00:00:00:01'/></interface>", ""),
        ("graphics", "<graphics port='5900' tlsPort='5901'/>", "5900"),
        ("graphics", "<graphics port='-1'/>", ""),
    ],
)
def test_the_key_leaves_out_usual_values_only(name: str, text: str, value: str) -> None:
    """A path, a unicast MAC address or a port is open where there is one; every other value is part of the key."""
    key, found = open_key(name, text)
    assert found == value
    assert key == (text.replace(value, OPEN) if value else text)


def test_an_open_value_of_another_element_is_not_taken() -> None:
    """A MAC address that is not the NIC's own stays part of the key, so the NIC keeps none."""
    shape = (
        "<domain type='kvm'><name>a</name><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>\n"
        "<interface type='network'><source network='n'><mac address='52:54:00:00:00:0{}'/></source></interface>\n"
        "</devices></domain>"
    )
    for number in (1, 2, 1):
        (nic,) = read(shape.format(number).encode()).inventory.nics
        assert nic.mac is None


def test_a_memory_forgets_what_is_not_asked_for() -> None:
    """The memory is bounded, and keeps what is used again."""
    memory = Samples()
    element = read(samples() / "rhel6-q35-virtio.xml").document.root
    memory.keep("used", "", "", element)
    for number in range(3 * MOST):
        memory.keep(f"once {number}", "", "", element)
        assert memory.find("used") is not None
    assert memory.find("once 0") is None


def test_a_namespace_makes_another_element() -> None:
    """``<disk>`` of a default namespace is no disk, however its text begins."""
    for _ in range(2):
        domain = read(
            b"<domain type='kvm'><name>a</name><os><type arch='x86_64' machine='q35'>hvm</type></os>"
            b"<devices>\n <disk xmlns='urn:other' type='file'><target dev='vda'/></disk>\n</devices></domain>"
        )
        assert domain.devices == ()
        assert outline(domain.document.text).names == ["disk"]


def test_a_prefix_means_what_its_own_document_says() -> None:
    """Children of devices that are written alike have the namespaces that their own documents give the prefix."""
    for namespace in ("urn:a", "urn:b", "urn:a"):
        domain = read(
            f"<domain type='kvm' xmlns:p='{namespace}'><name>a</name>"
            "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>\n"
            "<disk type='file'><source file='/a'/><p:more/><target dev='vda' bus='virtio'/></disk>\n"
            "</devices></domain>".encode()
        )
        (disk,) = domain.devices
        assert {child.tag for child in disk.children.values()} == {"source", f"{{{namespace}}}more", "target"}


def _different(text: bytes, number: int) -> bytes:
    """A domain with another MAC address, another path and, for every third, another option."""
    changed = text.replace(b"52:54:00:", b"52:54:%02x:" % (number % 64)).replace(b"'/var/", b"'/var%d/" % number)
    return changed if number % 3 else changed.replace(b"<driver name='qemu'", b"<driver name='qemu' copy_on_read='off'")


class _Asked(NamedTuple):
    """A question, with all that its answer may depend on."""

    data: bytes
    host: Host
    machine: str | None
    slots: str
    plugged: bool
    guest: Guest | None
    overrides: bool

    def answer(self) -> tuple[object, ...]:
        """The domain, its trace and its review, or the refusal."""
        slots = policy(self.slots) if self.slots else None
        try:
            resolved = Resolved(*resolve_domain(read(self.data), self.host, self.machine, slots, plugged=self.plugged))
        except VirtkitError as error:
            return type(error), error.args
        review = check(resolved, self.guest, overrides=self.overrides)
        return resolved.xml(), list(resolved.trace), [_values(device) for device in resolved.devices], review


def _questions() -> list[_Asked]:
    """Domains on hosts with the same libvirt and other emulators, and with other policies, guests and rules."""
    random = Random(19)
    newest = dotted(PROBED[-1])
    hosts = [Host.named("10.0", "7.0"), Host.named("10.0", newest), Host.named("11.1", newest)]
    known = [catalogue().find(name) for name in ("rhel6.10", "win11", "debian12")]
    # Another database has other facts about a guest of the same id.
    guests = [None, *known, *(replace(guest, devices=frozenset()) for guest in known)]
    texts = [file.read_bytes() for file in sorted(samples().glob("*.xml"))[:16]]
    texts += [text.encode() for _, text in domains(8, 19, PROBED[-1])]
    return [
        _Asked(
            _different(text, number),
            random.choice(hosts),
            random.choice((None, None, "q35")),
            random.choice(("", "A", "conventional")),
            random.random() < 0.3,
            random.choice(guests),
            random.random() < 0.7,
        )
        for number, text in enumerate(texts)
        for _ in range(4)
    ]


#: The rooms that keep answers; the others keep what they read from files of the package.
_FORGOTTEN = tuple(f"virtkit.{room}." for room in ("compat", "domain", "resolution", "topology", "virtio"))


def _forget() -> None:
    """Empty the memories, as in a new process."""
    for memory in gc.get_objects():
        if isinstance(memory, _lru_cache_wrapper) and memory.__module__.startswith(_FORGOTTEN):
            memory.cache_clear()


@pytest.mark.parametrize("most", [3, MOST])
def test_threads_that_share_the_memories_give_what_a_new_process_gives(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer does not depend on the questions before it, whatever they differ in, nor on those of other threads.

    Nor does it with memories that are always full.
    """
    monkeypatch.setattr("virtkit.domain.prototypes.MOST", most)
    monkeypatch.setattr("virtkit.resolution.addresses.connect_types.MOST", most)
    for name in ("accepted._MOST", "accepted._MOST_ADDED", "accepted._MOST_NOTES", "elements._MOST"):
        monkeypatch.setattr(f"virtkit.resolution.constraints.{name}", most)
    monkeypatch.setattr("virtkit.compat.judges._KEPT", most)
    monkeypatch.setattr("virtkit.compat.judges._MOST_JUDGES", most)
    monkeypatch.setattr("virtkit.virtio.devices._KEPT", most)
    monkeypatch.setattr("virtkit.virtio.devices._MACHINES", most)
    asked = _questions()
    cold = []
    for one in asked:
        _forget()
        cold.append(one.answer())
    assert sum(len(one) == 4 for one in cold) > len(asked) // 2
    _forget()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(3) as pool:
            # Each thread meets the domains in an order of its own.
            orders = [Random(seed).sample(range(len(asked)), len(asked)) for seed in range(3)]
            answers = list(pool.map(lambda order: {number: asked[number].answer() for number in order}, orders))
    finally:
        sys.setswitchinterval(before)
    for found in answers:
        assert [found[number] for number in range(len(asked))] == cold
