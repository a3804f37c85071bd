"""Readers of input formats: each turns bytes into domains, as the software that wrote them hands them to libvirt.

Built-in readers are rows of ``BUILT_IN``. A reader of another package is an entry point of the group
``virtkit.readers`` that names an object with the attributes of ``virtkit.readers.contract.Reader``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from virtkit.errors import InputError, NotADomain

if TYPE_CHECKING:
    from virtkit.readers.contract import Item, Reader, ReaderOptions, Reading

__all__ = [
    "BUILT_IN",
    "GROUP",
    "SAVED",
    "BuiltIn",
    "Option",
    "alike",
    "all_readers",
    "portions",
    "reader_of",
    "readings",
]

GROUP = "virtkit.readers"
"""The entry point group of readers that other packages bring."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option that a reader adds to every command that takes domains; ``name`` is without its dashes.

    The reader finds its value in ``ReaderOptions.values[name]``.
    """

    name: str
    metavar: str
    help: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A reader of this package, not yet imported: ``READER`` of the module ``virtkit.readers.NAME``.

    ``endings`` are removed from the name of a file to name its result, longest first; files with the endings in
    ``searched`` are taken from folders and archives.
    """

    name: str
    endings: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()

    def load(self) -> Reader:
        """The reader; its module is imported on first use."""
        return _loaded(self.name)


@cache
def _loaded(name: str) -> Reader:
    return cast("Reader", import_module(f"virtkit.readers.{name}").READER)


SAVED = ".save"
"""The ending of a save image; other files with this ending, such as those of an editor, are not taken from folders."""

#: The built-in readers, in the order in which they are asked whether an input is theirs. One row for each.
BUILT_IN: tuple[BuiltIn, ...] = (
    BuiltIn("libvirt", endings=(".in.xml", ".xml", ".save"), searched=(".xml", SAVED)),
    BuiltIn(
        "kubevirt",
        endings=(".vmi.yaml", ".vm.yaml", ".yaml", ".yml", ".json"),
        searched=(".yaml", ".yml"),
        options=(
            Option("kubevirt", "RELEASE", "KubeVirt release with its patch level, such as 1.6.3 (default: 1.9)"),
            Option(
                "topology",
                "V",
                "KubeVirt's PCI topology (default: that of the release); none: as converted, before ports are reserved",
                choices=("v1", "v2", "v3", "none"),
            ),
        ),
    ),
    BuiltIn("proxmox", endings=(".conf",)),
    BuiltIn("qemu_command_line", endings=(".cmdline", ".log", ".sh"), searched=(".cmdline",)),
)


_KUBERNETES = next(row for row in BUILT_IN if row.name == "kubevirt")
# The first line of YAML or JSON, after comments.
_YAML = re.compile(rb"(?:#.*\n|\s+)*+(?:[{\[]|---|- |[A-Za-z_][\w./-]*:(?:\s|$))")


def all_readers() -> Iterator[Reader]:
    """All readers in the order in which they are asked, those of other packages last."""
    for row in BUILT_IN:
        yield row.load()
    yield from _of_other_packages()


@cache
def _of_other_packages() -> tuple[Reader, ...]:
    """The readers of other packages; one that cannot be loaded is reported once and left out."""
    from importlib.metadata import entry_points

    found = []
    for point in entry_points(group=GROUP):
        try:
            found.append(cast("Reader", point.load()))
        except Exception as error:  # whatever the other package raises, the built-in formats are still read
            text = "the reader %s of another package (%s) cannot be loaded and is left out: %s: %s"
            logging.getLogger("virtkit").warning(text, point.name, point.value, type(error).__name__, error)
    return tuple(found)


def reader_of(data: bytes, file: str) -> Reader:
    """The reader of an input. Raises NotADomain when no reader recognises its format.

    libvirt's XML is recognised without importing another reader.
    """
    for reader in all_readers():
        if reader.detects(data, file):
            return reader
    text = data.lstrip()
    if not text or text.startswith(b"<") or file.endswith(".xml"):
        return BUILT_IN[0].load()  # its errors say what is wrong with XML
    from virtkit.readers.unread import seems

    guess = seems(data)
    if not guess and (_YAML.match(text) or file.endswith((".yaml", ".yml", ".json"))):
        return _KUBERNETES.load()  # it says what other YAML and JSON seem to be
    known = [reader.title for reader in all_readers()]
    expected = known[0] if len(known) == 1 else f"{', '.join(known[:-1])} or {known[-1]}"
    found = f"; {guess}" if guess else ""
    raise NotADomain(f"the format is not recognised; expected {expected}{found}", file or None)


def portions(data: bytes, file: str, size: int) -> Iterator[bytes]:
    """A long list as several texts of about ``size`` bytes with the same parts and lines; another text as it is."""
    if len(data) <= size:
        yield data
        return
    try:
        split = getattr(reader_of(data, file), "portions", None)
    except InputError:
        split = None
    yield from (data,) if split is None else split(data, size)


def alike(data: bytes, file: str) -> list[Item]:
    """The items of a list of objects, with a key that alike ones share; none where its reader cannot compare them."""
    if data.lstrip()[:1] == b"<":
        return []
    try:
        compare = getattr(reader_of(data, file), "alike", None)
    except InputError:
        return []
    return [] if compare is None else cast("list[Item]", compare(data))


def readings(data: bytes, file: str, options: ReaderOptions) -> Iterator[Reading]:
    """The parts of an input in order, from the reader that recognises it. Raises InputError."""
    yield from reader_of(data, file).read(data, file, options)
