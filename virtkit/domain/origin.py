"""What a reader of another format notes in the metadata of the domain XML that it builds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.domain.domain import Domain

__all__ = ["KubeVirtOrigin", "kubevirt_origin", "note_kubevirt"]

_NAMESPACE = "urn:virtkit:kubevirt"
_TAG = f"{{{_NAMESPACE}}}machine"


@dataclass(frozen=True, slots=True)
class KubeVirtOrigin:
    """The KubeVirt object that a domain came from, and the PCI topology that it was given.

    ``slots`` is the number of NICs and placeholders for which addresses were assigned.
    """

    kind: str
    namespace: str
    name: str
    topology: str
    slots: int


def note_kubevirt(root: Element, origin: KubeVirtOrigin) -> None:
    """Write the origin into the metadata of a domain."""
    holder = etree.SubElement(root, "metadata")
    values = {"kind": origin.kind, "namespace": origin.namespace, "name": origin.name, "topology": origin.topology}
    etree.SubElement(holder, _TAG, values | {"slots": str(origin.slots)}, nsmap={"virtkit": _NAMESPACE})


def kubevirt_origin(domain: Domain) -> KubeVirtOrigin | None:
    """The origin of a domain, None for one that did not come from KubeVirt."""
    for found in domain.document.frame.iterfind(f"metadata/{_TAG}"):
        kind, namespace, name, topology = (found.get(key, "") for key in ("kind", "namespace", "name", "topology"))
        slots = found.get("slots", "")
        return KubeVirtOrigin(kind, namespace, name, topology, int(slots) if slots.isdigit() else 0)
    return None
