"""Reads policies: YAML with line numbers, checked against the schema, with errors that say what is expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import yaml

from virtkit import facts
from virtkit.display import Displayable
from virtkit.errors import UsageError
from virtkit.guests import KINDS
from virtkit.policy import slots
from virtkit.policy.bus_cost import AUTO, SLOTS, emulated_devices
from virtkit.virtio.kinds import MODELS
from virtkit.wording import counted

__all__ = [
    "CONDITIONS",
    "FINDINGS",
    "Policy",
    "Rule",
    "builtin",
    "load",
    "names",
    "parse",
    "select",
    "text_of",
    "when_words",
]

FINDINGS = ("allow", "warn", "taint", "deny")
_OUTCOMES = ("machine", "model", "device", "finding")
_TOP = ("name", "title", "sources", "knows", "slots", "rules")
_RULE = ("kinds", "when", "slot", "reason", *_OUTCOMES)
#: The conditions of ``when`` and the shape of each: list (of text), flag, test (comparison), when (nested).
CONDITIONS = MappingProxyType(
    {
        "guest": "list",
        "family": "list",
        "distro": "list",
        "version": "test",
        "released": "test",
        "q35": "flag",
        "listed": "flag",
        "lists": "list",
        "legacy": "list",
        "modern": "list",
        "driver": "list",
        "machine": "list",
        "model": "list",
        "interface": "list",
        "verdict": "list",
        "not": "when",
        "database": "when",
    }
)
#: Limits of a policy file: characters, and levels of nesting.
_SIZE, _DEPTH = 1 << 20, 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_TEST = re.compile(r"\s*(>=|<=|<|>|==)\s*(\S+)\s*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy.

    ``kinds`` is () for a rule on the machine. ``outcome`` is "machine", "model", "device" or "finding", ``value`` that
    machine, model, device or finding. ``when`` has the conditions (values as in the schema of docs/policies.md).
    ``slot`` is where a model is placed: "auto" as libvirt chooses, "root" with an address on bus 0.
    """

    line: int
    kinds: tuple[str, ...]
    when: Mapping[str, Any]
    outcome: str
    value: str
    reason: str
    slot: str = AUTO

    @property
    def subjects(self) -> tuple[str, ...]:
        """What the rule decides: "machine", the kinds, or "finding KIND" for each kind."""
        if self.outcome == "finding":
            return tuple(f"finding {kind}" for kind in self.kinds)
        return self.kinds or ("machine",)

    @property
    def gives(self) -> str:
        """What the rule gives, in words: "model virtio on the root bus"."""
        return f"{self.outcome} {self.value}" + ("" if self.slot == AUTO else " on the root bus")


