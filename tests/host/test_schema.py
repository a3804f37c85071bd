"""Every file of facts fits its description under data/schema, and every description describes a file."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from virtkit import facts

SCHEMAS = facts.path("schema")
#: Files that share one description: the description's name by the pattern of the files.
SHARED = {"qemu/*/*.json": "qemu/emulator.json", "policies/*.yaml": "policies/policy.yaml"}
ENDING = ".schema.json"


def files() -> list[str]:
    """Every file of facts, by its name below data/; sample domains and prose are no tables."""
    root = facts.root()
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in found
        if path.parts[0] not in ("schema", "domains") and path.suffix in (".csv", ".toml", ".json", ".yaml")
    )


def described_by(name: str) -> str:
    """The name of the description of a file."""
    return next((shared for pattern, shared in SHARED.items() if Path(name).match(pattern)), name)


@cache
def schema(name: str) -> dict[str, Any]:
    """A description."""
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}{ENDING}").read_text(encoding="utf-8"))
    return found


@cache
def validator(name: str) -> Draft202012Validator:
    """The checker of a description, which may refer to the common types."""
    common = schema("common")
    registry: Registry[Any] = Registry().with_resource(common["$id"], Resource.from_contents(common))
    Draft202012Validator.check_schema(schema(name))
    return Draft202012Validator(schema(name), registry=registry)


def objects(name: str) -> Iterator[tuple[str, Any]]:
    """What a file holds, each with where it stands: the rows of a table, or the whole document."""
    path = facts.path(name)
    if path.suffix == ".csv":
        for number, row in enumerate(facts.table(name), 1):
            yield f"{name}: row {number}", row
    elif path.suffix == ".toml":
        yield name, tomllib.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".json":
        yield name, json.loads(path.read_bytes())
    else:
        yield name, yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", files())
def test_a_file_fits_its_description(name: str) -> None:
    """Every row or record has the fields, types and patterns that its description states."""
    check = validator(described_by(name))
    problems = [
        f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
        for where, found in objects(name)
        for error in check.iter_errors(found)
    ]
    assert problems == []


@pytest.mark.parametrize("name", [name for name in files() if name.endswith(".csv")])
def test_columns_stand_in_the_described_order(name: str) -> None:
    """The head of a table is the list of properties, so that a reviewer reads both side by side."""
    with facts.path(name).open(newline="", encoding="utf-8") as stream:
        head = next(csv.reader(line for line in stream if not line.startswith("#")))
    assert head == list(schema(name)["properties"])


@pytest.mark.parametrize("name", files())
def test_a_description_rejects_a_wrong_file(name: str) -> None:
    """A missing field, an unknown field and a number in place of a text are each refused."""
    check = validator(described_by(name))
    _, found = next(objects(name))
    for key in schema(described_by(name))["required"]:
        without = {other: value for other, value in found.items() if other != key}
        assert not check.is_valid(without), key
        wrong = deepcopy(found) | {key: 1.5}
        assert not check.is_valid(wrong), key
    assert not check.is_valid(found | {"no-such-field": "x"})


def test_every_description_describes_a_file() -> None:
    """None outlives its file, and each says what it is about."""
    known = {path.relative_to(SCHEMAS).as_posix().removesuffix(ENDING) for path in SCHEMAS.rglob(f"*{ENDING}")}
    assert known - {"common"} == {described_by(name) for name in files()}
    assert all(schema(name)["title"] for name in known)


def test_every_fact_has_a_source() -> None:
    """Every description asks for a source, except the copies of the guest OS database, which has one for all."""
    lacking = {name for name in files() if '"source' not in json.dumps(schema(described_by(name)))}
    assert lacking == {f"guests/{name}.csv" for name in ("addons", "device-sets", "devices", "guests")}


def test_the_readme_names_every_table() -> None:
    """data/README.md says what each file holds."""
    text = facts.path("README.md").read_text(encoding="utf-8")
    assert [name for name in files() if f"`{described_by(name)}`" not in text] == []


def test_family_names_are_those_of_the_machine_table() -> None:
    """The list of families in the common types is that of machines.toml."""
    common = schema("common")
    check = Draft202012Validator(common["$defs"]["families"])
    names = [record["name"] for record in facts.records("libvirt/machines.toml", "family")]
    assert all(check.is_valid(name) for name in names)
    listed = common["$defs"]["families"]["pattern"].partition("( ")[0].strip("^()").split("|")
    assert set(listed) == set(names)
