"""The mutants of a module: each is one small change of one function, made by mutmut's operators.

mutmut leaves out decorated functions, because it copies functions. Here a mutant replaces the code of the function that
is there (``tests/mutation/runner.py``), so cached functions and properties are mutated as well.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

__all__ = ["ROOT", "Mutant", "mutants_of", "sources"]

ROOT = Path(__file__).resolve().parents[2]

#: The folders and files whose functions are mutated: the rules for addresses, defaults, interfaces and verdicts.
SCOPE = (
    "virtkit/resolution/addresses",
    "virtkit/resolution/defaults",
    "virtkit/virtio",
    "virtkit/compat/verdict.py",
    "virtkit/compat/devices.py",
    "virtkit/compat/emulated.py",
    "virtkit/compat/check.py",
    "virtkit/compat/changes.py",
    "virtkit/compat/fallbacks.py",
    "virtkit/compat/nic_models.py",
    "virtkit/compat/boot_disk.py",
    "virtkit/compat/boot_evidence.py",
    "virtkit/compat/manual_slots.py",
    "virtkit/compat/remarks.py",
    "virtkit/compat/repairs.py",
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one function.

    ``lines`` are those of the statement that changes; ``body`` those of the whole function. ``path`` is relative to the
    checkout, ``function`` the qualified name, ``number`` counts the mutants of the file from 0.
    """

    path: str
    number: int
    function: str
    line: int
    lines: range
    body: range

    @property
    def id(self) -> str:
        """Its name in reports: ``PATH#NUMBER``."""
        return f"{self.path}#{self.number}"

    @property
    def module(self) -> str:
        """The dotted name of the module."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    def source(self) -> str:
        """The text of the module with the change."""
        tree, mutations, _ = _mutations(self.path)
        mutation = mutations[self.number]
        changed = deep_replace(tree, mutation.original_node, mutation.mutated_node)
        if not isinstance(changed, cst.Module):
            raise TypeError(f"{self.path}: mutant {self.number} replaces the whole module")
        return str(changed.code)

    def change(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The lines that go and the lines that come, without indentation."""
        difference = difflib.ndiff(text_of(self.path).splitlines(), self.source().splitlines())
        marked = [line for line in difference if line[:2] in ("- ", "+ ")]
        gone = tuple(line[2:].strip() for line in marked if line[0] == "-")
        return gone, tuple(line[2:].strip() for line in marked if line[0] == "+")


def sources() -> list[str]:
    """The files of the scope, relative to the checkout, sorted."""
    found: list[Path] = []
    for name in SCOPE:
        found += [ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py")
    return sorted(str(file.relative_to(ROOT)) for file in found)


def mutants_of(path: str) -> Iterator[Mutant]:
    """All mutants of a file, in the order of mutmut's operators."""
    tree, mutations, positions = _mutations(path)
    statements = _statements(text_of(path))
    names = _names(tree)
    for number, mutation in enumerate(mutations):
        outer = mutation.contained_by_top_level_function
        line = positions[mutation.original_node].start.line
        body = range(positions[outer].start.line, positions[outer].end.line + 1)
        yield Mutant(path, number, names[outer], line, _statement(statements, line), body)


class _Visitor(MutationVisitor):  # type: ignore[misc]  # mutmut is not installed where types are checked
    """mutmut's visitor, which also enters decorated functions."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        return not isinstance(node, cst.FunctionDef) and super()._skip_node_and_children(node)


@cache
def text_of(path: str) -> str:
    """The text of a file of the checkout."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def _mutations(path: str) -> tuple[cst.Module, list[Any], Any]:
    """The tree of a file, its mutations inside functions, and the position of each node."""
    wrapper = MetadataWrapper(cst.parse_module(text_of(path)))
    positions = wrapper.resolve(PositionProvider)
    visitor = _Visitor(mutation_operators, IgnoredCode(set(), set(), set()))
    tree = wrapper.visit(visitor)
    inside = [
        one
        for one in visitor.mutations
        if isinstance(one.contained_by_top_level_function, cst.FunctionDef)
        and one.original_node in positions
        and not _in_signature(one, positions)
    ]
    return tree, inside, positions


def _in_signature(mutation: Any, positions: Any) -> bool:
    """Whether it changes a default argument, which the code of a function does not hold."""
    start = positions[mutation.original_node].start
    body = positions[mutation.contained_by_top_level_function.body].start
    return bool((start.line, start.column) < (body.line, body.column))


def _names(tree: cst.Module) -> dict[cst.CSTNode, str]:
    """The qualified name of each function of the module and of each method of its classes."""
    found: dict[cst.CSTNode, str] = {}
    for node in tree.body:
        if isinstance(node, cst.FunctionDef):
            found[node] = node.name.value
        elif isinstance(node, cst.ClassDef):
            found |= {m: f"{node.name.value}.{m.name.value}" for m in node.body.body if isinstance(m, cst.FunctionDef)}
    return found


def _statements(text: str) -> list[range]:
    """The lines of each statement: of a compound one those before its body."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt | ast.excepthandler):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            found.append(range(node.lineno, max(node.lineno, end) + 1))
    return found


def _statement(statements: list[range], line: int) -> range:
    """The shortest statement with this line."""
    return min((lines for lines in statements if line in lines), key=len, default=range(line, line + 1))