@dataclass(frozen=True, slots=True, repr=False)
class Policy(Displayable):
    """A named policy with ordered ``rules``; the first that applies decides.

    ``knows`` is "database" (the guest database as it is) or "corrected" (with overrides and add-on drivers); ``slots``
    names the slot policy under which devices are placed. ``about`` has the rules by subject: "machine", a kind ("net")
    for models and devices, "finding net" for findings.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    knows: str
    slots: str
    rules: tuple[Rule, ...]
    file: str
    about: Mapping[str, tuple[Rule, ...]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, tuple[Rule, ...]] = {}
        for rule in self.rules:
            for subject in rule.subjects:
                found[subject] = (*found.get(subject, ()), rule)
        object.__setattr__(self, "about", MappingProxyType(found))

    def __repr__(self) -> str:
        return f"<Policy {self.name} of {counted(len(self.rules), 'rule')}, slots {self.slots}>"


def when_words(value: object) -> str:
    """Conditions as words: "q35 true, not modern net"."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name.replace('database', 'by the database')} {when_words(inner)}" for name, inner in value.items()
        )
    if isinstance(value, tuple):
        return " ".join(when_words(inner) for inner in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def names() -> tuple[str, ...]:
    """The names of the shipped policies, sorted."""
    return tuple(sorted(file.stem for file in facts.path("policies").glob("*.yaml")))


def builtin(name: str) -> Policy:
    """The shipped policy called ``name``. Raises UsageError, with the names of the shipped ones."""
    if name not in names():
        raise UsageError(f"no policy {name!r}; expected one of {', '.join(names())}, or a file name that ends in .yaml")
    file = facts.path(f"policies/{name}.yaml")
    return parse(file.read_text(encoding="utf-8"), file.name)


def load(name: str) -> Policy:
    """A shipped policy by name, or one from a file whose name ends in .yaml or .yml. Raises UsageError.

    >>> import virtkit as vk
    >>> vk.load_policy("recommended")
    <Policy recommended of ... rules, slots C>
    """
    if not name.endswith((".yaml", ".yml")):
        return builtin(name)
    return parse(text_of(name), name)


def text_of(file: str) -> str:
    """The text of a policy file. Raises UsageError when the file cannot be read or is too large."""
    try:
        with open(file, encoding="utf-8") as stream:
            text = stream.read(_SIZE + 1)
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{file}: cannot be read: {problem}") from None
    if len(text) > _SIZE:
        raise UsageError(f"{file}: expected at most {_SIZE:,} characters, got more")
    return text


def select(text: str, *also: str) -> tuple[Policy, ...]:
    """The policies that a list names ("" for all shipped ones), and those of ``also`` that the list leaves out.

    Raises UsageError for a policy that does not exist or is wrong, and for two policies with the same name.
    """
    wanted = [part.strip() for part in text.split(",") if part.strip()] or list(names())
    found: dict[str, Policy] = {}
    for name in dict.fromkeys((*wanted, *also)):
        policy = load(name)
        other = found.get(policy.name)
        if other is not None and other.file != policy.file:
            raise UsageError(f"{policy.file}: {other.file} has the name {policy.name!r} too; rename one of them")
        found[policy.name] = policy
    return tuple(found.values())


class _Loader(yaml.SafeLoader):
    """Composes nodes with bounded nesting. Aliases are refused, because they can nest without end."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed; repeat the text", problem_mark=self.get_mark())
        if self.depth == _DEPTH:
            problem = f"expected at most {_DEPTH} levels of nesting, got more"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Reader:
    """Turns YAML nodes into values and knows the line of each."""

    def __init__(self, file: str) -> None:
        self.file = file

    def wrong(self, node: yaml.Node, what: str) -> UsageError:
        return UsageError(f"{self.file}:{node.start_mark.line + 1}: {what}")

    def mapping(self, node: yaml.Node, allowed: tuple[str, ...] | Mapping[str, str], what: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, f"{what}: expected a mapping with keys among {', '.join(allowed)}")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.wrong(key, f"{what}: expected a word as the key")
            if key.value not in allowed:
                raise self.wrong(key, f"unknown key {key.value!r} in {what}; expected one of {', '.join(allowed)}")
            if key.value in found:
                raise self.wrong(key, f"{what} has the key {key.value!r} twice")
            found[key.value] = value
        return found

    def text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
            raise self.wrong(node, f"{what}: expected text")
        return str(node.value).strip()

    def texts(self, node: yaml.Node, what: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found = tuple(self.text(item, what) for item in nodes)
        for item, value in zip(nodes, found, strict=True):
            if allowed and value not in allowed:
                raise self.wrong(item, f"{what}: expected one of {', '.join(allowed)}, got {value!r}")
        if not found:
            raise self.wrong(node, f"{what}: expected at least one value")
        return found

    def when(self, node: yaml.Node) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for key, value in self.mapping(node, CONDITIONS, "'when'").items():
            shape = CONDITIONS[key]
            if shape == "when":
                found[key] = self.when(value)
            elif shape == "flag":
                if value.value not in ("true", "false"):
                    raise self.wrong(value, f"{key}: expected true or false")
                found[key] = value.value == "true"
            elif shape == "test":
                said = self.text(value, key)
                tests = [_TEST.fullmatch(part) for part in said.split(",")]
                if not all(tests):
                    example = "a comparison such as '>= 7.2' or '>= 6, < 7'"
                    raise self.wrong(value, f"{key}: expected {example}, got {said!r}")
                found[key] = tuple((test[1], test[2]) for test in tests if test)
            else:
                kinds = ("self", *KINDS) if key in ("legacy", "modern", "driver") else ()
                found[key] = self.texts(value, key, kinds)
        return MappingProxyType(found)

    def device(self, node: yaml.Node, value: str, kinds: yaml.Node | None) -> None:
        """Raises UsageError unless ``value`` can replace a virtio device of each of ``kinds``."""
        for kind in self.texts(kinds, "kinds") if kinds else ():
            known = emulated_devices(kind)
            if not known:
                raise self.wrong(node, f"no emulated device can replace virtio for {kind}")
            if value not in known:
                raise self.wrong(node, f"device for {kind}: expected one of {', '.join(known)}, got {value!r}")

    def rule(self, node: yaml.Node) -> Rule:
        found = self.mapping(node, _RULE, "a rule")
        given = [name for name in _OUTCOMES if name in found]
        if len(given) != 1:
            raise self.wrong(node, f"a rule: expected exactly one of {', '.join(_OUTCOMES)}, got {len(given)}")
        outcome = given[0]
        value = self.text(found[outcome], outcome)
        if outcome == "model" and value not in (*MODELS, "none"):
            raise self.wrong(found[outcome], f"model: expected one of {', '.join((*MODELS, 'none'))}, got {value!r}")
        if outcome == "finding" and value not in FINDINGS:
            raise self.wrong(found[outcome], f"finding: expected one of {', '.join(FINDINGS)}, got {value!r}")
        if outcome == "device":
            self.device(found["device"], value, found.get("kinds"))
        if (outcome == "machine") == ("kinds" in found):
            raise self.wrong(node, "a rule on devices needs 'kinds'; a rule on the machine must not have them")
        kinds = self.texts(found["kinds"], "kinds", ("all", *KINDS)) if "kinds" in found else ()
        if "slot" in found and (outcome != "model" or value == "none"):
            raise self.wrong(found["slot"], "only a rule that gives a virtio model can have a slot")
        if "reason" not in found:
            raise self.wrong(node, "a rule needs a reason")
        return Rule(
            line=node.start_mark.line + 1,
            kinds=KINDS if "all" in kinds else kinds,
            when=self.when(found["when"]) if "when" in found else MappingProxyType({}),
            outcome=outcome,
            value=value,
            reason=self.text(found["reason"], "reason"),
            slot=self.texts(found["slot"], "slot", SLOTS)[0] if "slot" in found else AUTO,
        )


def parse(text: str, file: str) -> Policy:
    """The policy written in ``text``. Raises UsageError with the file, the line and what is expected."""
    reader = _Reader(file)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        raise UsageError(f"{file}:{line}: not valid YAML: {problem.problem}") from None
    except yaml.YAMLError as problem:
        raise UsageError(f"{file}: not valid YAML: {problem}") from None
    if root is None:
        raise UsageError(f"{file}: empty; expected a policy with {', '.join(_TOP)}")
    found = reader.mapping(root, _TOP, "a policy")
    for name in ("name", "title", "sources", "rules"):
        if name not in found:
            raise reader.wrong(root, f"a policy needs {name!r}")
    if not isinstance(found["rules"], yaml.SequenceNode) or not found["rules"].value:
        raise reader.wrong(found["rules"], "rules: expected a list of rules")
    name = reader.text(found["name"], "name")
    if not _NAME.fullmatch(name):
        raise reader.wrong(found["name"], f"name: expected letters, digits, '.', '_', '+' and '-', got {name!r}")
    return Policy(
        name=name,
        title=reader.text(found["title"], "title"),
        sources=reader.texts(found["sources"], "sources"),
        knows=reader.texts(found["knows"], "knows", ("database", "corrected"))[0] if "knows" in found else "database",
        slots=reader.texts(found["slots"], "slots", tuple(slots.policies()))[0] if "slots" in found else "C",
        rules=tuple(reader.rule(node) for node in found["rules"].value),
        file=file,
    )
