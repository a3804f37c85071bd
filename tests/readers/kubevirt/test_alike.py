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


def rows(folder: Path, data: bytes) -> tuple[list[tuple[str, tuple[object, ...], object]], int]:
    """The rows of an audit of a list, and how many domains shared an answer."""
    file = folder / "list.yaml"
    file.write_bytes(data)
    total = Totals()
    found: list[tuple[str, tuple[object, ...], object]] = []
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


UUIDS = ("5bc8fbbc-bde5-4099-8164-d8399f767c45", "30a1d5a0-6f5e-4b4e-8b9b-0a4c3a7a2f11")


def of_cluster(name: str, number: int, *, serial: str = "", firmware: str = "") -> str:
    """One item as a cluster has it: labels, an owner and the UUID of the firmware are its own."""
    disk = f"disks:\n- disk: {{bus: virtio}}\n  name: root\n  serial: {serial or f's{number}x'}\n"
    text = item(name, devices=f"{disk}interfaces: [{{name: default, masquerade: {{}}}}]", domain=(
        f"firmware:\n  serial: f{number}x\n  uuid: {firmware or UUIDS[number]}\n"
    ))
    aside = (
        f"    annotations:\n      example.com/ticket: '{number}'\n      kubevirt.io/vm-generation: \"2\"\n"
        f"    labels:\n      app: {name}\n      kubevirt.io/nodeName: node-{number}\n"
        f"    ownerReferences:\n    - kind: VirtualMachine\n      name: {name}\n      uid: {UUIDS[1 - number]}\n"
    )
    return text.replace("    namespace: prod\n", f"    namespace: prod\n{aside}")


@pytest.mark.parametrize("form", [bytes, in_json])
def test_labels_owners_and_firmware_do_not_matter(form: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Machines with other labels, annotations of other software, owners, serials and UUIDs have one key, and each row
    has its own UUID."""
    data = form(listed(of_cluster("a", 0), of_cluster("b", 1)))
    one, other = items(data)
    assert one.key == other.key != b""
    assert (one.uuid, other.uuid) == UUIDS
    found, shared = rows(tmp_path, data)
    assert [head[2] for table, head, _ in found if table == "domains"] == list(UUIDS)
    assert shared == 1


@pytest.mark.parametrize("form", [bytes, in_json])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('kubevirt.io/vm-generation: "2"', 'kubevirt.io/pci-interface-slot-count: "2"'),
        ("serial: s1x", "serial: 's 1'"),
        ("serial: f1x", "serial: s1x"),
        (f"uuid: {UUIDS[1]}", "uuid: x"),
        (f"name: b\n      uid: {UUIDS[0]}", f"name: b\n      uuid: {UUIDS[0]}"),
    ],
)
def test_what_changes_the_answer_is_in_the_key(form: Callable[[bytes], bytes], old: str, new: str) -> None:
    """Annotations of KubeVirt, values that are refused, and which values are equal make another key."""
    item = of_cluster("b", 1)
    assert old in item
    one, two = items(form(listed(of_cluster("a", 0), item.replace(old, new))))
    assert one.key != two.key


@pytest.mark.parametrize("sign", ["\x01", "\u2028", "\x85"])
def test_signs_that_yaml_treats_differently_are_in_the_key(sign: str) -> None:
    """User data with a sign that is refused, or that begins a line of its own, is not equal to other user data."""
    one, two = items(listed(item("a"), item("b").replace("hostname: b", f"hostname: b{sign}")))
    assert one.key != two.key


@pytest.mark.parametrize("value", ["12", "true", "'@x'", "@x", "a:", "[b"])
def test_values_of_another_type_are_in_the_key(value: str) -> None:
    """A claim whose name is no text, or no YAML, is not equal to a claim with a name."""
    volume = "volumes:\n- name: root\n  persistentVolumeClaim:\n    claimName: {}\n"
    one, two = items(listed(item("a", spec=volume.format("disk-a")), item("b", spec=volume.format(value))))
    assert one.key != two.key


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
