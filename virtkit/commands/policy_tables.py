"""The verbs of ``virtkit policy`` that print tables: decide, compare, score, review and slots."""

from __future__ import annotations

import argparse
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.commands.options import add_database_options, add_host_options, chosen_catalogue, chosen_host
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from virtkit.policy.decide import Circumstances
    from virtkit.policy.rules import Criterion, Policy

    _Verbs = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["OUTPUT", "VERBS", "register", "verb_parser"]

_GUESTS = "guests: short ids, patterns, family=F, distro=D (default: all)"
_POLICY = "name of a shipped policy, or a .yaml file; NAME@RELEASE for the rules of a release"
OUTPUT = "write to this file (default: standard output)"


def verb_parser(verbs: _Verbs, name: str, text: str, example: str) -> argparse.ArgumentParser:
    """The parser of a verb with its description and an example."""
    description = f"{text[0].upper()}{text[1:]}."
    return verbs.add_parser(name, help=text, description=description, epilog=f"Example: virtkit policy {example}")


def register(verbs: _Verbs) -> None:
    """Adds the verbs of tables."""
    _add_decide(verbs)
    _add_compare(verbs)
    _add_score(verbs)
    _add_review(verbs)
    _add_slots(verbs)


def _add_decide(verbs: _Verbs) -> None:
    text = "list what a policy decides: a row for each guest, machine and kind of device"
    verb = verb_parser(verbs, "decide", text, "decide nova --guests 'rhel*' --kinds net --format csv")
    verb.add_argument("policy", metavar="POLICY", help=_POLICY)
    verb.add_argument("--kinds", metavar="SEL", help="device kinds (default: all)")
    verb.add_argument(
        "--machines",
        metavar="SEL",
        default="own",
        help="machine families, such as pc,q35, or own for the one that the policy chooses (default: own)",
    )
    _circumstances(verb)
    verb.add_argument("--guests", metavar="SEL", help=_GUESTS)
    _table(verb)


def _add_compare(verbs: _Verbs) -> None:
    example = "compare virt-install virt-v2v --guests 'rhel6*'"
    text = "list the cells in which two policies differ, of devices that both write"
    verb = verb_parser(verbs, "compare", text, example)
    verb.add_argument("before", metavar="BEFORE", help=_POLICY)
    verb.add_argument("after", metavar="AFTER", help=_POLICY)
    verb.add_argument("--effect", choices=("better", "worse", "other"), help="only cells with this change")
    verb.add_argument("--kinds", metavar="SEL", help="device kinds (default: all)")
    verb.add_argument(
        "--by",
        choices=("family", "cell"),
        help="one row for equal changes of a family of guests, or for each cell (default: family in a table, cell in "
        "CSV and JSON)",
    )
    verb.add_argument(
        "--apart", action="store_true", help="list the devices that only one of the policies writes, instead of cells"
    )
    _circumstances(verb)
    _selections(verb, "own")


def _add_score(verbs: _Verbs) -> None:
    example = "score virt-install recommended --details"
    verb = verb_parser(verbs, "score", "score all policies, or some", example)
    verb.add_argument("policies", nargs="*", metavar="POLICY", help="names or .yaml files (default: all shipped)")
    verb.add_argument(
        "--details", action="store_true", help="a row for each policy and criterion: count, weight and points"
    )
    _criteria(verb)
    _circumstances(verb)
    _selections(verb, "own")


def _add_review(verbs: _Verbs) -> None:
    text = "decide on policies, compared with a baseline"
    verb = verb_parser(verbs, "review", text, "review virt-install recommended --record decision.md")
    verb.add_argument("policies", nargs="*", metavar="POLICY", help="names or .yaml files (default: all shipped)")
    baseline = "compare with this policy (default: virt-install)"
    verb.add_argument("--baseline", metavar="P", default="virt-install", help=baseline)
    verb.add_argument("--record", metavar="FILE", help="write a decision record (ADR, Markdown) to this file")
    _criteria(verb)
    _circumstances(verb)
    _selections(verb, "own")


def _add_slots(verbs: _Verbs) -> None:
    text = "compare the slot policies A, B and C"
    verb = verb_parser(verbs, "slots", text, "slots --guests 'family=linux'")
    verb.add_argument("--guests", metavar="SEL", help=_GUESTS)
    verb.add_argument("--machines", metavar="SEL", help="machine types (default: all)")
    verb.add_argument("--kinds", metavar="SEL", help="device kinds (default: all)")
    verb.add_argument(
        "--table",
        choices=("summary", "changed", "buses", "broken"),
        default="summary",
        help="which table to write (default: summary)",
    )
    _table(verb)


def _criteria(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--criteria", metavar="P", default="recommended", help="the policy whose criteria count (default: recommended)"
    )
    verb.add_argument("--weights", metavar="LIST", default="", help="other weights: buses=-0.5,migration=0")


def _circumstances(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--request",
        metavar="LIST",
        default="",
        help="what the user asks for: kinds of device, all, or requests that virtkit policy show lists",
    )
    firmware = "firmware of the guests (default: bios)"
    verb.add_argument("--firmware", choices=("bios", "efi"), default="bios", help=firmware)
    verb.add_argument("--arch", metavar="ARCH", default="x86_64", help="architecture of the guests (default: x86_64)")


