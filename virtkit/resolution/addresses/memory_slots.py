"""Slots of memory devices (dimm, nvdimm).

Source: libvirt, "Domain XML format", Memory devices; observed: libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from virtkit.domain.address import DimmAddress
from virtkit.domain.devices import Memory
from virtkit.domain.elements.reading import first_at
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft

__all__ = ["assign"]

CFG = "unsupported configuration"
INT = "internal error"

PCI_MEMORY = frozenset({"virtio-mem", "virtio-pmem"})


def _check_nodes(context: Context, draft: Draft) -> None:
    """Raises Refused for memory hotplug without a NUMA node; newer releases add one, except on s390x."""
    cells = len(context.cells)
    if cells:
        _check_cells(draft, cells)
        return
    if "uncounted-virtio-memory" not in context.behaves:
        most = context.find("maxMemory")
        if most is not None and context.family.name != "pseries" and (most.get("slots") or "0") != "0":
            raise Refused(CFG, "At least one numa node has to be configured when enabling memory hotplug")
    elif context.arch == "s390x":
        for memory in draft.devices.memories:
            if memory.model == "virtio-mem" and _node(memory) is not None:
                raise Refused(
                    INT,
                    "can't add memory backend as guest has no NUMA nodes configured",
                    memory.label,
                    memory.line,
                )


def _node(memory: Memory) -> str | None:
    """The NUMA node as it is written, None where none is."""
    written = memory.sample
    node = None if written is None else first_at(written, ("target", "node"))
    return None if node is None else (node.text or "").strip()


def _check_cells(draft: Draft, cells: int) -> None:
    """Raises Refused for a memory device whose NUMA node is missing or not there; virtio-pmem needs none."""
    for memory in draft.devices.memories:
        text = _node(memory) or ""
        if not text:
            if memory.model != "virtio-pmem":
                what = "target NUMA node needs to be specified for memory device"
                raise Refused(CFG, what, memory.label, memory.line)
        elif text.isdigit() and int(text) >= cells:
            what = f"can't add memory backend for guest node '{text}' as the guest has only '{cells}' NUMA nodes"
            raise Refused(CFG, what, memory.label, memory.line)


def assign(context: Context, draft: Draft) -> None:
    """Give each dimm and nvdimm without a slot the lowest free one.

    Raises Refused without maxMemory, for too many devices, and for a slot that is out of range, taken or not left.
    """
    memories = draft.devices.memories
    uncounted = "uncounted-virtio-memory" in context.behaves
    if not memories and (uncounted or "maxMemory" not in context.children):
        return
    _check_nodes(context, draft)
    if not memories:
        return
    most = context.find("maxMemory")
    if most is None:
        first = memories[0]
        raise Refused(
            CFG,
            "cannot use/hotplug a memory device when domain 'maxMemory' is not defined",
            first.label,
            first.line,
        )
    text = most.get("slots") or "0"
    slots = int(text) if text.isdigit() else 0
    counted = [one for one in memories if one.model not in PCI_MEMORY] if uncounted else memories
    if len(counted) > slots and not (uncounted and slots == 0):
        raise Refused(CFG, f"memory device count '{len(counted)}' exceeds slots count '{slots}'", counted[-1].label)
    taken: set[int] = set()
    for memory in memories:
        at = memory.address
        if isinstance(at, DimmAddress) and at.slot is not None:
            if at.slot >= slots:
                raise Refused(
                    CFG, f"memory device slot '{at.slot}' exceeds slots count '{slots}'", memory.label, memory.line
                )
            if at.slot in taken:
                raise Refused(
                    CFG,
                    f"memory device slot '{at.slot}' is already being used by another memory device",
                    memory.label,
                    memory.line,
                )
            taken.add(at.slot)
    for memory in memories:
        # An address of this type names its slot; one of another type is ignored.
        if memory.model not in ("dimm", "nvdimm") or isinstance(memory.address, DimmAddress):
            continue
        free = next((slot for slot in range(slots) if slot not in taken), None)
        if free is None:
            raise Refused(INT, "failed to find an empty memory slot", memory.label, memory.line)
        taken.add(free)
        memory.place(DimmAddress(free))
        draft.trace.record(memory, "dimm.first-free", free)
