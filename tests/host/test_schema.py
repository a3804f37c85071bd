"""Every file of facts fits its description under data/schema, and every description describes a file."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema
import yaml

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
def validator(name: str) -> Callable[[Any], object]:
    """The checker of a description, which may refer to the common types; it raises JsonSchemaValueException."""
    return compiled(schema(name))


def compiled(description: dict[str, Any]) -> Callable[[Any], object]:
    """The checker of a description that may refer to the common types."""
    # The descriptions use only what draft 7, the newest draft that fastjsonschema has, and 2020-12 define alike.
    as_draft7 = description | {"$schema": "http://json-schema.org/draft-07/schema#"}
    check: Callable[[Any], object] = fastjsonschema.compile(
        as_draft7, handlers={"urn": lambda _: schema("common")}, use_default=False
    )
    return check


def problem(check: Callable[[Any], object], found: object) -> str:
    """What a checker finds wrong, empty where nothing is."""
    try:
        check(found)
    except fastjsonschema.JsonSchemaValueException as error:
        return str(error.message)
    return ""


@cache
def objects(name: str) -> tuple[tuple[str, Any], ...]:
    """What a file holds, each with where it stands: the rows of a table, or the whole document."""
    path = facts.path(name)
    if path.suffix == ".csv":
        return tuple((f"{name}: row {number}", row) for number, row in enumerate(facts.table(name), 1))
    if path.suffix == ".toml":
        return ((name, tomllib.loads(path.read_text(encoding="utf-8"))),)
    if path.suffix == ".json":
        return ((name, json.loads(path.read_bytes())),)
    return ((name, yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)),)


def test_a_file_fits_its_description() -> None:
    """Every row or record has the fields, types and patterns that its description states."""
    problems = [
        f"{where}: {text}"
        for name in files()
        for where, found in objects(name)
        if (text := problem(validator(described_by(name)), found))
    ]
    assert problems == []


def test_columns_stand_in_the_described_order() -> None:
    """The head of a table is the list of properties, so that a reviewer reads both side by side."""
    for name in files():
        if name.endswith(".csv"):
            with facts.path(name).open(newline="", encoding="utf-8") as stream:
                head = next(csv.reader(line for line in stream if not line.startswith("#")))
            assert head == list(schema(name)["properties"]), name


def test_a_description_rejects_a_wrong_file() -> None:
    """A missing field, an unknown field and a number in place of a text are each refused."""
    for name in files():
        check = validator(described_by(name))
        _, found = objects(name)[0]
        for key in schema(described_by(name))["required"]:
            without = {other: value for other, value in found.items() if other != key}
            assert problem(check, without), (name, key)
            assert problem(check, found | {key: 1.5}), (name, key)
        assert problem(check, found | {"no-such-field": "x"}), name


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
    check = compiled(common["$defs"]["families"])
    names = [record["name"] for record in facts.records("libvirt/machines.toml", "family")]
    assert [problem(check, name) for name in names if problem(check, name)] == []
    listed = common["$defs"]["families"]["pattern"].partition("( ")[0].strip("^()").split("|")
    assert set(listed) == set(names)
