"""The outcome of hot plug steps as text for a person and as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from virtkit.errors import VirtkitError
from virtkit.hotplug.changes import Change, row
from virtkit.hotplug.device import read_device
from virtkit.hotplug.moves import moves, moves_text
from virtkit.hotplug.remedies import Advice, advice, shortage
from virtkit.hotplug.verdict import judge_plug, lets_go
from virtkit.releases import NEWEST, dotted
from virtkit.topology.diff import compare
from virtkit.wording import counted, text_lines

if TYPE_CHECKING:
    from virtkit.compat.verdict import Judgement
    from virtkit.guests import Catalogue, Guest
    from virtkit.hotplug.session import Outcome, Session

__all__ = ["as_json", "judgements", "short_address", "text"]

_SIDES = {"live": "running domain", "config": "definition"}


def as_json(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as JSON: {"steps": [{"ok", "error" where refused, "live", "config"}]}.

    A side is a list of ["+" or "-", element, identity, address].
    """
    steps = []
    for outcome in outcomes:
        step: dict[str, Any] = {"ok": outcome.ok}
        if not outcome.ok:
            step["error"] = outcome.error
        step |= {"live": [list(one) for one in outcome.live], "config": [list(one) for one in outcome.config]}
        steps.append(step)
    return json.dumps({"steps": steps}, indent=1, ensure_ascii=False) + "\n"


def judgements(
    session: Session, outcomes: Sequence[Outcome], guest: Guest | None, known: Catalogue | None, overrides: bool
) -> dict[int, Judgement]:
    """For each new device of the running domain, by ``id()``, whether the guest OS finds and drives it."""
    now = session.running.snapshot()
    places = {row(one): one for one in now.devices}
    found = {}
    for outcome in outcomes:
        for device in outcome.devices:
            here = places.get(row(device))
            if here is not None:
                found[id(device)] = judge_plug(
                    now, here, guest, known, overrides=overrides, began=session.running.resolved
                )
    return found


def text(session: Session, outcomes: Sequence[Outcome], judged: dict[int, Judgement] | None = None) -> str:
    """The outcomes as lines for a terminal, with the devices that move at the next start below.

    ``judged`` is what ``judgements`` gives.
    """
    definition = session.definition.resolved
    lines = [f"{definition.name or 'domain'} ({definition.machine}, libvirt {dotted(definition.host.libvirt)})", ""]
    short = shortage(session.running, outcomes)
    given: set[Advice] = set()
    for outcome in outcomes:
        lines += _outcome(session, outcome, judged or {})
        said = advice(session.running, outcome, short)
        if said not in given:
            lines += [f"    {name}: {words}" for name, words in said._asdict().items() if words]
            given.add(said)
    count = sum(not outcome.ok for outcome in outcomes)
    lines += ["", f"{counted(len(outcomes) - count, 'step')} taken, {count} refused", *_moving(session)]
    return text_lines(lines)


def _outcome(session: Session, outcome: Outcome, judged: dict[int, Judgement]) -> list[str]:
    name = _name(outcome)
    verb = "attached" if outcome.step.do == "attach" else "detached"
    if not outcome.ok:
        side = f" for the {_SIDES[outcome.side]}" if outcome.side else ""
        lines = [f"{name}: refused{side}", f"    {outcome.error}"]
        for change in outcome.live:
            lines.append(f"    {'left behind' if change.sign == '+' else 'lost'}: {_place(change._replace(sign='+'))}")
        return lines
    lines = [f"{name}: {verb}"]
    for side, changes in (("live", outcome.live), ("config", outcome.config)):
        for change in changes:
            lines.append(f"    {_SIDES[side]}: {_place(change)}")
    if outcome.step.do == "detach" and outcome.live:
        began = session.running.resolved
        seen = [lets_go(began, device, began) for device in outcome.gone]
        lines.append("    the guest has to let go of it; a PCI device stays until it does")
        lines += [f"    guest: {words}" for words in seen if words]
    for device in outcome.devices:
        judgement = judged.get(id(device))
        if judgement is not None and device.kind != "controller":
            condition = f"; condition: {judgement.condition}" if judgement.condition and judgement.good else ""
            lines.append(f"    guest: {judgement.verdict}: {judgement.reason}{condition}")
    return lines


def _name(outcome: Outcome) -> str:
    try:
        device = read_device(outcome.step.xml)
        found = row(device.device(NEWEST))
        return " ".join(word for word in (found.element, *found.identity.split()) if word != "-1")
    except VirtkitError:
        return "device"


def _place(change: Change) -> str:
    sign = "" if change.sign == "+" else "removed "
    name = f"{change.element} {change.identity}".strip()
    return f"{sign}{name} at {short_address(change.address)}" if change.address else f"{sign}{name}"


def short_address(address: str) -> str:
    """An address as people write it: 0000:05:00.0 for PCI, the numbers with their names for others."""
    found = dict(pair.split("=", 1) for pair in address.split())
    form = found.pop("type")
    if form == "pci":
        numbers = (int(found[name], 16) for name in ("domain", "bus", "slot", "function"))
        return "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)
    return " ".join((form, *(f"{name} {value}" for name, value in found.items())))


def _moving(session: Session) -> list[str]:
    """What the guest finds changed at the next start, when the definition takes the place of what runs."""
    found = moves(compare(session.running.snapshot().topology, session.definition.resolved.topology))
    if not found:
        return ["at the next start nothing moves"]
    return [f"at the next start {counted(len(found), 'device differs', 'devices differ')}:", moves_text(found).rstrip()]
