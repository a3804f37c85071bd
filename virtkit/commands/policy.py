"""``virtkit policy``: list, show, check, compare and score model policies; review a rollout of model names."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from virtkit.commands.given import INPUTS, add_reader_options, given_sources, reader_options
from virtkit.commands.options import add_database_options, add_host_options, chosen_catalogue, chosen_host, say_notes
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.domain.domain import Domain
    from virtkit.policy.review import Finding, Findings
    from virtkit.policy.rollout import Rollout

__all__ = ["register", "run"]

log = logging.getLogger("virtkit")

_EXAMPLE = """examples:
  virtkit policy list
  virtkit policy check recommended domains/ --format sarif -o findings.sarif
  virtkit policy compare virt-install virt-v2v --guests 'rhel6*'
  virtkit policy score --machines pc,q35
  virtkit policy slots --guests 'family=linux'
  virtkit policy rollout nic-model domains/
"""
_GUESTS = "guests: short ids, patterns, family=F, distro=D (default: all)"
_OUTPUT = "write to this file (default: standard output)"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its verbs to the program's parser."""
    parser = subparsers.add_parser(
        "policy",
        help="model policies: list, show, check, compare, score, slots, rollout",
        description="Works with policies that choose machine types and virtio models, shipped or from a YAML file.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    verbs = parser.add_subparsers(dest="verb", metavar="WHAT", required=True)
    verb = _verb(verbs, "list", "the shipped policies", "list --format csv")
    verb.add_argument("--format", choices=("table", "csv", "json"), default="table")
    verb = _verb(verbs, "show", "one policy, its rules and the remarks of the linter", "show recommended")
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("policy", help="name of a shipped policy, or a .yaml file")
    _add_check(verbs)
    _add_compare(verbs)
    _add_score(verbs)
    _add_slots(verbs)
    _add_rollout(verbs)


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, example: str
) -> argparse.ArgumentParser:
    """The parser of a verb with its description and an example."""
    description = f"{text[0].upper()}{text[1:]}."
    return verbs.add_parser(name, help=text, description=description, epilog=f"Example: virtkit policy {example}")


