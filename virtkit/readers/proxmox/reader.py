"""The reader of Proxmox VE configurations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.errors import InputError
from virtkit.readers.contract import FoundDomain, NotRead, ReaderOptions, Reading, Skipped, document_of
from virtkit.readers.proxmox.conf import MOST, Conf, Entry, looks_like_conf, parse
from virtkit.readers.proxmox.devices import Shape, devices, windows
from virtkit.readers.proxmox.disks import drives
from virtkit.readers.proxmox.guest import add_guest
from virtkit.readers.qemu_command_line.domain import domain_of
from virtkit.readers.qemu_command_line.machine import Machine, machine_of
from virtkit.readers.qemu_command_line.options import Group
from virtkit.readers.qemu_command_line.plan import plan
from virtkit.readers.qemu_command_line.settings import Settings, add_options
from virtkit.readers.qemu_command_line.shell import commands
from virtkit.readers.qemu_command_line.words import Word

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["Proxmox"]

_PINNED = "5.1"
_PIN_FROM = (9, 1)
_FIRST_BOOT = 100
_SECTIONS = {
    "PENDING": "changes that take effect at the next start; not read",
    "special:cloudinit": "data of cloud-init, not a machine",
}


class Proxmox:
    """Reads ``NNN.conf`` of Proxmox VE; its snapshots are skipped."""

    name = "proxmox"
    title = "a Proxmox VE configuration"

    def detects(self, data: bytes, file: str) -> bool:
        """Whether the bytes have keys of a Proxmox VE machine."""
        return looks_like_conf(data, Path(file).name if file else "")

    def read(self, data: bytes, file: str, options: ReaderOptions) -> Iterator[Reading]:
        """The current configuration as a domain, then one Skipped for each section. Raises InputError."""
        conf = parse(data.decode("utf-8", errors="replace"))
        if conf.container:
            what = "this is the configuration of a Proxmox container, which has no virtual hardware"
            raise InputError(f"{what}; expected that of a virtual machine", file or None)
        try:
            yield _domain(conf, file)
        except InputError as error:
            yield NotRead(Path(file).stem, error)
        for section in conf.sections:
            reason = _SECTIONS.get(section.name, "a snapshot: the configuration of an earlier time; not read")
            yield Skipped(section.name[:60] or "section", reason, section.line)


def _domain(conf: Conf, file: str) -> FoundDomain:
    settings = Settings("qemu-system-aarch64" if conf.get("arch") == "aarch64" else "qemu-system-x86_64")
    settings.switches["nodefaults"] = 0
    if "template" in conf.entries and conf.entries["template"].on:
        settings.remark(conf.line("template"), "a template: shown as a machine that is cloned from it")
    machine = _machine(conf, settings)
    if machine is None or not machine.root:
        text = Entry(conf.get("machine"), 0).properties("type").get("type", "")
        expected = "expected pc, q35 or virt, with or without a version"
        raise InputError(f"machine type {text!r} is not known; {expected}", file or None, conf.line("machine"))
    for line in conf.stray[:3]:
        settings.remark(line, "expected KEY: VALUE; the line is left out")
    for key, number in conf.repeated:
        settings.remark(number, f"{key} is there again in line {conf.line(key)}, which counts")
    for kind, key, entry in conf.beyond():
        settings.remark(entry.line, f"{key}: Proxmox has {kind}0 to {kind}{MOST[kind]}; the line is left out")
    boot = _boot(conf)
    q35 = machine.family == "pc-q35"
    shape = Shape(q35, machine.arch == "aarch64", machine.version)
    # Only what args adds has places that the configuration names.
    own = devices(conf, shape, boot, settings.remark)
    settings.devices += [replace(one, table="addr" in one.values) for one in own]
    settings.groups["drive"] = [Group("drive", {"if": "none", "id": name} | one.values, one.line)
                                for name, one in drives(conf).items()]  # fmt: skip
    _size(conf, settings)
    _arguments(conf, settings)
    placed = plan(settings, machine, None)
    for group in placed.unknown:
        settings.remark(group.line, f"device {group.get('driver')[:60]!r} is not known; it is left out")
    title = re.sub(r"[^\w.-]", "_", conf.get("name")) or Path(file).stem or "vm"
    root, lines = domain_of(placed, title)
    if conf.get("bios") == "ovmf":
        _add_firmware(root)
    add_guest(root, conf, settings)
    return FoundDomain("", document_of(root, lines, file), tuple(settings.notes))


def _machine(conf: Conf, settings: Settings) -> Machine | None:
    """The machine type; one of Windows without a version is pinned, as Proxmox does."""
    name = Entry(conf.get("machine"), 0).properties("type").get("type", "")
    name = name.removesuffix(".pxe")
    default = "virt" if conf.get("arch") == "aarch64" else "pc"
    name = name or default
    if windows(conf) and name in ("pc", "q35"):
        created = Entry(conf.get("meta"), 0).properties().get("creation-qemu", "")
        match = re.match(r"(\d{1,3})\.(\d{1,3})", created)
        pinned = match[0] if match and (int(match[1]), int(match[2])) >= _PIN_FROM else _PINNED
        full = f"pc-i440fx-{pinned}" if name == "pc" else f"pc-q35-{pinned}"
        what = f"Proxmox pins a Windows machine without a version to {full}"
        settings.remark(conf.line("machine") or conf.line("ostype"), what)
        name = full
    group = Group("machine", {"type": name}, conf.line("machine"))
    if conf.get("acpi") == "0":
        group.values["acpi"] = "off"
    if not ("kvm" in conf.entries and not conf.entries["kvm"].on):
        settings.switches["enable-kvm"] = 0
    settings.groups["machine"] = [group]
    return machine_of(settings.program, group)


def _boot(conf: Conf) -> dict[str, str]:
    """The boot index of each device: of ``boot: order=…``, else the disk of ``bootdisk``."""
    order = conf.get("boot")
    if "order=" in order:
        names = re.split(r"[;, ]+", order.partition("order=")[2])
        return {name: str(_FIRST_BOOT + number) for number, name in enumerate(names) if name}
    return {conf.get("bootdisk"): str(_FIRST_BOOT)} if conf.get("bootdisk") else {}


def _size(conf: Conf, settings: Settings) -> None:
    memory = Entry(conf.get("memory"), 0).properties("current").get("current", "")
    settings.groups["memory"] = [Group("memory", {"size": memory or "512"}, conf.line("memory"))]
    values = {"sockets": conf.get("sockets"), "cores": conf.get("cores")}
    settings.groups["smp-opts"] = [Group("smp-opts", values, conf.line("cores"))]


def _arguments(conf: Conf, settings: Settings) -> None:
    """The options of ``args``, which Proxmox hands to QEMU last."""
    found = commands(conf.get("args")) if conf.get("args") else []
    line = conf.line("args")
    for command in found[:1]:
        words = tuple(Word(word.text, line) for word in command.words)
        add_options(settings, words, lambda name: None)


def _add_firmware(root: Element) -> None:
    os = root.find("os")
    if os is not None:
        etree.SubElement(os, "loader", readonly="yes", type="pflash")
