"""The targets: a reader or the whole way, with the seeds and the mutations of its inputs."""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fuzzing import seeds
from fuzzing.mutators import Mutator, bytes_mutator, data_mutator, text_mutator, xml_mutator
from fuzzing.packed import archive_mutator
from virtkit.domain.domain import Domain
from virtkit.errors import InputError, VirtkitError
from virtkit.inputs import InMemory, domains_in

__all__ = ["READERS", "TARGETS", "WAYS", "Target", "pick_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed. ``take`` reads an input: it returns whether something was read, and raises VirtkitError for what
    is refused; its second argument asks for every view. ``share`` is its share of the runs of its group."""

    name: str
    share: int
    ending: str
    seeds: Callable[[], Sequence[bytes]]
    mutator: Callable[[Sequence[bytes]], Mutator]
    take: Callable[[bytes, bool], bool]


def pick_of(data: bytes) -> int:
    """A number that depends on the input only, and chooses what is done with it."""
    return zlib.crc32(data)


@cache
def _folder() -> Path:
    """A folder for the readers that take a path; it is removed when the process ends."""
    place = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _domains(data: bytes, name: str) -> list[Domain]:
    """The domains of an input, whose parts are all read. Raises the first error of an input without a domain."""
    found: list[Domain] = []
    errors: list[InputError] = []
    for _, one in domains_in(InMemory("in", None, name, data=data)):
        if isinstance(one, Domain):
            found.append(one)
        elif isinstance(one, InputError):
            errors.append(one)
            _message(one)
    if errors and not found:
        raise errors[0]
    for one in found[:20]:
        _read(one)
    return found


def _message(error: VirtkitError) -> None:
    if not str(error).isprintable():
        raise AssertionError(f"a message that is not one line of text: {str(error)!r:.300}")


def _read(domain: Domain) -> None:
    """All that a reader says about a domain."""
    _ = domain.title, domain.uuid, domain.osinfo_id, domain.by_hand.notes, repr(domain)
    for device in domain.devices:
        _ = device.id, str(device.address), repr(device)


def _reader(name: str) -> Callable[[bytes, bool], bool]:
    return lambda data, every: bool(_domains(data, name))


def _way(name: str) -> Callable[[bytes, bool], bool]:
    def take(data: bytes, every: bool) -> bool:
        from fuzzing.way import go

        for number, domain in enumerate(_domains(data, name)[:3]):
            try:
                go(domain, pick_of(data) + number, every)
            except VirtkitError:
                if number == 0:
                    raise
        return True

    return take


def _host_document(data: bytes, every: bool) -> bool:
    from virtkit.host import Host
    from virtkit.host.documents import document_of

    document_of(data, "caps.xml")
    host = Host.from_file(_file("qemu-x86_64.xml", data))
    for arch in ("x86_64", "armv7l", "s390x"):
        emulator = host.emulator(arch)
        if emulator is not None:
            _ = emulator.names, repr(emulator), host.default_machine(arch)
    return True


def _domcaps(data: bytes, every: bool) -> bool:
    from virtkit.host import domcaps

    repr(domcaps.read(data, "caps.xml"))
    return True


def _osinfo(data: bytes, every: bool) -> bool:
    from virtkit.guests import osinfo

    if data.lstrip()[:1] == b"<":
        _file("db/os/x.org/x-1.xml", data)
        _file("db/os/x.org/x-2.xml", seeds.samples("osinfo-db")[1])
        place = _folder() / "db"
    else:
        place = _file("osinfo-db-20240101.tar", data)
    found = osinfo.read(place)
    for guest in found.guests[:5]:
        _ = repr(guest), guest.devices
    return True


def _policy(data: bytes, every: bool) -> bool:
    from virtkit.policy import document, lint

    policy = document.load(str(_file("p.yaml", data)))
    _ = repr(policy)
    if every or pick_of(data) % 8 == 0:
        lint.lint(policy)
    return True


def _parameters(data: bytes, every: bool) -> bool:
    from virtkit.reporting import parameters

    parameters.read(_file("p.json" if data[:1] in (b"{", b"[") else "p.yaml", data))
    return True


def _json_lines(data: bytes, every: bool) -> bool:
    from virtkit.fleet.json_lines import json_lines

    return _sources(json_lines(io.BytesIO(data), "a.jsonl"))


def _archive(data: bytes, every: bool) -> bool:
    from virtkit.fleet.archives import gather

    return _sources(gather([str(_file("archive.bin", data))]))


def _sources(found: object) -> bool:
    read = False
    for source in found:  # type: ignore[attr-defined]
        for _, one in domains_in(source):
            read = read or isinstance(one, Domain)
            if isinstance(one, InputError):
                _message(one)
    return read


def _kernel(data: bytes, every: bool) -> bool:
    from virtkit.guests.kernel_files import read_kernel

    found = read_kernel(_file("kernel", data))
    return bool(found.options)


def _device(data: bytes, every: bool) -> bool:
    from virtkit.hotplug.device import read_device
    from virtkit.releases import NEWEST

    repr(read_device(data.decode("utf-8", "replace")).device(NEWEST))
    return True


def _short_form(data: bytes, every: bool) -> bool:
    from virtkit.hotplug.device import read_device
    from virtkit.hotplug.forms import Names, devices_of

    text = data.decode("utf-8", "replace")
    if "/" in text or text.endswith(".xml"):
        return False
    for xml in devices_of(text, Names())[:4]:
        read_device(xml)
    return True


def _command(*words: str) -> Callable[[bytes, bool], bool]:
    """A command whose last argument is a file; its output is not checked, and its errors are VirtkitErrors."""

    def take(data: bytes, every: bool) -> bool:
        from virtkit.cli import main

        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said:
            code = main([*words, str(_file("in.csv", data))])
        if "Traceback" in said.getvalue():
            raise AssertionError(said.getvalue()[-500:])
        return code == 0

    return take


def _steps(data: bytes, every: bool) -> bool:
    from virtkit.commands.attach import steps_of

    steps_of(str(_file("steps.json", data)))
    return True


def _samples(name: str) -> Callable[[], Sequence[bytes]]:
    return lambda: seeds.samples(name)


def _domain_xml(some: Sequence[bytes]) -> Mutator:
    return xml_mutator(some, seeds.vocabulary())


def _json(some: Sequence[bytes]) -> Mutator:
    return data_mutator(some, only_json=True)


def _documents(some: Sequence[bytes]) -> Mutator:
    trees, raw = xml_mutator(some, seeds.vocabulary()), text_mutator(some)
    return lambda data, random: raw(data, random) if random.random() < 0.3 else trees(data, random)


def _archives(some: Sequence[bytes]) -> Mutator:
    return archive_mutator(some, xml_mutator(seeds.domains()[:8]))


def _kernels(some: Sequence[bytes]) -> Mutator:
    words, raw = text_mutator(some[:1]), bytes_mutator(some)
    return lambda data, random: words(data, random) if data[:1] in b"#C" else raw(data, random)


def _databases(some: Sequence[bytes]) -> Mutator:
    trees, packed = xml_mutator(some[:3]), archive_mutator(some, xml_mutator(some[:3]))
    return lambda data, random: trees(data, random) if data[:1] == b"<" else packed(data, random)


def _database_seeds() -> list[bytes]:
    from fuzzing.packed import tarred

    files = seeds.samples("osinfo-db")
    named = [("db/VERSION", b"20240101"), ("db/os/x.org/x-1.xml", files[0]), ("db/device/pcisig.com/a.xml", files[2])]
    return [*files, tarred(named)]


READERS = (
    Target("domain-xml", 320, ".xml", seeds.domains, _domain_xml, _reader("in.xml")),
    Target("libvirt-documents", 16, ".xml", seeds.documents, _documents, _reader("in.xml")),
    Target("device-xml", 940, ".xml", seeds.devices, _domain_xml, _device),
    Target("host-documents", 60, ".xml", _samples("host-documents"), xml_mutator, _host_document),
    Target("domain-capabilities", 260, ".xml", _samples("host-documents"), xml_mutator, _domcaps),
    Target("qmp-replies", 140, ".json", _samples("qmp-replies"), _json, _host_document),
    Target("kubevirt", 12, ".yaml", _samples("kubevirt"), data_mutator, _reader("in.yaml")),
    Target("command-lines", 12, ".cmdline", _samples("command-lines"), text_mutator, _reader("in.cmdline")),
    Target("proxmox", 4, ".conf", _samples("proxmox"), text_mutator, _reader("100.conf")),
    Target("json-lines", 16, ".jsonl", seeds.json_lines, lambda some: data_mutator(some, lines=True), _json_lines),
    Target("archives", 6, ".bin", seeds.archives, _archives, _archive),
    Target("osinfo-db", 16, ".xml", _database_seeds, _databases, _osinfo),
    Target("policies", 2, ".yaml", seeds.policies, data_mutator, _policy),
    Target("kernels", 50, ".bin", seeds.kernels, _kernels, _kernel),
    Target("parameters", 50, ".yaml", _samples("parameters"), data_mutator, _parameters),
    Target("short-forms", 86, ".txt", seeds.short_forms, text_mutator, _short_form),
    Target("steps", 8, ".json", seeds.steps, _json, _steps),
    Target("key-tables", 1, ".csv", _samples("key-tables"), text_mutator, _command("interface")),
    Target("firmware-tables", 1, ".csv", _samples("key-tables"), text_mutator, _command("firmware")),
)
"""One target for each reader."""

WAYS = (
    Target("way-domain-xml", 84, ".xml", seeds.domains, _domain_xml, _way("in.xml")),
    Target("way-kubevirt", 6, ".yaml", _samples("kubevirt"), data_mutator, _way("in.yaml")),
    Target("way-command-lines", 6, ".cmdline", _samples("command-lines"), text_mutator, _way("in.cmdline")),
    Target("way-proxmox", 4, ".conf", _samples("proxmox"), text_mutator, _way("100.conf")),
)
"""The whole way: resolve, write, resolve again, draw, check, attach."""

TARGETS = {one.name: one for one in (*READERS, *WAYS)}
