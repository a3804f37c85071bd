"""The reader of QEMU command lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from virtkit import limits
from virtkit.domain.document import MAX_BYTES
from virtkit.errors import InputError
from virtkit.readers.contract import FoundDomain, NotRead, ReaderOptions, Reading, document_of
from virtkit.readers.qemu_command_line.domain import domain_of
from virtkit.readers.qemu_command_line.inputs import command_lines, looks_like_command_line, looks_like_configuration
from virtkit.readers.qemu_command_line.machine import machine_of
from virtkit.readers.qemu_command_line.names import clean
from virtkit.readers.qemu_command_line.plan import plan
from virtkit.readers.qemu_command_line.settings import Settings, add_configuration, settings_of
from virtkit.readers.qemu_command_line.words import CommandLine, Word
from virtkit.releases import Release, parse

__all__ = ["QemuCommandLine"]

_DEEPEST = 32
_LARGEST_CONFIGURATION = 1 << 20
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


class QemuCommandLine:
    """Reads the command lines of QEMU in a process's cmdline, output of ps, a shell script or a log of libvirt."""

    name = "qemu_command_line"
    title = "a QEMU command line"

    def detects(self, data: bytes, file: str) -> bool:
        """Whether the bytes start a QEMU system emulator with options."""
        return looks_like_configuration(data) or looks_like_command_line(data)

    def read(self, data: bytes, file: str, options: ReaderOptions) -> Iterator[Reading]:
        """One domain for each start of QEMU; of libvirt's log the last one. Raises InputError when there is none."""
        text = data.decode("utf-8", errors="replace")
        if looks_like_configuration(data):
            yield _of_configuration(text, file, options)
            return
        found = command_lines(text)
        if not found:
            what = "no start of QEMU in it; expected qemu-system-ARCH with options"
            raise InputError(what, file or None)
        names: dict[str, int] = {}
        for number, command in enumerate(found, 1):
            settings = settings_of(command, lambda value: _beside(file, value))
            title = settings.merged("name").get("guest") or (Path(file).stem if file and len(found) == 1 else "")
            title = clean(title) or f"qemu-{number}"
            safe = _UNSAFE.sub("_", title).strip("._") or f"qemu-{number}"
            names[safe] = names.get(safe, 0) + 1
            name = safe if names[safe] == 1 else f"{safe}-{names[safe]}"
            try:
                yield _domain(command, settings, file, options, title, name if len(found) > 1 else "")
            except InputError as error:
                yield NotRead(name, error)


def _of_configuration(text: str, file: str, options: ReaderOptions) -> Reading:
    """The machine of a configuration file alone."""
    settings = Settings("qemu-system-x86_64")
    add_configuration(settings, text)
    settings.remark(0, "a file for -readconfig: read as that of qemu-system-x86_64 without other options")
    command = CommandLine((Word(settings.program, 1),))
    title = settings.merged("name").get("guest") or (Path(file).stem if file else "") or "qemu"
    try:
        return _domain(command, settings, file, options, clean(title), "")
    except InputError as error:
        return NotRead(clean(title), error)


def _domain(
    command: CommandLine, settings: Settings, file: str, options: ReaderOptions, title: str, name: str
) -> FoundDomain:
    line = command.words[0].line
    machine = machine_of(settings.program, settings.merged("machine"))
    if machine is None:
        what = "the command line names no machine type, and this emulator has no default one; add -machine"
        raise InputError(what, file or None, line)
    if machine.assumed:
        settings.remark(line, machine.assumed)
    if not machine.root:
        what = f"machine type {clean(machine.type)}: its buses are not known to this reader"
        settings.remark(line, f"{what}; devices on PCI are left out")
    groups = settings.groups | {"device": settings.devices}
    count = sum(map(len, groups.values()))
    if count > limits.DEVICES.most:
        what = f"{count:,} devices and options; expected at most {limits.DEVICES.size}; {limits.DEVICES.remedy}"
        raise InputError(what, file or None, line)
    placed = plan(settings, machine, _release(command, options))
    if placed.tree.depth() > _DEEPEST:
        what = f"bridges are nested {placed.tree.depth()} levels deep; expected at most {_DEEPEST}; this limit is fixed"
        raise InputError(what, file or None, line)
    for group in placed.unknown:
        text = f"device {clean(group.get('driver'))!r} is not known; it is left out"
        settings.remark(group.line, f"{text}. If it is a PCI device without addr=, later ones are a slot further")
    root, lines = domain_of(placed, title)
    return FoundDomain(name, document_of(root, lines, file), tuple(settings.notes))


def _release(command: CommandLine, options: ReaderOptions) -> Release | None:
    """The QEMU release: of the log, or of the option ``qemu`` when it is a release."""
    if command.qemu is not None:
        return command.qemu
    text = options.values.get("qemu", "")
    return parse(text) if re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]+)?", text) else None


def _beside(file: str, value: str) -> str | None:
    """The text of a configuration file with the same name in the folder of the input; None when there is none."""
    name = Path(value).name
    if not file or not name:
        return None
    place = Path(file).parent / name
    try:
        if not place.is_file() or place.stat().st_size > min(_LARGEST_CONFIGURATION, MAX_BYTES):
            return None
        return place.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None
