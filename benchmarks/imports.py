"""``python -m benchmarks.imports [--dot] [--against PATH_OR_REVISION]``: the import graph of virtkit, and its circles.

Every import counts: at the top of a module, inside a function, under ``TYPE_CHECKING``, and a call of
``import_module`` with a name. An import of ``virtkit.room.module`` counts for that module, not for the packages above
it. The one module that is named by a variable, the hook of ``virtkit.display``, does not count.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["LARGEST", "called", "circles", "import_graph", "main", "room_of", "rooms"]

#: The most modules that may import each other in a circle.
LARGEST = 3
_PACKAGE = "virtkit"
_ROOT = Path(__file__).parents[1]
Graph = Mapping[str, frozenset[str]]


def import_graph(root: Path) -> dict[str, frozenset[str]]:
    """The modules of ``root``/virtkit, each with the modules of virtkit that it imports anywhere; sorted.

    Raises OSError for a folder that cannot be read and SyntaxError for a module that is not Python.
    """
    files: dict[str, Path] = {}
    for file in sorted((root / _PACKAGE).rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    if not files:
        raise FileNotFoundError(f"{root}: expected a folder with the package {_PACKAGE}")
    known, graph = frozenset(files), {}
    for name, file in files.items():
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        text = file.read_text(encoding="utf-8")
        graph[name] = frozenset(_imported(text, file, package, known)) - {name}
    return graph


def _imported(text: str, file: Path, package: str, names: frozenset[str]) -> Iterator[str]:
    """The modules in ``names`` that a module of ``package`` imports, the names of a package resolved to its modules."""
    tree = ast.parse(text, str(file))
    # Import statements are no part of an expression; only calls of import_module are.
    for node in ast.walk(tree) if "import_module" in text else _statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.Call) and called(node).endswith("import_module"):
            yield from (word.value for word in node.args if isinstance(word, ast.Constant) and word.value in names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                module = f"{base}.{alias.name}"
                if module in names:
                    yield module
                elif base in names:
                    yield base


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement of a module, those in the bodies of others included."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, name, ()):
            yield node
            yield from _statements(node)


def called(call: ast.Call) -> str:
    """The last name of what a call calls: "import_module" for ``importlib.import_module(...)``; "" for no name."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """The groups of modules that import each other, largest first: strongly connected components of more than one."""
    found: list[tuple[str, ...]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            place = stack.index(module)
            group = tuple(sorted(stack[place:]))
            del stack[place:]
            if len(group) > 1:
                found.append(group)

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return sorted(found, key=lambda group: (-len(group), group))


def room_of(module: str) -> str:
    """The room of a module: the package under virtkit, the name of a module of the top level, or "" for virtkit."""
    return module.split(".")[1] if "." in module else ""


def rooms(graph: Graph) -> dict[str, Counter[str]]:
    """For each room the rooms that it imports, with the number of imports between modules."""
    found: dict[str, Counter[str]] = {}
    for module, imported in graph.items():
        counts = found.setdefault(room_of(module), Counter())
        counts.update(room_of(other) for other in imported if room_of(other) != room_of(module))
    return dict(sorted(found.items()))


def _text(graph: Graph) -> Iterator[str]:
    """The graph by rooms, then by modules."""
    yield "Rooms, each with the rooms that it imports (imports between modules):"
    for room, counts in rooms(graph).items():
        others = ", ".join(f"{other or _PACKAGE} {count}" for other, count in sorted(counts.items()))
        yield f"  {room or _PACKAGE}: {others or 'none'}"
    yield ""
    yield "Modules, each with the modules that it imports:"
    for module, imported in graph.items():
        yield f"  {module}: {', '.join(sorted(imported)) or 'none'}"
    yield ""


def _dot(graph: Graph) -> Iterator[str]:
    """The rooms as a graph for Graphviz; the width of an edge grows with the number of imports."""
    yield "digraph virtkit {"
    for room, counts in rooms(graph).items():
        yield f'  "{room or _PACKAGE}";'
        for other, count in sorted(counts.items()):
            yield f'  "{room or _PACKAGE}" -> "{other or _PACKAGE}" [label={count}, penwidth={1 + count / 10:.1f}];'
    yield "}"


def _summary(graph: Graph) -> Iterator[str]:
    """The size of the graph and its circles."""
    found = circles(graph)
    sizes = ", ".join(str(len(group)) for group in found) or "none"
    yield f"{len(graph)} modules, {sum(map(len, graph.values()))} imports; modules in circles: {sizes}"
    for group in found:
        yield f"  circle of {len(group)}: {', '.join(group)}"


def _graph_of(place: str) -> dict[str, frozenset[str]]:
    """The graph of a folder with the package, or of a revision of this repository. Raises FileNotFoundError."""
    if Path(place).is_dir():
        return import_graph(Path(place))
    done = subprocess.run(["git", "archive", place, _PACKAGE], cwd=_ROOT, capture_output=True, check=False)
    if done.returncode:
        raise FileNotFoundError(f"{place}: expected a folder or a revision: {done.stderr.decode().strip()}")
    with TemporaryDirectory() as folder, tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
        return import_graph(Path(folder))


def main(words: list[str]) -> int:
    """Print the graph; 1 if a circle has more than LARGEST modules, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--dot", action="store_true", help="print the rooms as a graph for Graphviz")
    parser.add_argument("--against", metavar="PATH_OR_REVISION", help="print the circles of another version first")
    args = parser.parse_args(words)
    graph = import_graph(_ROOT)
    if args.dot:
        print("\n".join(_dot(graph)))
    else:
        print("\n".join(_text(graph)))
        if args.against:
            try:
                before = _graph_of(args.against)
            except OSError as error:
                print(error, file=sys.stderr)
                return 2
            print("\n".join(["Before:", *_summary(before), "", "Now:"]))
        print("\n".join(_summary(graph)))
    return int(any(len(group) > LARGEST for group in circles(graph)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
