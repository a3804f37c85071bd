"""How model policies, slot policies, their findings and comparisons are shown in a notebook."""

from __future__ import annotations

from virtkit import display
from virtkit.draw.html_card import Card, Cell, verdict_cell
from virtkit.draw.palette import LOOKS
from virtkit.policy.review import Findings
from virtkit.policy.rollout import Rollout
from virtkit.policy.rules import Policy, when_words
from virtkit.policy.slots import Comparison, SlotPolicy
from virtkit.wording import counted

__all__ = ["comparison_html", "findings_html", "policy_html", "rollout_html", "slot_policy_html"]

_LEVELS = {"deny": "fails", "taint": "fails", "warn": "works-with-condition", "allow": "works"}


@display.html.register(Policy)
def policy_html(policy: Policy) -> str:
    """A policy: its sources, and its rules in words; the first rule that fits decides."""
    card = Card(policy.name, policy.title, policy.file)
    drivers = "with corrections" if policy.knows == "corrected" else "without corrections"
    card.line(f"guest database {drivers} · slot policy {policy.slots}", soft=True)
    card.table(
        ("line", "subject", "when", "gives", "reason", "source"),
        [
            (
                rule.line,
                ", ".join(rule.kinds) or rule.outcome,
                when_words(rule.when) or "always",
                Cell(rule.gives, "", LOOKS[_LEVELS[rule.value]] if rule.outcome == "finding" else ""),
                rule.reason,
                rule.source,
            )
            for rule in policy.current
        ],
        noun="rule",
    )
    for source in policy.sources:
        card.line(f"source: {source}", soft=True)
    return card.html()


@display.html.register(Findings)
def findings_html(findings: Findings) -> str:
    """The findings of a policy on a domain."""
    card = Card(counted(len(findings), "finding"), findings.policy)
    card.table(
        ("level", "domain", "guest", "device", "line", "finding"),
        [
            (
                Cell(one.level, "", LOOKS[_LEVELS[one.level]]),
                one.domain,
                one.guest,
                one.device,
                one.line,
                Cell(one.text, f"rule on line {one.rule}" if one.rule else ""),
            )
            for one in findings
        ],
        noun="finding",
    )
    return card.html()


@display.html.register(SlotPolicy)
def slot_policy_html(policy: SlotPolicy) -> str:
    """A slot policy: the kind of slot for each model."""
    card = Card(policy.name, policy.title, policy.source)
    card.table(("model", "slot"), policy.slots.items(), noun="model")
    return card.html()


@display.html.register(Comparison)
def comparison_html(found: Comparison) -> str:
    """Slot policies compared: the counts of each, and the cells that change."""
    card = Card(f"{counted(len(found.summary), 'slot policy')} compared", counted(len(found.cells), "cell"))
    heads = [str(name) for name in found.summary.columns]
    card.table([head.replace("_", " ") for head in heads], list(found.summary.itertuples(index=False)))
    changed = counted(len(found.changed), "cell differs", "cells differ")
    card.line(f"{changed} from the baseline" + (":" if len(found.changed) else ""))
    names = ["policy", "guest", "kind", "machine", "model", "before", "after", "reason"]
    rows = [
        (*row[:5], verdict_cell(str(row[5])), verdict_cell(str(row[6])), row[7])
        for row in found.changed[names].head(200).itertuples(index=False, name=None)
    ]
    card.table(names, rows, limit=20, noun=f"of {len(found.changed)}", plural=f"of {len(found.changed)}")
    return card.html()


@display.html.register(Rollout)
def rollout_html(found: Rollout) -> str:
    """A rollout: the outcome for the domains at each stage, and the unknown names."""
    card = Card(f"names of {found.subject}", counted(found.domains, "domain"), f"{found.rejected} rejected")
    if found.stages:
        outcomes = list(next(iter(found.stages.values())))
        card.table(("stage", *outcomes), [(stage, *counts.values()) for stage, counts in found.stages.items()])
    card.line(f"{counted(found.names, 'unknown name')} in {counted(found.disappear, 'domain')}")
    card.table(
        ("name", "hypervisor", "architecture", "devices", "domains", "nearest known name"),
        [(one.name, one.hypervisor, one.arch, one.devices, one.domains, one.nearest) for one in found.unknown],
        noun="name",
    )
    return card.html()
