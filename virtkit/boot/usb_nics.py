"""Names of USB NICs: by MAC address in some distributions, else by the port of their controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.boot.nic_names import NicName
from virtkit.guests.record import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.boot.naming import Scheme
    from virtkit.guests.record import Guest

__all__ = ["usb_end", "usb_name", "usb_policy"]

_POLICIES = "boot/usb-nic-names.csv"


def usb_policy(guest: Guest | None) -> str:
    """How a guest OS names USB NICs: mac, path, or unknown. Source: data/boot/usb-nic-names.csv."""
    if guest is None:
        return "path"
    version = version_key(guest.version)
    rows = [row for row in facts.table(_POLICIES) if guest.distro in row["distros"].split()]
    if version:
        rows = [row for row in rows if version >= version_key(row["since"])]
    return rows[-1]["names"] if rows else "path"


def usb_end(port: Iterable[int]) -> str:
    """The end of the name of a USB NIC: its chain of ports. Source: systemd.net-naming-scheme(7)."""
    return "".join(f"u{number}" for number in port)


def usb_name(policy: str, mac: str, scheme: Scheme) -> NicName | None:
    """The name of a USB NIC where the port does not decide; None where it does."""
    if policy == "path":
        return None
    if policy == "unknown":
        text = "unknown: no source says whether the guest OS names USB NICs by MAC address"
        return NicName("", text, scheme=scheme.name)
    if not mac:
        text = "unknown: the guest OS names USB NICs by MAC address, and the domain has none before libvirt chooses it"
        return NicName("", text, scheme=scheme.name)
    name = f"enx{mac.lower().replace(':', '')}"
    return NicName(name, "the guest OS names USB NICs by MAC address", path=name, scheme=scheme.name)
