"""Reads policies: YAML with line numbers, checked against the schema, with errors that say what is expected."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from virtkit import facts
from virtkit.errors import UsageError, masked
from virtkit.guests import KINDS
from virtkit.policy import slots
from virtkit.policy.bus_cost import AUTO, SLOTS, emulated_devices
from virtkit.policy.ports import port_words
from virtkit.policy.rules import CONDITIONS, FINDINGS, OUTCOMES, Created, Criterion, Policy, Rule
from virtkit.policy.scoring import MEASURES
from virtkit.virtio.kinds import MODELS
from virtkit.yaml_text import node, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["builtin", "load", "names", "parse", "select"]

_TOP = ("name", "title", "sources", "version", "oldest", "extends", "knows", "slots", "requests", "rules", "scoring")
_RULE = ("kinds", "when", "created", "slot", "reason", "source", "since", "until", *OUTCOMES)
_CRITERION = ("name", "weight", "counts", "kinds", "when", "reason", "source")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
#: The conditions on the drivers of kinds, and the values of other conditions.
_OF_KINDS = ("legacy", "modern", "driver", "installed", "unknown")
_ALLOWED = MappingProxyType({"firmware": ("bios", "efi")})
_TEST = re.compile(r"\s*(>=|<=|<|>|==)\s*(\S+)\s*")
_VERSION = re.compile(r"\d+(\.\d+)*")
_RELEASE = re.compile(r"v?(\d+(\.\d+)*)")


def names() -> tuple[str, ...]:
    """The names of the shipped policies, sorted."""
    return tuple(sorted(file.stem for file in facts.path("policies").glob("*.yaml")))


@cache
def builtin(name: str) -> Policy:
    """The shipped policy called ``name``. Raises UsageError, with the names of the shipped ones."""
    if name not in names():
        raise UsageError(f"no policy {name!r}; expected one of {', '.join(names())}, or a file name that ends in .yaml")
    file = facts.path(f"policies/{name}.yaml")
    return parse(file.read_text(encoding="utf-8"), file.name)


@cache
def _extending() -> frozenset[str]:
    """The shipped policies that extend another one."""
    texts = {name: facts.path(f"policies/{name}.yaml").read_text(encoding="utf-8") for name in names()}
    return frozenset(name for name, text in texts.items() if re.search(r"^extends:", text, re.M))


def load(name: str) -> Policy:
    """A shipped policy by name, or one from a file whose name ends in .yaml or .yml. Raises UsageError.

    After an @ the name has the release of the software, such as "kubevirt@1.6" or "site.yaml@2.0".

    >>> import virtkit as vk
    >>> vk.load_policy("recommended")
    <Policy recommended of ... rules, slots C>
    >>> vk.load_policy("kubevirt@1.6").version
    '1.6'
    """
    if name.endswith((".yaml", ".yml")):
        return parse(text_of(name), name)
    file, at, release = name.rpartition("@") if "@" in name else (name, "", "")
    policy = parse(text_of(file), file) if file.endswith((".yaml", ".yml")) else builtin(file)
    said = _RELEASE.fullmatch(release)
    return policy.at(said[1] if said else release) if at else policy


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
        return masked(str(node.value).strip())  # a source may be a URL with a login

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
                kinds = ("self", *KINDS) if key in _OF_KINDS else _ALLOWED.get(key, ())
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

    def release(self, found: Mapping[str, yaml.Node], key: str) -> str:
        """A release such as "1.6"; "" when the key is not there."""
        if key not in found:
            return ""
        value = self.text(found[key], key)
        if not _VERSION.fullmatch(value):
            raise self.wrong(found[key], f"{key}: expected a release such as '1.6', got {value!r}")
        return value

    def value(self, found: Mapping[str, yaml.Node], outcome: str) -> str:
        """What a rule gives, checked for its outcome."""
        node = found[outcome]
        value = self.text(node, outcome)
        allowed = {"model": (*MODELS, "none"), "finding": FINDINGS}.get(outcome, ())
        if allowed and value not in allowed:
            raise self.wrong(node, f"{outcome}: expected one of {', '.join(allowed)}, got {value!r}")
        if outcome == "device":
            self.device(node, value, found.get("kinds"))
        if outcome == "ports" and port_words(value) is None:
            raise self.wrong(node, f"ports: expected 'N total', 'N free' or 'N total, M free', got {value!r}")
        return value

    def created(self, found: Mapping[str, yaml.Node], outcome: str, value: str) -> Created:
        """Whether the device is written; without the key always, or never for model none."""
        default = Created.NEVER if (outcome, value) == ("model", "none") else Created.ALWAYS
        if "created" not in found:
            return default
        said = Created(self.texts(found["created"], "created", tuple(Created))[0])
        if outcome not in ("model", "device") or (said is Created.NEVER) != (default is Created.NEVER):
            expected = "never" if default is Created.NEVER else "always or on-request"
            expected = expected if outcome in ("model", "device") else "no such key in a rule that gives no device"
            raise self.wrong(found["created"], f"created: expected {expected}, got {said.value!r}")
        return said

    def rule(self, node: yaml.Node, sources: str) -> Rule:
        found = self.mapping(node, _RULE, "a rule")
        given = [name for name in OUTCOMES if name in found]
        if len(given) != 1:
            raise self.wrong(node, f"a rule: expected exactly one of {', '.join(OUTCOMES)}, got {len(given)}")
        outcome = given[0]
        value = self.value(found, outcome)
        if (outcome in ("machine", "ports")) == ("kinds" in found):
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
            created=self.created(found, outcome, value),
            source=self.text(found["source"], "source") if "source" in found else sources,
            since=self.release(found, "since"),
            until=self.release(found, "until"),
            file=self.file,
        )

    def base(self, found: Mapping[str, yaml.Node]) -> Policy | None:
        """The shipped policy that this one extends, which must not extend another."""
        if "extends" not in found:
            return None
        name = self.texts(found["extends"], "extends", tuple(one for one in names() if one not in _extending()))[0]
        return builtin(name)

    def criterion(self, node: yaml.Node) -> Criterion:
        found = self.mapping(node, _CRITERION, "a criterion")
        for key in ("name", "weight", "reason"):
            if key not in found:
                raise self.wrong(node, f"a criterion needs {key!r}")
        if ("counts" in found) == ("when" in found):
            raise self.wrong(node, "a criterion: expected exactly one of counts, when")
        if "kinds" in found and "counts" not in found:
            raise self.wrong(found["kinds"], "only a criterion with 'counts' can have kinds")
        said = self.text(found["weight"], "weight")
        try:
            weight = float(said)
        except ValueError:
            raise self.wrong(found["weight"], f"weight: expected a number, got {said!r}") from None
        return Criterion(
            name=self.text(found["name"], "name"),
            weight=weight,
            counts=self.texts(found["counts"], "counts", tuple(MEASURES))[0] if "counts" in found else "",
            kinds=self.texts(found["kinds"], "kinds", KINDS) if "kinds" in found else (),
            when=self.when(found["when"]) if "when" in found else MappingProxyType({}),
            reason=self.text(found["reason"], "reason"),
            source=self.text(found["source"], "source") if "source" in found else "",
            line=node.start_mark.line + 1,
        )

    def requests(self, found: Mapping[str, yaml.Node]) -> Mapping[str, str]:
        """The words of ``asked`` with what they mean."""
        if "requests" not in found:
            return MappingProxyType({})
        node = found["requests"]
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, "requests: expected a mapping of words to what the user asks for")
        words = {self.text(key, "requests"): self.text(value, "requests") for key, value in node.value}
        for word in words:
            if not _NAME.fullmatch(word) or word in ("all", *KINDS):
                raise self.wrong(node, f"requests: expected words that are not kinds of device, got {word!r}")
        return MappingProxyType(words)

    def items(self, found: Mapping[str, yaml.Node], key: str) -> list[yaml.Node]:
        """The entries of a list that must not be empty; none when the key is not there."""
        if key not in found:
            return []
        node = found[key]
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self.wrong(node, f"{key}: expected a list of {'rules' if key == 'rules' else 'criteria'}")
        return list(node.value)

    def policy(self, root: yaml.Node) -> Policy:
        found = self.mapping(root, _TOP, "a policy")
        for name in ("name", "title", "sources", "rules"):
            if name not in found:
                raise self.wrong(root, f"a policy needs {name!r}; add this key")
        sources = self.texts(found["sources"], "sources")
        rules = tuple(self.rule(node, "; ".join(sources)) for node in self.items(found, "rules"))
        name = self.text(found["name"], "name")
        if not _NAME.fullmatch(name):
            raise self.wrong(found["name"], f"name: expected letters, digits, '.', '_', '+' and '-', got {name!r}")
        base = self.base(found)
        version = self.release(found, "version")
        inherited: tuple[Rule, ...] = ()
        oldest = self.release(found, "oldest") or version
        if base is not None:
            # Releases of other software say nothing about the base: then its newest rules count.
            inherited = tuple(replace(rule, since="", until="") for rule in base.current) if version else base.rules
            version, oldest = version or base.version, oldest or base.oldest
        if not version and ("oldest" in found or any(rule.since or rule.until for rule in rules)):
            raise self.wrong(root, "a policy with 'oldest', 'since' or 'until' needs 'version'")
        knows = self.texts(found["knows"], "knows", ("database", "corrected"))[0] if "knows" in found else ""
        placed = self.texts(found["slots"], "slots", tuple(slots.policies()))[0] if "slots" in found else ""
        return Policy(
            name=name,
            title=self.text(found["title"], "title"),
            sources=sources,
            knows=knows or (base.knows if base else "database"),
            slots=placed or (base.slots if base else slots.BASELINE),
            rules=rules + inherited,
            file=self.file,
            version=version,
            oldest=oldest,
            requests=MappingProxyType({**(base.requests if base else {}), **self.requests(found)}),
            scoring=tuple(self.criterion(node) for node in self.items(found, "scoring")),
        )


def parse(text: str, file: str) -> Policy:
    """The policy written in ``text``. Raises UsageError with the file, the line and what is expected."""
    root = node(text, file)
    if root is None:
        raise UsageError(f"{file}: empty; expected a policy with {', '.join(_TOP)}")
    return _Reader(file).policy(root)
