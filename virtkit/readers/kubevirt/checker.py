"""What the checks of KubeVirt's admission share: the place of a field, and a refusal that names it."""

from __future__ import annotations

import re
from typing import NoReturn

from virtkit.errors import InputError
from virtkit.readers.kubevirt.architecture import Architecture, accepted
from virtkit.readers.kubevirt.documents import Mapping
from virtkit.wording import listed

__all__ = ["Checker"]

_PCI = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")


class Checker:
    """Raises InputError with the path, file and line of a field.

    ``arch`` is the architecture of the machine, ``path`` where its spec is in the object.
    """

    def __init__(self, arch: Architecture, path: str, file: str) -> None:
        self.arch = arch
        self.path = path
        self.file = file
        self._orders: dict[int, str] = {}

    def refuse(self, holder: Mapping, key: str, path: str, what: str) -> NoReturn:
        """Refuse the field ``path`` of the spec, on the line of ``key`` in ``holder``."""
        raise InputError(f"{self.path}.{path}: {what}", self.file, holder.line_of(key))

    def one_of(self, holder: Mapping, key: str, path: str, allowed: tuple[str, ...], where: str = "") -> None:
        """Refuse a text that is none of the accepted ones."""
        value = holder.text(key)
        if value and value not in allowed:
            self.refuse(holder, key, path, f"expected {listed(allowed, 'or')}{where}, got {value[:40]!r}")

    def value(self, holder: Mapping, key: str, path: str, field: str) -> None:
        """Refuse a value that admission does not accept for a field."""
        allowed = accepted(field, self.arch.name)
        if not allowed:
            self.refuse(holder, key, path, f"KubeVirt has no such device on {self.arch.name}")
        self.one_of(holder, key, path, allowed, f" on {self.arch.name}")

    def pci_address(self, holder: Mapping, path: str) -> None:
        """Refuse a malformed pciAddress."""
        value = holder.text("pciAddress")
        if value and not _PCI.fullmatch(value):
            what = f"expected an address such as 0000:81:00.0, got {value[:40]!r}"
            self.refuse(holder, "pciAddress", f"{path}.pciAddress", what)

    def boot_order(self, holder: Mapping, path: str) -> None:
        """Refuse a boot order below 1, and one that an earlier disk or interface has."""
        order = holder.get("bootOrder")
        if not isinstance(order, int):
            return
        if order < 1:
            self.refuse(holder, "bootOrder", f"{path}.bootOrder", f"expected 1 or more, got {order}")
        if order in self._orders:
            self.refuse(holder, "bootOrder", f"{path}.bootOrder", f"{self._orders[order]} has boot order {order}, too")
        self._orders[order] = path
