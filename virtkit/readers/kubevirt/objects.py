"""The Kubernetes objects of an input: virtual machines, instance types and preferences, and what else they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from virtkit import facts
from virtkit.errors import InputError
from virtkit.readers.kubevirt.documents import Found, Mapping, Sequence
from virtkit.readers.kubevirt.schema import check, check_text

__all__ = ["Machine", "Other", "Profile", "check_list", "object_of"]


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine: its instance spec, and the VirtualMachine spec where a controller starts the instance.

    ``path`` is where the instance spec is in the object. ``spec`` belongs to this value alone and may be changed.
    """

    kind: str
    name: str
    namespace: str
    annotations: Mapping
    spec: Mapping
    vm: Mapping | None
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Profile:
    """An instance type or a preference, by its kind, namespace and name."""

    kind: str
    name: str
    namespace: str
    spec: Mapping


@dataclass(frozen=True, slots=True)
class Other:
    """Something that is no virtual machine: its name, and what it is."""

    name: str
    reason: str
    line: int


@dataclass(frozen=True, slots=True)
class _Kind:
    group: str
    role: str
    vm: tuple[str, ...]
    instance: tuple[str, ...]
    type: str


@cache
def _kinds() -> dict[str, _Kind]:
    def path(text: str) -> tuple[str, ...]:
        return tuple(text.split(".")) if text else ()

    return {
        row["kind"]: _Kind(row["group"], row["role"], path(row["vm"]), path(row["instance"]), row["type"])
        for row in facts.table("kubevirt/kinds.csv")
    }


def object_of(found: Found, file: str) -> Machine | Profile | Other:
    """What a document or an item of a list is. Raises InputError for a KubeVirt object that is not a valid one."""
    value = found.value
    if not isinstance(value, Mapping):
        return Other("", _seems(value), found.line)
    kind = value.text("kind") or _kind_of_item(value, found.holder)
    metadata = value.child("metadata")
    name = metadata.text("name") or metadata.text("generateName").rstrip("-")
    if found.item and not name and (kind or "apiVersion" in value) and not kind.endswith("List"):
        what = f"{_an(kind)} in a list" if kind else "an item of a list"
        raise InputError(f"{what} has no metadata.name; {_CUT}", file, value.line)
    known = _kinds().get(kind)
    group = value.text("apiVersion").partition("/")[0]
    if known is None or (group and group != known.group):
        return Other(name, _seems(value), value.line)
    if not name:
        raise InputError(f"the {kind} has no metadata.name", file, metadata.line)
    for key in ("name", "namespace"):
        check_text(metadata.text(key), f"{kind}: metadata.{key}", file, metadata.line_of(key))
    spec = value.get("spec")
    if not isinstance(spec, Mapping):
        raise InputError(f"{kind} {name}: spec is missing; expected a mapping", file, value.line_of("spec"))
    check(spec, known.type, f"{kind} {name}: spec", file)
    namespace = metadata.text("namespace")
    if known.role != "machine":
        return Profile(kind, name, namespace, spec)
    instance = _down(value, known.instance)
    inner = instance.get("spec")
    path = ".".join((*known.instance, "spec"))
    if not isinstance(inner, Mapping):
        raise InputError(f"{kind} {name}: {path} is missing; expected a mapping", file, instance.line)
    vm = _down(value, known.vm) if known.vm else None
    annotations = instance.child("metadata").child("annotations")
    return Machine(
        kind, name, namespace or "default", _copy(annotations), _copy(inner), vm, f"{kind} {name}: {path}", value.line
    )


def check_list(found: Found, file: str) -> None:
    """Raises InputError for a Kubernetes list that has no kind or an item that is no object; its other items are whole.

    kubectl writes the kind after the items, so that a list whose end is lost has none.
    """
    value = found.value
    if "apiVersion" not in value and not value.text("kind"):
        return
    # Items that are objects were read one by one and are not kept.
    for item, line in zip(value["items"], value["items"].lines, strict=True):
        raise InputError(f"an item of the list is {item!r:.40}, expected an object; {_CUT}", file, line)
    if not value.text("kind"):
        raise InputError(f"the list has no kind, expected kind: List; {_CUT}", file, value.line)


def _an(kind: str) -> str:
    """A kind with its article."""
    return f"{'an' if kind[:1] in 'AEIO' else 'a'} {kind[:80]}"


def _down(value: Mapping, path: tuple[str, ...]) -> Mapping:
    for key in path:
        value = value.child(key)
    return value


def _copy(value: Any) -> Any:
    """A copy whose mappings and lists can be changed without changing what an alias shares."""
    if isinstance(value, Mapping):
        copy = Mapping(value.line)
        copy.lines = dict(value.lines)
        for key, inner in value.items():
            copy[key] = _copy(inner) if isinstance(inner, dict | list) else inner
        return copy
    new = Sequence(value.line)
    new.lines = list(value.lines)
    new.extend(_copy(inner) if isinstance(inner, dict | list) else inner for inner in value)
    return new


def _kind_of_item(value: Mapping, holder: str) -> str:
    """The kind of an item of a list of one kind, which the API writes without one."""
    if holder.endswith("List") and holder != "List":
        return holder.removesuffix("List")
    spec = value.child("spec")
    if isinstance(spec.child("template").child("spec").get("domain"), Mapping):
        return "VirtualMachine"
    return "VirtualMachineInstance" if isinstance(spec.get("domain"), Mapping) else ""


_CUT = "is the end of the input missing?"
_READ = (
    "of Kubernetes objects, virtkit reads VirtualMachine, VirtualMachineInstance, VirtualMachineInstanceReplicaSet and "
    "VirtualMachinePool"
)


def _seems(value: Any) -> str:
    """What a value that is no KubeVirt machine seems to be, as one sentence."""
    kind = next(_guesses(value), "this is no Kubernetes object")
    near = get_close_matches(value.text("kind"), _kinds(), 1, 0.9) if isinstance(value, Mapping) else []
    hint = f"; did you mean {near[0]}?" if near and value.text("kind") not in _kinds() else ""
    return f"{kind}{hint or f'; {_READ}'}"


def _guesses(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.get("kind"):
            version = value.text("apiVersion")
            name = value.child("metadata").text("name")
            called = f", called {name[:80]!r}" if name else ""
            yield f"this is {_an(value.text('kind'))}" + (f" of {version[:80]}" if version else "") + called
        for key, what in _KEYS.items():
            if key in value:
                yield f"this seems to be {what}"
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        first = value[0]
        if {"hosts", "tasks", "roles", "import_playbook"} & first.keys():
            yield "this seems to be an Ansible playbook"
        if {"ansible.builtin", "when", "register"} & first.keys() or any("." in key for key in first):
            yield "this seems to be a list of Ansible tasks"
        yield "this is a list of mappings"
    if isinstance(value, str | int | bool):
        yield "this is one plain value"
    if value is None:
        yield "this is empty"


_KEYS = {
    "services": "a Docker Compose file",
    "network": "a netplan file",
    "ethernets": "a netplan file",
    "users": "cloud-init user data",
    "packages": "cloud-init user data",
    "runcmd": "cloud-init user data",
    "openapi": "an OpenAPI description",
    "swagger": "an OpenAPI description",
    "resources": "a Kustomize or CloudFormation file",
    "heat_template_version": "an OpenStack Heat template",
    "expanded_devices": "an Incus or LXD instance",
    "devices": "an Incus or LXD instance",
    "jobs": "a CI workflow",
    "stages": "a CI workflow",
    "all": "an Ansible inventory",
    "return": "a reply of QEMU's monitor",
}