def _add_check(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "check domains against a policy; the exit code is 1 when it denies one"
    verb = _verb(verbs, "check", text, "check recommended domains/ --format sarif -o findings.sarif")
    verb.add_argument("policy", help="name of a shipped policy, or a .yaml file")
    verb.add_argument("inputs", nargs="+", metavar="IN", help=INPUTS)
    add_reader_options(verb)
    verb.add_argument("--guest", metavar="ID", help="guest OS (short id, URI or alias) in place of the metadata")
    verb.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    verb.add_argument("-o", "--output", metavar="FILE", help=_OUTPUT)
    _options(verb)


def _add_compare(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    example = "compare virt-install virt-v2v --guests 'rhel6*'"
    verb = _verb(verbs, "compare", "the cells in which two policies differ", example)
    verb.add_argument("before", help="name of a shipped policy, or a .yaml file")
    verb.add_argument("after", help="name of a shipped policy, or a .yaml file")
    verb.add_argument("--effect", choices=("better", "worse", "other"), help="only cells with this change")
    verb.add_argument("--kinds", metavar="SEL", help="device kinds (default: all)")
    verb.add_argument(
        "--by",
        choices=("family", "cell"),
        help="one row for equal changes of a family of guests, or for each cell (default: family in a table, cell in "
        "CSV and JSON)",
    )
    _selections(verb, "own")


def _add_score(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _verb(verbs, "score", "the score of all policies, or of some", "score --machines pc,q35")
    verb.add_argument("policies", nargs="*", help="names or .yaml files (default: all shipped)")
    _selections(verb, "pc,q35")


def _selections(verb: argparse.ArgumentParser, machines: str) -> None:
    verb.add_argument("--guests", metavar="SEL", help=_GUESTS)
    verb.add_argument(
        "--machines",
        metavar="SEL",
        default=machines,
        help=f"pc, q35, or own for the one that each policy chooses (default: {machines})",
    )
    _table(verb)


def _add_slots(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "the slot policies A, B and C side by side"
    verb = _verb(verbs, "slots", text, "slots --guests 'family=linux'")
    verb.add_argument("--guests", metavar="SEL", help=_GUESTS)
    verb.add_argument("--machines", metavar="SEL", help="machine types (default: all)")
    verb.add_argument("--kinds", metavar="SEL", help="device kinds (default: all)")
    verb.add_argument(
        "--table", choices=("summary", "changed", "buses", "broken"), default="summary", help="(default: summary)"
    )
    _table(verb)


def _add_rollout(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "what stages 0 to 3 of a rollout of model names do to domains"
    verb = _verb(verbs, "rollout", text, "rollout nic-model domains/ --stage 2")
    verb.add_argument(
        "subject", help="nic-model, video-model, sound-model, controller-model, several with commas, or all"
    )
    verb.add_argument("inputs", nargs="+", metavar="IN", help=INPUTS)
    add_reader_options(verb)
    verb.add_argument("--stage", type=int, choices=(0, 1, 2, 3), help="exit code 1 when this stage harms a domain")
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("-o", "--output", metavar="FILE", help=_OUTPUT)
    add_host_options(verb)


def _options(parser: argparse.ArgumentParser) -> None:
    add_host_options(parser)
    add_database_options(parser)


def _table(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
    parser.add_argument("-o", "--output", metavar="FILE", help=_OUTPUT)
    _options(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the verb. Raises UsageError for a policy that does not exist or is not valid."""
    code: int = {
        "list": _list,
        "show": _show,
        "check": _check,
        "compare": _compare,
        "score": _score,
        "slots": _slots,
        "rollout": _rollout,
    }[args.verb](args)
    return code


def _list(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.policy import document

    policies = [document.builtin(name) for name in document.names()]
    rows = [(p.name, p.title, p.slots, len(p.rules), "; ".join(p.sources)) for p in policies]
    tables.show(("policy", "title", "slots", "rules", "sources"), rows, args.format)
    return 0


def _show(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.policy import document
    from virtkit.policy.lint import lint, remarks

    policy = document.load(args.policy)
    if args.format == "json":
        found = {name: getattr(policy, name) for name in ("name", "title", "slots", "knows", "sources")}
        rules = [
            {"line": rule.line, "kinds": rule.kinds, "when": rule.when, "gives": rule.gives, "reason": rule.reason}
            for rule in policy.rules
        ]
        more = {"rules": rules, "warnings": lint(policy), "remarks": remarks(policy)}
        tables.emit(json.dumps(found | more, indent=1, default=str) + "\n", None)
        return 1 if more["warnings"] else 0
    lines = [f"{policy.name}: {policy.title}", f"  slots {policy.slots}, knows the {policy.knows} drivers"]
    lines += [f"  source: {source}" for source in policy.sources]
    for rule in policy.rules:
        about = ", ".join(rule.kinds) if rule.kinds else "machine"
        when = f" when {document.when_words(rule.when)}" if rule.when else ""
        lines.append(f"  {rule.line}: {about}{when} -> {rule.gives} ({rule.reason})")
    tables.emit("\n".join(lines) + "\n", None)
    warnings = lint(policy)
    for text in warnings:
        log.warning("%s", text)
    for text in remarks(policy):
        tables.say(text)
    return 1 if warnings else 0


def _check(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.compat.devices import find_guest
    from virtkit.errors import VirtkitError
    from virtkit.fleet.domains import each
    from virtkit.policy import document
    from virtkit.policy.review import review
    from virtkit.policy.sarif import sarif
    from virtkit.resolved import resolve

    policy, host, known = document.load(args.policy), chosen_host(args), chosen_catalogue(args)
    if args.guest:
        known.find(args.guest)

    def examine(domain: Domain) -> tuple[Findings, bool]:
        resolved = resolve(domain, host)
        say_notes(resolved)
        findings = review(policy, resolved, args.guest, guest_database=known)
        return findings, find_guest(domain, args.guest, known)[0] is None

    found: list[Finding] = []
    rejected: list[VirtkitError] = []
    domains = unidentified = 0
    for _source, outcome in each(given_sources(args), examine, reader_options(args)):
        if isinstance(outcome, VirtkitError):
            log.error("%s", outcome)
            rejected.append(outcome)
            continue
        findings, unknown_guest = outcome
        found += findings
        domains += 1
        unidentified += unknown_guest
    if args.format == "json":
        text = json.dumps([asdict(finding) for finding in found], indent=1) + "\n"
    elif args.format == "sarif":
        text = json.dumps(sarif(policy, found, rejected), indent=1) + "\n"
    else:
        text = "".join(f"{f.file}:{f.line}: {f.level}: {f.domain}: {f.device}: {f.text}\n" for f in found)
    tables.emit(text, args.output)
    text = f"{counted(domains, 'domain')} read, {len(rejected)} rejected"
    text += f"; {counted(len(found), 'finding')} of {policy.name}"
    if unidentified:
        text += f"; {counted(unidentified, 'domain does', 'domains do')} not name a guest OS: name it with --guest"
    tables.say(text)
    return 1 if rejected or any(finding.level == "deny" for finding in found) else 0


def _evaluated(args: argparse.Namespace, names: list[str]) -> pd.DataFrame:
    from virtkit.policy import comparison, document

    machines = comparison.select_machines(args.machines)
    return comparison.evaluate(
        [document.load(name) for name in names],
        args.guests,
        machines,
        overrides=args.overrides == "on",
        host=chosen_host(args),
        guest_database=chosen_catalogue(args),
    )


def _frame(args: argparse.Namespace, frame: pd.DataFrame) -> None:
    from virtkit.commands import tables

    rows = [tuple(row) for row in frame.astype(object).itertuples(index=False)]
    tables.show(list(frame.columns), rows, args.format, args.output)


def _compare(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.compat.matrix import select_kinds
    from virtkit.policy import comparison, document

    names = [document.load(name).name for name in (args.before, args.after)]
    frame = _evaluated(args, [args.before, args.after])
    changed = comparison.changes(frame, *names)
    kinds = select_kinds(args.kinds)
    changed = changed[changed["kind"].isin(kinds)]
    if args.effect:
        changed = changed[changed["effect"] == args.effect]
    by = args.by or ("family" if args.format == "table" else "cell")
    _frame(args, comparison.grouped(changed) if by == "family" else changed)
    counts = changed["effect"].value_counts()
    effects = ", ".join(f"{counts.get(effect, 0)} {effect}" for effect in ("better", "worse", "other"))
    buses = comparison.score(frame).set_index("policy")["buses"]
    before, after = (buses[name] for name in names)
    cells = counted(len(changed), "cell differs", "cells differ")
    tables.say(f"{cells}: {effects}; added buses: {before} -> {after}")
    return 0


def _score(args: argparse.Namespace) -> int:
    from virtkit.policy import comparison, document

    _frame(args, comparison.score(_evaluated(args, args.policies or list(document.names()))))
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


def _rollout(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.fleet.rollout import review_rollouts
    from virtkit.policy import rollout

    subjects = rollout.select_subjects(args.subject)
    reviews = review_rollouts(given_sources(args), subjects, chosen_host(args), options=reader_options(args))
    for problem in reviews[0].errors:
        log.error("%s", problem)
    if args.format == "json":
        shown: object = [found.as_dict() for found in reviews] if len(reviews) > 1 else reviews[0].as_dict()
        tables.emit(json.dumps(shown, indent=1) + "\n", args.output)
    else:
        texts = (_rollout_text(found, args.output, headed=len(reviews) > 1) for found in reviews)
        tables.write("\n".join(texts), args.output)
    first = reviews[0]
    counts = ", ".join(f"{found.disappear} with unknown names ({found.subject})" for found in reviews)
    tables.say(f"{counted(first.domains, 'domain')} read, {first.rejected} rejected, {counts}")
    harmed = args.stage is not None and args.stage > 0 and any(found.disappear for found in reviews)
    return 1 if first.rejected or harmed else 0


def _rollout_text(found: Rollout, output: str | None, *, headed: bool) -> str:
    """One review as tables and a list; ``headed`` puts its subject above them."""
    from virtkit.commands import tables, terminal
    from virtkit.policy import rollout

    head = ("stage", "name", *rollout.OUTCOMES)
    rows = [(s, rollout.STAGES[s][0], *(c[o] for o in rollout.OUTCOMES)) for s, c in found.stages.items()]
    text = (f"{found.subject}\n" if headed else "") + tables.fitted(head, rows, output)
    if not found.unknown:
        return text
    names = [(n.name, n.hypervisor, n.arch, n.devices, n.domains, n.nearest) for n in found.unknown]
    head = ("unknown name", "hypervisor", "arch", "devices", "domains", "nearest known")
    text += "\n" + tables.fitted(head, names, output)
    if found.names > len(found.unknown):
        text += f"and {counted(found.names - len(found.unknown), 'more name')}\n"
    text += "\nwould disappear at stage 3:\n"
    for name, file, which in found.affected:
        text += terminal.printable(f"  {name} ({file}): {', '.join(which)}") + "\n"
    if found.disappear > len(found.affected):
        text += f"  and {found.disappear - len(found.affected):,} more\n"
    return text