def _selections(verb: argparse.ArgumentParser, machines: str) -> None:
    verb.add_argument("--guests", metavar="SEL", help=_GUESTS)
    verb.add_argument(
        "--machines",
        metavar="SEL",
        default=machines,
        help=f"pc, q35, or own for the one that each policy chooses (default: {machines})",
    )
    _table(verb)


def _table(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="format of the result")
    parser.add_argument("-o", "--output", metavar="FILE", help=OUTPUT)
    add_host_options(parser)
    add_database_options(parser)


def _about(args: argparse.Namespace, policies: Sequence[Policy]) -> Circumstances:
    from virtkit.policy.decide import circumstances

    return circumstances(policies, args.request, args.arch, args.firmware)


def _evaluated(args: argparse.Namespace, policies: Sequence[Policy], machines: str = "") -> pd.DataFrame:
    """The evaluation on the machines that --machines names, or on others."""
    from virtkit.policy import comparison

    return comparison.evaluate(
        policies,
        args.guests,
        comparison.select_machines(machines or args.machines),
        overrides=args.overrides == "on",
        host=chosen_host(args),
        guest_database=chosen_catalogue(args),
        about=_about(args, policies),
    )


def _chosen_criteria(args: argparse.Namespace) -> tuple[Criterion, ...]:
    from virtkit.policy import document, scoring

    return scoring.weighted(document.load(args.criteria).scoring, args.weights)


def _frame(args: argparse.Namespace, frame: pd.DataFrame) -> None:
    from virtkit.commands import tables

    rows = [tuple(row) for row in frame.astype(object).itertuples(index=False)]
    tables.show(list(frame.columns), rows, args.format, args.output)


def _decide(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.compat.matrix import select_guests, select_kinds
    from virtkit.policy import decision_table, document

    policy = document.load(args.policy)
    guests = select_guests(args.guests, chosen_catalogue(args))
    about = _about(args, [policy])
    machines = decision_table.select_machines(args.machines, chosen_host(args), about)
    rows = list(decision_table.decisions(policy, guests, machines, select_kinds(args.kinds), about))
    tables.show(decision_table.COLUMNS, rows, args.format, args.output)
    return 0


def _compare(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.compat.matrix import select_kinds
    from virtkit.policy import differences, document

    policies = [document.load(name) for name in (args.before, args.after)]
    names = [policy.name for policy in policies]
    frame = _evaluated(args, policies)
    frame = frame[frame["kind"].isin(select_kinds(args.kinds))]
    changed = differences.changes(frame, *names)
    apart = differences.apart(frame, names[0], names[1], policies)
    if args.effect:
        changed = changed[changed["effect"] == args.effect]
    by = args.by or ("family" if args.format == "table" else "cell")
    shown = differences.grouped(changed) if by == "family" else changed
    _frame(args, apart if args.apart else shown)
    counts = changed["effect"].value_counts()
    effects = ", ".join(f"{counts.get(effect, 0)} {effect}" for effect in ("better", "worse", "other"))
    before, after = (differences.added_buses(frame, name) for name in names)
    cells = counted(len(changed), "cell differs", "cells differ")
    tables.say(f"{cells}: {effects}; added buses: {before} -> {after}")
    for text in (*differences.apart_words(apart), *differences.rule_words(*policies)):
        tables.say(text)
    return 0


def _score(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.policy import document, scoring, weighing

    policies = document.select(",".join(args.policies))
    criteria, frame = _chosen_criteria(args), _evaluated(args, policies)
    known, about = chosen_catalogue(args), _about(args, policies)
    details = scoring.details(frame, criteria, known, about)
    scores = scoring.score(frame, criteria, known, about)
    _frame(args, details if args.details else scores)
    best = str(scores["policy"].iloc[0])
    alone = [policy for policy in policies if policy.name == best]
    saved = weighing.pc_savings(frame, _evaluated(args, alone, "pc"), criteria, known, about)
    if words := weighing.pc_words(saved, best):
        tables.say(words)
    if len(policies) > 1:
        tables.say(weighing.sensitivity_words(weighing.sensitivity(details), best))
    return 0


def _review(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.policy import comparison, decisions, document, record

    policies = document.select(",".join(args.policies), args.baseline)
    baseline = document.load(args.baseline).name
    criteria, machines = _chosen_criteria(args), comparison.select_machines(args.machines)
    evaluated = _evaluated(args, policies, " ".join((*machines, "pc")) if args.record else "")
    frame = comparison.of_machines(evaluated, machines)
    known, about = chosen_catalogue(args), _about(args, policies)
    _frame(args, decisions.of_policies(frame, baseline, criteria, known, about))
    if args.record:
        on_pc = comparison.of_machines(evaluated, ("pc",))
        text = record.of_policies(frame, policies, baseline, criteria, known, about, on_pc)
        tables.write(text, args.record)
        tables.say(f"decision record written to {args.record}")
    return 0


def _slots(args: argparse.Namespace) -> int:
    from virtkit.policy import slots

    compared = slots.compare(
        args.guests,
        args.machines,
        args.kinds,
        overrides=args.overrides == "on",
        host=chosen_host(args),
        guest_database=chosen_catalogue(args),
    )
    _frame(args, getattr(compared, args.table))
    return 0


#: The function of each verb; each returns the exit code.
VERBS = MappingProxyType(
    {"decide": _decide, "compare": _compare, "score": _score, "review": _review, "slots": _slots}
)
