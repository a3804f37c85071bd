"""The pair of libvirt and QEMU releases that a domain is resolved for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.display import Displayable
from virtkit.errors import CapabilityError
from virtkit.host import shipped
from virtkit.host.changes import Uncertain, uncertain
from virtkit.host.emulator import Emulator, emulator_arch
from virtkit.releases import DEFAULT, PAIRS, Release, dotted, in_release, nearest, parse, qemu_for

if TYPE_CHECKING:
    from virtkit.host.assumption import Assumption

__all__ = ["Host"]


class Host(Displayable):
    """A libvirt release and the QEMU binaries it runs.

    ``libvirt`` and ``qemu`` are ``(major, minor)``. Without ``emulators`` the shipped facts are used, and read when an
    architecture is first needed; with ``emulators`` (read from a user's documents) no shipped facts are used.

    A ``fixed`` host is the only one that a domain is resolved for. Without a named host, ``fixed`` is false, and
    a domain whose machine type the host lacks is resolved for the closest known host that has it; that host has an
    ``assumption`` that says so. ``notice`` says which nearest facts stand for a release without facts, else "".

    ``Host.default``, ``Host.named`` and ``Host.from_file`` make one; ``virtkit.resolve`` takes it.

    >>> import virtkit as vk
    >>> host = vk.Host.named(libvirt="9.0")
    >>> host.qemu, host.default_machine("x86_64")
    ((7, 2), 'pc-i440fx-7.2')
    >>> vk.resolve(vk.samples() / "ubuntu16.04-pc.xml", host)
    <Resolved 'ci-xenial' x86_64 pc-i440fx-5.2>
    """

    __slots__ = ("_given", "assumption", "fixed", "libvirt", "notice", "qemu")

    def __init__(
        self,
        libvirt: Release,
        qemu: Release,
        emulators: Iterable[Emulator] | None = None,
        *,
        fixed: bool = True,
        assumption: Assumption | None = None,
        notice: str = "",
    ) -> None:
        self.libvirt = libvirt
        self.qemu = qemu
        self.fixed = fixed
        self.assumption = assumption
        self.notice = notice
        self._given = None if emulators is None else {emulator.arch: emulator for emulator in emulators}

    @classmethod
    def default(
        cls, libvirt: str | Release | None = None, qemu: str | Release | None = None, *, strict: bool = False
    ) -> Host:
        """The host according to the shipped facts.

        ``libvirt`` None takes the default release, ``qemu`` None the release that goes with that libvirt
        (``releases.qemu_for``). The host is fixed when one of them is named, or with ``strict``.
        Raises CapabilityError when no facts of that QEMU release are shipped, UsageError for malformed text.
        """
        fixed = strict or libvirt is not None or qemu is not None
        wanted = DEFAULT if libvirt is None else parse(libvirt)
        release = qemu_for(wanted) if qemu is None else parse(qemu)
        known = shipped.releases()
        if release not in known:
            names = ", ".join(dotted(one) for one in known) or "none"
            raise CapabilityError(f"no facts of QEMU {dotted(release)} are shipped; available: {names}")
        return cls(wanted, release, fixed=fixed)

    @classmethod
    def observed(cls) -> tuple[Host, ...]:
        """The supported pairs of libvirt and QEMU releases, newest first."""
        return tuple(cls(libvirt, qemu) for libvirt, qemu in sorted(PAIRS.items(), reverse=True))

    @classmethod
    def from_file(cls, path: str | Path, libvirt: str | Release | None = None) -> Host:
        """The host that a user's document describes, or all the documents of a folder (one for each architecture).

        Accepted are libvirt's QEMU capability cache, ``virsh domcapabilities``, ``virsh capabilities``, replies to
        query-machines or qom-list-types, and files that ``virtkit data refresh`` writes. Without ``libvirt`` the
        release that the document names is used, else the default. Raises CapabilityError naming what is missing.
        """
        from virtkit.host.documents import UNKNOWN_RELEASE, merged, read_document

        place = Path(path)
        files = [place]
        if place.is_dir():
            files = sorted(file for file in place.iterdir() if file.suffix in (".xml", ".json"))
        if not files:
            raise CapabilityError(f"{place}: expected capability documents (*.xml, *.json) in the folder, found none")
        documents = [read_document(file) for file in files]
        emulators: dict[str, Emulator] = {}
        for document in documents:
            for emulator in document.emulators:
                known = emulators.get(emulator.arch)
                emulators[emulator.arch] = merged(known, emulator, str(place)) if known else emulator
        named = next((document.libvirt for document in documents if document.libvirt), None)
        wanted = parse(libvirt) if libvirt is not None else named or DEFAULT
        releases = {emulator.release for emulator in emulators.values()} - {UNKNOWN_RELEASE}
        if len(releases) > 1:
            names = ", ".join(dotted(one) for one in sorted(releases))
            raise CapabilityError(f"{place}: expected documents of one QEMU release, got {names}")
        release = releases.pop() if releases else qemu_for(wanted)
        return cls(wanted, release, [replace(one, release=release) for one in emulators.values()])

    @classmethod
    def named(cls, qemu: str = "", libvirt: str | Release | None = None, *, strict: bool = False) -> Host:
        """The host that a command line names: a QEMU release, a capability document or a folder of them, or "" for the
        release that goes with ``libvirt``.

        A QEMU release without shipped facts gives the nearest one with the machine types of the one that was named, and
        a ``notice``. ``strict`` fixes the host also
        where nothing is named. Raises as ``default`` and ``from_file`` do.

        >>> import virtkit as vk
        >>> vk.Host.named(libvirt="9.0")
        Host(libvirt='9.0', qemu='7.2')
        >>> vk.Host.named("9.1").notice
        'no facts of QEMU 9.1 are shipped; those of QEMU 10.0, the nearest, are used'
        """
        if qemu and not re.fullmatch(r"\d+\.\d+(\.\d+)?", qemu):
            return cls.from_file(qemu, libvirt=libvirt or None)
        if not qemu:
            return cls.default(libvirt or None, strict=strict)
        wanted, release = DEFAULT if not libvirt else parse(libvirt), parse(qemu)
        known = shipped.releases()
        if release in known or not known:
            return cls.default(wanted, release)
        near = nearest(release, known)
        notice = f"no facts of QEMU {qemu} are shipped; those of QEMU {dotted(near)}, the nearest, are used"
        from virtkit.host.adaptation import upstream

        own = [upstream(one, release) for one in shipped.load_all(near)]
        return cls(wanted, near, own, notice=notice)

    def emulator(self, arch: str) -> Emulator | None:
        """The emulator for an architecture in libvirt's or QEMU's spelling; None when the host has none."""
        name = emulator_arch(arch)
        if self._given is not None:
            return self._given.get(name)
        return shipped.load(self.qemu, name)

    def may_be_replaced(self, arch: str, machine: str | None) -> bool:
        """Whether another host may be assumed for a domain: no option named this one, and it lacks ``machine``."""
        if self.fixed or not machine:
            return False
        emulator = self.emulator(arch)
        return emulator is not None and emulator.machine(machine) is None

    def default_machine(self, arch: str) -> str | None:
        """The machine type that libvirt chooses for a domain that names none.

        ``arch`` in libvirt's or QEMU's spelling; the answer is an alias or a canonical name, or None.
        Source: ``data/libvirt/default-machines.csv``.
        """
        emulator = self.emulator(arch)
        for row in facts.table("libvirt/default-machines.csv"):
            names = {name for one in row["arch"].split() for name in (one, emulator_arch(one))}
            if arch in names and in_release(row, self.libvirt):
                return row["machine"]
        return emulator.default_machine if emulator else None

    @property
    def architectures(self) -> tuple[str, ...]:
        """QEMU's names of the architectures the host has an emulator for, sorted."""
        if self._given is not None:
            return tuple(sorted(self._given))
        return shipped.architectures(self.qemu)

    @property
    def uncertain(self) -> tuple[Uncertain, ...]:
        """The changes that its libvirt release may or may not have: see ``virtkit.host.changes``."""
        return uncertain(self.libvirt)

    def __repr__(self) -> str:
        return f"Host(libvirt={dotted(self.libvirt)!r}, qemu={dotted(self.qemu)!r})"
