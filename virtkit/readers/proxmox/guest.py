"""The guest OS of a Proxmox VE configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from virtkit import facts

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.readers.proxmox.conf import Conf
    from virtkit.readers.qemu_command_line.settings import Settings

__all__ = ["add_guest"]

_NAMESPACE = "http://libosinfo.org/xmlns/libvirt/domain/1.0"


def add_guest(root: Element, conf: Conf, settings: Settings) -> None:
    """Write the system that ``ostype`` stands for into the metadata, and a note on what was understood.

    A value that names no release, such as l26, leaves the guest OS unknown.
    Source: data/proxmox/ostypes.csv.
    """
    value = conf.get("ostype")
    if not value:
        return
    row = next((row for row in facts.table("proxmox/ostypes.csv") if row["ostype"] == value), None)
    if row is None:
        what = f"ostype {value[:20]!r} names no release of a system; name the guest OS (--guest)"
    else:
        holder = root.find("metadata")
        holder = etree.SubElement(root, "metadata") if holder is None else holder
        system = etree.SubElement(holder, f"{{{_NAMESPACE}}}libosinfo", nsmap={"libosinfo": _NAMESPACE})
        etree.SubElement(system, f"{{{_NAMESPACE}}}os", id=row["guest"])
        systems = row["title"].replace(" and ", ", ").split(", ")
        if len(systems) == 1:
            return
        what = f"ostype {value} stands for {row['title']}; {systems[0]} is assumed (--guest names another)"
    settings.remark(conf.line("ostype"), what)
