"""Machines of a list that differ only in names and the like are judged once, with the same rows as alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.readers.kubevirt.machines import instance
from virtkit.fleet import examination
from virtkit.fleet.answer import Totals
from virtkit.fleet.audit import audit
from virtkit.fleet.question import Question
from virtkit.inputs import sources
from virtkit.readers.kubevirt.alike import items


def item(name: str, more: str = "", **options: str) -> str:
    """One item as kubectl prints it: metadata before the spec, with a namespace, user data and a status."""
    text = instance(name=name, **options).replace(f"  name: {name}\n", f"  name: {name}\n  namespace: prod\n")
    disks = "  volumes:\n  - name: root\n    cloudInitNoCloud:\n      userData: |\n"
    data = f"        #cloud-config\n        hostname: {name}\n{more}"
    text = text.replace("  volumes: [{name: root, containerDisk: {image: 'registry.example/os:1'}}]\n", disks + data)
    return "- " + "\n  ".join(text.splitlines()) + f"\n  status:\n    node: {name}\n"


def listed(*some: str) -> bytes:
    return f"apiVersion: v1\nitems:\n{''.join(some)}kind: List\n".encode()


def in_json(data: bytes) -> bytes:
    """The list as kubectl prints it in JSON."""
    return json.dumps(yaml.safe_load(data), indent=4, sort_keys=True).encode() + b"\n"


def rows(folder: Path, data: bytes) -> tuple[list[object], int]:
    """The rows of an audit of a list, and how many domains shared an answer."""
    file = folder / "list.yaml"
    file.write_bytes(data)
    total = Totals()
    found: list[object] = []
    examination._known.cache_clear()  # other tests of this process ask the same about the same machines
    for one in audit(sources([str(file)]), Question()):
        total.add(one)
        # Without the digest of a domain: it is that of its item, or that of a list which is read as a whole.
        groups = [(name, head[:3] + head[4:], some) for name, groups in one.rows.items() for head, some in groups]
        found += [(name, head, row) for name, head, some in groups for row in some]
    return found, total.shared


def test_names_and_user_data_do_not_matter() -> None:
    """Two machines with other names, user data and status have one key; their lines and names are their own."""
    one, other = items(listed(item("a"), item("b")))
    assert one.key == other.key != b""
    assert (one.name, one.domain, other.name) == ("prod.a", "prod_a", "prod.b")
    assert (one.line, other.line - one.line) == (3, item("a").count("\n"))


def test_json_has_the_same_keys() -> None:
    """In JSON, too, names and user data do not matter, and memory does."""
    one, other, more = items(in_json(listed(item("a"), item("b"), item("c", memory="4Gi"))))
    assert one.key == other.key != b""
    assert more.key != one.key
    assert (one.name, other.domain, one.line) == ("prod.a", "prod_b", 4)


@pytest.mark.parametrize(
    "other",
    [
        item("b", memory="4Gi"),
        item("b", devices="disks: [{name: root, disk: {bus: sata}}]\ninterfaces: [{name: default, masquerade: {}}]"),
        item("b", more="        second: line\n"),
        item("b", annotations="kubevirt.io/pci-interface-slot-count: '9'"),
    ],
)
def test_what_matters_is_in_the_key(other: str) -> None:
    """Memory, buses, annotations and the number of lines make another key."""
    one, two = items(listed(item("a"), other))
    assert one.key != two.key


def test_lists_that_cannot_be_divided_have_no_items() -> None:
    """A list with an alias and other texts are read as a whole."""
    assert items(listed(item("a").replace("name: a", "name: &x a"))) == []
    assert items(b"<domain/>") == []


@pytest.mark.parametrize("form", [bytes, in_json])
def test_shared_answers_are_those_of_each_machine_alone(
    form: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows with and without sharing are equal, errors and their lines included."""
    bad = item("bad").replace("bus: virtio", "bus: ide")
    data = form(listed(item("a"), item("b"), bad, item("c", memory="4Gi"), bad.replace("bad", "worse"), item("d")))
    shared, count = rows(tmp_path, data)
    monkeypatch.setattr(examination, "alike", lambda data, label: [])
    monkeypatch.setattr(examination, "moved_lines", lambda *some: None)
    alone, none = rows(tmp_path, data)
    assert shared == alone
    assert (count, none) == (2, 0)
    assert any("prod.worse" in str(row) or "worse: spec" in str(row) for row in shared)
