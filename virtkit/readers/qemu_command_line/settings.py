"""What a command line configures, option by option: groups of settings, switches, and notes on what is not read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from virtkit.readers.qemu_command_line.known_files import known_devices
from virtkit.readers.qemu_command_line.options import Group, Option, configuration, key_values, options
from virtkit.readers.qemu_command_line.words import CommandLine, Word

__all__ = ["ReadConfig", "Settings", "add_configuration", "add_options", "settings_of"]

ReadConfig = Callable[[str], "str | None"]
"""Gives the text of a configuration file that ``-readconfig`` names, None when it is not at hand."""

_FIRST_KEYS = {
    "machine": "type", "M": "type", "device": "driver", "netdev": "type", "nic": "type", "net": "type", "m": "size",
    "smp": "cpus", "name": "guest", "accel": "accel", "fsdev": "fsdriver", "virtfs": "fsdriver", "boot": "order",
    "audio": "driver", "vga": "", "display": "type", "object": "qom-type", "blockdev": "driver",
}  # fmt: skip
_GROUPS = {"M": "machine", "m": "memory", "smp": "smp-opts", "boot": "boot-opts", "balloon": "", "readconfig": ""}
_DISKS = {"hda": 0, "hdb": 1, "hdc": 2, "hdd": 3}
_SWITCHES = frozenset({
    "usb", "nodefaults", "no-acpi", "enable-kvm", "nographic", "snapshot", "daemonize", "S", "s", "no-user-config",
})  # fmt: skip
_READ = frozenset({
    "machine", "device", "drive", "netdev", "nic", "net", "memory", "smp-opts", "name", "accel", "fsdev", "global",
    "blockdev", "boot-opts", "object", "set",
})  # fmt: skip


@dataclass(slots=True)
class Settings:
    """The groups of one command line by name, in order, and single values.

    ``devices`` are the ``-device`` options with those that stand for one (-virtfs, -watchdog, -balloon), in order.
    """

    program: str
    groups: dict[str, list[Group]] = field(default_factory=dict)
    devices: list[Group] = field(default_factory=list)
    values: dict[str, Option] = field(default_factory=dict)
    switches: dict[str, int] = field(default_factory=dict)
    sounds: list[Option] = field(default_factory=list)
    usb_devices: list[Option] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    removed: list[Option] = field(default_factory=list)

    def all(self, name: str) -> list[Group]:
        """The groups of a name, in order."""
        return self.groups.get(name, [])

    def merged(self, name: str) -> Group:
        """The groups of a name as one; later values replace earlier ones."""
        found: dict[str, str] = {}
        line = 0
        for group in self.all(name):
            found |= group.values
            line = line or group.line
        return Group(name, found, line)

    def remark(self, line: int, text: str) -> None:
        """Keep a sentence about a line once."""
        sentence = f"line {line}: {text}" if line else text
        if sentence not in self.notes:
            self.notes.append(sentence)


def settings_of(command: CommandLine, read_config: ReadConfig) -> Settings:
    """The settings of a command line; ``read_config`` finds the files of ``-readconfig``."""
    found = Settings(command.words[0].text, notes=list(command.notes))
    add_options(found, command.words[1:], read_config)
    return found


def add_options(found: Settings, words: tuple[Word, ...], read_config: ReadConfig) -> None:
    """Add the options of some words, as if they stood at the end of the command line."""
    for option in options(words):
        _take(found, option, read_config)


def _take(found: Settings, option: Option, read_config: ReadConfig) -> None:
    name = option.name
    if name == "":
        _disk(found, option, 0, "disk")
    elif name in _SWITCHES:
        found.switches[name] = option.line
        if name == "no-acpi":
            found.removed.append(option)
    elif name in _DISKS:
        _disk(found, option, _DISKS[name], "disk")
    elif name == "cdrom":
        _disk(found, option, 2, "cdrom")
    elif name in ("fda", "fdb"):
        values = {"if": "floppy", "index": str("ab".index(name[-1])), "file": option.value}
        _add(found, Group("drive", values, option.line))
    elif name == "pflash":
        _add(found, Group("drive", {"if": "pflash", "file": option.value}, option.line))
    elif name == "readconfig":
        _configuration(found, option, read_config)
    elif name in ("virtfs", "watchdog", "balloon"):
        _shorthand(found, option)
    elif name in ("soundhw", "audio"):
        found.sounds.append(option)
        if name == "soundhw":
            found.removed.append(option)
    elif name == "usbdevice":
        found.usb_devices.append(option)
        found.switches.setdefault("usb", option.line)
    elif name in _FIRST_KEYS or name in ("drive", "global", "set"):
        if name == "vga":
            found.values["vga"] = option
        else:
            _add(found, key_values(option, _FIRST_KEYS.get(name, "")))
    else:
        found.values[name] = option


def _add(found: Settings, group: Group) -> None:
    name = _GROUPS.get(group.name, group.name)
    group = Group(name, group.values, group.line, group.json, group.numbers)
    if group.json and not group.values:
        found.remark(group.line, f"-{name}: not a JSON object; the option is left out")
        return
    found.groups.setdefault(name, []).append(group)
    if name == "device":
        found.devices.append(group)
    elif name == "set":
        _set(found, group)


def _set(found: Settings, group: Group) -> None:
    """Change the device that ``-set device.ID.KEY=VALUE`` names; it must stand before."""
    for path, value in group.values.items():
        kind, _, rest = path.partition(".")
        ident, _, key = rest.rpartition(".")
        named = [device for device in found.devices if device.get("id") == ident and not device.json]
        if kind == "device" and named:
            named[-1].values[key] = value
        elif kind == "device":
            found.remark(group.line, f"-set {path}: no device before it has that id, so QEMU refuses the command line")


def _disk(found: Settings, option: Option, index: int, media: str) -> None:
    values = {"index": str(index), "media": media, "file": option.value}
    _add(found, Group("drive", values, option.line))


def _configuration(found: Settings, option: Option, read_config: ReadConfig) -> None:
    text = read_config(option.value)
    if text is None:
        base = option.value.rpartition("/")[2]
        known = known_devices(base, option.line)
        for group in known:
            _add(found, group)
        if known:
            return
        what = f"-readconfig {base}: the file is not at hand, so its devices are missing; put it beside the input"
        found.remark(option.line, what)
        return
    groups, notes = configuration(text, lambda _: option.line)
    found.notes += [f"-readconfig {option.value.rpartition('/')[2]}: {note}" for note in notes]
    for group in groups:
        _add(found, group)


def add_configuration(found: Settings, text: str) -> None:
    """Add the groups of a configuration file, each with its own line."""
    groups, notes = configuration(text)
    found.notes += notes
    for group in groups:
        _add(found, group)


def _shorthand(found: Settings, option: Option) -> None:
    """Add the device that an option stands for; QEMU enters it among the -device options where it is written."""
    from virtkit.readers.qemu_command_line.device_facts import named

    if option.name == "virtfs":
        group = key_values(option, "fsdriver")
        values = {"driver": "virtio-9p-pci", "mount_tag": group.get("mount_tag"), "fsdev": group.get("id")}
        found.devices.append(Group("device", values, option.line))
        found.groups.setdefault("fsdev", []).append(group)
        return
    drivers = named(option.name, option.value.partition(",")[0])
    if drivers is None:
        found.remark(option.line, f"-{option.name}: {option.value.partition(',')[0]!r} is not known; it is left out")
        return
    for driver in drivers:
        found.devices.append(Group("device", {"driver": driver}, option.line))
