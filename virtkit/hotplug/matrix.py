"""The compatibility matrix for devices that are plugged into a running guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.compat.manual_slots import AUTO
from virtkit.compat.matrix import (
    framed,
    select_guests,
    select_kinds,
    select_machines,
    select_models,
)
from virtkit.compat.matrix import matrix as cold_matrix
from virtkit.compat.prober import Prober
from virtkit.errors import UsageError
from virtkit.guests import catalogue
from virtkit.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from virtkit.compat.frame import Matrix
    from virtkit.guests import Catalogue, Guest

__all__ = ["PLUGS", "matrix"]

PLUGS = ("cold", "hot")
"""Whether the device is there when the guest starts, or is plugged in while it runs."""


def matrix(
    guests: str | Sequence[Guest | str] | None = None,
    machines: str | Iterable[str] | None = None,
    models: str | Iterable[str] | None = None,
    kinds: str | Iterable[str] | None = None,
    *,
    plug: str = "cold",
    placements: str | Iterable[str] | None = None,
    overrides: bool = True,
    host: Host | None = None,
    arch: str = "x86_64",
    guest_database: Catalogue | None = None,
    prober: Prober | None = None,
) -> Matrix:
    """Whether each guest drives each kind of device, on each machine, with each model: a DataFrame, a row for each.

    ``plug`` "cold" judges a device that is there when the guest starts: see ``virtkit.compat.matrix.matrix`` for the
    columns and the other arguments. "hot" judges one that is plugged into the running guest, on a domain with free
    root ports and a pcie-to-pci-bridge where the machine has PCI Express: the verdict is the worse one of whether the
    guest has the driver and whether it notices the device there (``evidence`` is "boot" where a booted guest showed
    it); ``interface`` is "refused" where libvirt or QEMU does not take the device while the guest runs. Raises
    GuestError and UsageError.

    >>> import virtkit as vk
    >>> frame = vk.matrix("debian12,rhel6.10,win10", "q35", "virtio", "block", plug="hot")
    >>> frame[["guest", "placement", "verdict", "evidence"]]
          guest  placement  verdict evidence
    0  debian12  pcie-port    works     boot
    1  rhel6.10  pcie-port    fails       db
    2     win10  pcie-port  unknown     rule
    """
    if plug not in PLUGS:
        raise UsageError(f"plug: expected {' or '.join(PLUGS)}, got {plug!r}")
    if plug == "cold":
        return cold_matrix(
            guests, machines, models, kinds,
            placements=placements, overrides=overrides, host=host, arch=arch, guest_database=guest_database,
            prober=prober,
        )  # fmt: skip
    if placements not in (None, AUTO):
        raise UsageError("plug hot: libvirt chooses the slot of the running domain; leave the placements out")
    host = host or Host.default()
    known = guest_database or catalogue()
    prober = prober or Prober(host, arch)
    asked = [(name, AUTO, model) for name in select_machines(machines, host, arch) for model in select_models(models)]
    chosen, chosen_kinds = select_guests(guests, known), select_kinds(kinds)
    from virtkit.hotplug.plugged import judge_plugged

    cells = judge_plugged(prober, chosen, chosen_kinds, asked, overrides)
    result = framed(cells, known, host, overrides)
    result.attrs["plug"] = plug
    return result
