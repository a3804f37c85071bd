"""The decisions of a policy as rows: what it writes for each guest, kind of device and machine, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.errors import UsageError
from virtkit.policy.bus_cost import ROOT
from virtkit.policy.comparison import OWN
from virtkit.policy.decide import Circumstances, decide, decide_machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from virtkit.guests import Guest, Support
    from virtkit.host import Host
    from virtkit.policy.rules import Policy

__all__ = ["COLUMNS", "decisions", "select_machines"]

#: Columns of ``decisions``, all text. ``device`` is "virtio", or the emulated device such as "e1000" or "sata";
#: ``model`` is the model in domain XML of a virtio, network or video device; ``created`` always, on-request or never.
COLUMNS = ("guest", "kind", "machine", "device", "model", "created", "reason", "source")

#: The kinds whose emulated devices are named by their model; disks are named by their bus.
_NAMED_BY_MODEL = ("net", "gpu")


def select_machines(text: str, host: Host, about: Circumstances) -> tuple[str, ...]:
    """The machines that a list names: "own", or machine types of the host's QEMU such as "pc". Raises UsageError."""
    emulator = host.emulator(about.arch)
    if emulator is None:
        raise UsageError(f"arch: expected one of {', '.join(host.architectures)}, got {about.arch!r}")
    found = tuple(dict.fromkeys(text.replace(",", " ").split())) or (OWN,)
    for word in found:
        if word != OWN and word not in emulator.machines:
            raise UsageError(f"machines: expected own or a machine type of {about.arch} such as pc, got {word!r}")
    return found


def decisions(
    policy: Policy,
    guests: Iterable[Guest],
    machines: Iterable[str],
    kinds: Iterable[str],
    about: Circumstances | None = None,
) -> Iterator[tuple[str, ...]]:
    """One row of COLUMNS for each guest, machine and kind; ``machines`` are families, or "own" for the policy's choice.

    A device that is never created has neither device nor model. A model on the root bus says so.

    >>> import virtkit as vk
    >>> from virtkit.policy.decision_table import decisions
    >>> rows = decisions(vk.load_policy("nova"), [vk.catalogue().find("win10")], ["own"], ["net", "vsock"])
    >>> [row[:6] for row in rows]
    [('win10', 'net', 'pc', 'e1000', 'e1000', 'always'), ('win10', 'vsock', 'pc', '', '', 'never')]
    """
    circumstances = about or Circumstances()
    asked, wanted = tuple(machines), tuple(kinds)
    for guest in guests:
        drivers: dict[tuple[str, bool], Support] = {}
        for name in asked:
            machine = decide_machine(policy, guest, circumstances).value if name == OWN else name
            for kind in wanted:
                found = decide(policy, guest, machine, kind, drivers, circumstances)
                device = found.value if found.outcome == "device" else "virtio"
                model = found.value if found.outcome == "model" or kind in _NAMED_BY_MODEL else ""
                if found.value in ("", "none"):
                    device = model = ""
                if model and found.slot == ROOT:
                    model = f"{model} on the root bus"
                yield guest.id, kind, machine, device, model, found.created.value, found.reason, found.source
