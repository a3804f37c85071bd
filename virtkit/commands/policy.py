"""``virtkit policy``: list, show and check model policies; review a rollout of model names; and the verbs of tables."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from virtkit.commands import policy_tables
from virtkit.commands.given import INPUTS, add_reader_options, given_sources, reader_options
from virtkit.commands.options import add_database_options, add_host_options, chosen_catalogue, chosen_host, say_notes
from virtkit.commands.policy_tables import OUTPUT, verb_parser
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain
    from virtkit.policy.review import Finding, Findings
    from virtkit.policy.rollout import Rollout
    from virtkit.policy.rules import Policy

__all__ = ["register", "run"]

log = logging.getLogger("virtkit")

_EXAMPLE = """examples:
  virtkit policy list
  virtkit policy show kubevirt --at 1.6
  virtkit policy check recommended domains/ --format sarif -o findings.sarif
  virtkit policy decide nova --guests 'rhel*' --kinds net,block --format csv
  virtkit policy compare virt-install virt-v2v --guests 'rhel6*'
  virtkit policy score virt-install recommended --details
  virtkit policy review --record decision.md
  virtkit policy slots --guests 'family=linux'
  virtkit policy rollout nic-model domains/
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its verbs to the program's parser."""
    parser = subparsers.add_parser(
        "policy",
        help="model policies: list, show, check, decide, compare, score, review, slots, rollout",
        description="Work with policies that choose machine types and virtio models, shipped or from a YAML file.",
        epilog=_EXAMPLE,
    )
    parser.set_defaults(run=run)
    verbs = parser.add_subparsers(dest="verb", metavar="WHAT", required=True)
    verb = verb_parser(verbs, "list", "list the shipped policies", "list --format csv")
    verb.add_argument("--format", choices=("table", "csv", "json"), default="table", help="format of the result")
    verb = verb_parser(verbs, "show", "show a policy, its rules and the remarks of the linter", "show recommended")
    verb.add_argument("--format", choices=("text", "json"), default="text", help="format of the result")
    verb.add_argument("policy", metavar="POLICY", help="name of a shipped policy, or a .yaml file")
    verb.add_argument("--at", metavar="RELEASE", help="the rules of this release of the software (default: the newest)")
    _add_check(verbs)
    policy_tables.register(verbs)
    _add_rollout(verbs)


def _add_check(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "check domains against a policy; the exit code is 1 when it denies a domain or an input is rejected"
    verb = verb_parser(verbs, "check", text, "check recommended domains/ --format sarif -o findings.sarif")
    verb.add_argument("policy", metavar="POLICY", help="name of a shipped policy, or a .yaml file")
    verb.add_argument("inputs", nargs="+", metavar="IN", help=INPUTS)
    add_reader_options(verb)
    verb.add_argument("--guest", metavar="ID", help="guest OS (short id, URI or alias) instead of the metadata")
    verb.add_argument("--format", choices=("text", "json", "sarif"), default="text", help="format of the result")
    verb.add_argument("-o", "--output", metavar="FILE", help=OUTPUT)
    add_host_options(verb)
    add_database_options(verb)


def _add_rollout(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "show what stages 0 to 3 of a rollout of model names do to domains"
    verb = verb_parser(verbs, "rollout", text, "rollout nic-model domains/ --stage 2")
    verb.add_argument(
        "subject",
        metavar="SUBJECT",
        help="nic-model, video-model, sound-model, controller-model, several with commas, or all",
    )
    verb.add_argument("inputs", nargs="+", metavar="IN", help=INPUTS)
    add_reader_options(verb)
    verb.add_argument("--stage", type=int, choices=(0, 1, 2, 3), help="exit code 1 when this stage harms a domain")
    verb.add_argument("--format", choices=("text", "json"), default="text", help="format of the result")
    verb.add_argument("-o", "--output", metavar="FILE", help=OUTPUT)
    add_host_options(verb)


def run(args: argparse.Namespace) -> int:
    """Runs the verb. Raises UsageError for a policy that does not exist or is not valid."""
    code: int = {
        "list": _list,
        "show": _show,
        "check": _check,
        "rollout": _rollout,
        **policy_tables.VERBS,
    }[args.verb](args)
    return code


def _list(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.policy import document

    policies = [document.builtin(name) for name in document.names()]
    rows = [
        (p.name, p.title, p.oldest, p.version, p.slots, len(p.current), "; ".join(p.sources)) for p in policies
    ]
    tables.show(("policy", "title", "oldest", "newest", "slots", "rules", "sources"), rows, args.format)
    return 0


def _show(args: argparse.Namespace) -> int:
    from virtkit.commands import tables
    from virtkit.policy import document
    from virtkit.policy.lint import lint, remarks
    from virtkit.policy.rules import when_words

    policy = document.load(args.policy)
    policy = policy.at(args.at) if args.at else policy
    if args.format == "json":
        tables.emit(json.dumps(_described(policy), indent=1, default=str) + "\n", None)
        return 1 if lint(policy) else 0
    lines = [f"{policy.name}: {policy.title}", f"  slots {policy.slots}, knows the {policy.knows} drivers"]
    if policy.version:
        lines.append(f"  release {policy.version}; rules change with {', '.join(policy.releases)}")
    lines += [f"  source: {source}" for source in policy.sources]
    lines += [f"  request {word}: {meaning}" for word, meaning in policy.requests.items()]
    lines += [f"  never creates {', '.join(kinds)}" for kinds in [policy.never] if kinds]
    for rule in policy.current:
        about = ", ".join(rule.kinds) if rule.kinds else rule.outcome
        when = f" when {when_words(rule.when)}" if rule.when else ""
        where = f"line {rule.line}" if rule.file == policy.file else f"{rule.file}:{rule.line}"
        lines.append(f"  {where}: {about}{when} -> {rule.gives} ({_cited(rule.reason, rule.source)})")
    lines += [f"  criterion {one.name}: {one.weight:g} ({_cited(one.reason, one.source)})" for one in policy.scoring]
    tables.emit("\n".join(lines) + "\n", None)
    warnings = lint(policy)
    for text in warnings:
        log.warning("%s", text)
    for text in remarks(policy):
        tables.say(text)
    return 1 if warnings else 0


def _cited(reason: str, source: str) -> str:
    return "; ".join(text for text in (reason.rstrip("."), source) if text)


def _described(policy: Policy) -> dict[str, object]:
    """A policy as plain values, with the remarks of the linter."""
    from virtkit.policy.lint import lint, remarks

    keys = ("name", "title", "slots", "knows", "sources", "version", "oldest", "releases", "never")
    names = ("line", "kinds", "when", "gives", "created", "reason", "source", "since", "until", "file")
    rules = [{name: getattr(rule, name) for name in names} for rule in policy.current]
    found: dict[str, object] = {name: getattr(policy, name) for name in keys}
    scoring = [{"name": one.name, "weight": one.weight, "reason": one.reason} for one in policy.scoring]
    more = {"rules": rules, "scoring": scoring, "warnings": lint(policy), "remarks": remarks(policy)}
    return found | {"requests": dict(policy.requests)} | more


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
