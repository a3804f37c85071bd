"""Parameters of a run: those that each notebook declares, those that a file or a caller gives, and their check."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from virtkit import json_text
from virtkit.errors import UsageError

__all__ = ["PARTS", "Heading", "declared", "distribute", "heading", "read"]

#: The parts of the index, in order; a notebook names its part in its metadata. Others come last, without a heading.
PARTS = {
    "operation": "Domains: failures, boot, free ports and moves",
    "guests": "Guests: what each system can drive",
    "design review": "Design review",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a notebook, its part of the index ("" for none), and a sentence for readers who do not know its
    subject ("" for none)."""

    title: str
    part: str = ""
    context: str = ""


def declared(notebook: Path) -> dict[str, Any]:
    """The parameters of a notebook with their defaults: the assignments in its cell tagged ``parameters``.

    Raises UsageError when the notebook cannot be read, or when the cell has anything but assignments of literals.
    """
    tagged = [cell for cell in _cells(notebook) if "parameters" in cell.get("metadata", {}).get("tags", [])]
    try:
        module = ast.parse("".join("".join(cell["source"]) for cell in tagged[:1]))
    except (SyntaxError, KeyError, TypeError) as error:
        raise UsageError(f"{notebook}: the parameters cell is not valid Python: {error}") from None
    found: dict[str, Any] = {}
    for statement in module.body:
        target: ast.expr | None = None
        value: ast.expr | None = None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign):
            target, value = statement.target, statement.value
        if not isinstance(target, ast.Name) or value is None:
            raise UsageError(
                f"{notebook}: the parameters cell may only assign literals to names; got: {ast.unparse(statement)}"
            )
        try:
            found[target.id] = ast.literal_eval(value)
        except ValueError:
            got = ast.unparse(value)
            raise UsageError(f"{notebook}: parameter {target.id}: expected a literal, got {got}") from None
    return found


def heading(notebook: Path) -> Heading:
    """The first heading of a notebook, or its name, with the part and the context that its metadata names.

    Raises UsageError when it cannot be read.
    """
    said = _content(notebook).get("metadata", {})
    about = said.get("virtkit", {}) if isinstance(said, dict) else {}
    part, context = (str(about.get(key, "")) if isinstance(about, dict) else "" for key in ("part", "context"))
    for cell in _cells(notebook):
        lines = "".join(cell.get("source", ())).splitlines()
        if cell.get("cell_type") == "markdown" and lines and lines[0].startswith("# "):
            return Heading(lines[0][2:].strip(), part if part in PARTS else "", context)
    return Heading(notebook.stem, part if part in PARTS else "", context)


def _content(notebook: Path) -> dict[str, Any]:
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{notebook}: not a notebook: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{notebook}: not a notebook: expected a mapping")
    return content


def _cells(notebook: Path) -> list[dict[str, Any]]:
    try:
        cells = _content(notebook)["cells"]
    except KeyError as error:
        raise UsageError(f"{notebook}: not a notebook: {error}") from None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise UsageError(f"{notebook}: not a notebook: expected a list of cells")
    return cells


def read(file: Path) -> dict[str, Any]:
    """The parameters in a YAML or JSON file: a mapping of names to values, or of notebook names to such mappings.

    Values keep the type that they have in the file: ``version: "6.10"`` is text. Raises UsageError when the file cannot
    be read or is not a mapping.
    """
    from virtkit.yaml_text import text_of, value

    text = text_of(file)
    given = _json(text, file) if file.suffix == ".json" else value(text, str(file))
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise UsageError(f"{file}: expected a mapping of parameter names to values, got {type(given).__name__}")
    return given


def _json(text: str, file: Path) -> Any:
    """The values of a JSON text. Raises UsageError when it is not well-formed or is nested too deeply."""
    try:
        return json_text.value(text, _mapping)
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}:{error.lineno}: not valid JSON: {error.msg}") from None
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping of JSON. Raises ValueError for a key that is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:60]!r} is there twice")
    return found


def distribute(given: Mapping[str, Any], notebooks: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """The parameters of each notebook, keyed by the notebook's name.

    A parameter at the top level goes to every notebook that declares it; one under a notebook's name goes to that
    notebook only and takes precedence. Raises UsageError for a parameter that no notebook declares, with the nearest
    name, and for a value whose type differs from the default's.
    """
    paths = list(notebooks)
    known = {path.stem: declared(path) for path in paths}
    found: dict[str, dict[str, Any]] = {name: {} for name in known}
    every = sorted({key for names in known.values() for key in names})
    for key, value in given.items():
        if key in known:
            if not isinstance(value, dict):
                raise UsageError(f"notebook {key!r}: expected a mapping of parameter names to values, got {value!r}")
            for inner, part in value.items():
                if inner not in known[key]:
                    raise UsageError(_unknown(str(inner), sorted(known[key]), f"notebook {key!r} has"))
                found[key][str(inner)] = _typed(str(inner), part, known[key][str(inner)])
            continue
        takers = [name for name, names in known.items() if key in names]
        if not takers:
            raise UsageError(_unknown(key, every, "the chosen notebooks have"))
        for name in takers:
            found[name].setdefault(key, _typed(key, value, known[name][key]))
    return found


def _unknown(name: str, allowed: list[str], where: str) -> str:
    near = difflib.get_close_matches(name, allowed, 1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(allowed) or 'none'}"
    return f"{where} no parameter {name!r}{hint}"


def _typed(name: str, value: Any, default: Any) -> Any:
    if default is None or value is None:
        return value
    if isinstance(default, bool) or isinstance(value, bool):
        fits = isinstance(default, bool) and isinstance(value, bool)
    elif isinstance(default, float):
        fits = isinstance(value, int | float)
    elif isinstance(default, list | tuple):
        fits = isinstance(value, list | tuple)
    elif isinstance(default, str) and isinstance(value, list | tuple):
        # The notebooks join the items, as they do for papermill.
        fits = all(isinstance(part, str) for part in value)
    else:
        fits = isinstance(value, type(default))
    if not fits:
        given, wanted = type(value).__name__, type(default).__name__
        what = f"parameter {name!r}: expected {wanted} (the default is {default!r}), got {given} {value!r}"
        quotes = isinstance(default, str) and isinstance(value, int | float) and not isinstance(value, bool)
        raise UsageError(f"{what}; put text that looks like a number in quotes" if quotes else what)
    return value
