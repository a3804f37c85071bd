"""The import graph of virtkit: which room may import which, and no large circle."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from benchmarks.imports import LARGEST, called, circles, import_graph, main, room_of, rooms

ROOT = Path(__file__).parents[2]

GROUND = "errors facts json_text limits memo releases values wording display"
RESOLVING = f"{GROUND} domain host resolution"
RESOLVED = f"{RESOLVING} virtio topology resolved"
JUDGING = f"{RESOLVED} guests compat policy inputs readers fleet"

#: The rooms that each room may import, besides itself.
ALLOWED = {
    "errors": "wording",
    "limits": "",
    "json_text": "limits",
    "outputs": "errors",
    "memo": "",
    "values": "",
    "wording": "",
    "yaml_text": "errors limits",
    "display": "",
    "facts": "errors",
    "releases": "errors facts",
    "domain": GROUND,
    "host": GROUND,
    "guests": f"{GROUND} outputs virtio",  # the kinds of virtio devices
    "inputs": f"{GROUND} domain readers",
    "readers": RESOLVING,  # KubeVirt has libvirt assign addresses while it reserves ports
    "connection": f"{GROUND} domain host inputs",
    "resolution": f"{GROUND} domain host",
    "virtio": RESOLVING,
    "topology": f"{RESOLVING} virtio",
    "resolved": f"{RESOLVING} virtio topology inputs readers",
    "qemu_args": RESOLVED,
    "serialization": f"{RESOLVED} draw",
    "hotplug": f"{RESOLVED} guests compat boot",
    "boot": f"{RESOLVED} guests",
    "compat": f"{RESOLVED} guests",
    "policy": f"{RESOLVED} guests compat yaml_text",
    "fleet": f"{RESOLVED} guests compat policy inputs outputs readers hotplug",
    "verify": f"{RESOLVED} guests boot compat qemu_args hotplug readers inputs connection",
    "draw": "errors outputs wording topology",
    "notebook": f"{JUDGING} draw boot hotplug",
    "reporting": f"{JUDGING} outputs draw notebook yaml_text",
}
#: Tables that rooms below their own may import, too, because they need at most the device classes of ``domain``.
SHARED = {"virtkit.guests.families": {"draw"}, "virtkit.virtio.kinds": {"guests", "resolution"}}
#: SARIF output names the version of the program.
VERSION = {"policy": {""}}
#: Rooms at the edge, which may import every other.
EDGES = {"", "__main__", "cli", "commands"}


@cache
def graph() -> dict[str, frozenset[str]]:
    """The import graph of the package."""
    return import_graph(ROOT)


def test_no_large_circle() -> None:
    """No circle of imports has more than three modules, late and annotation imports included."""
    assert [group for group in circles(graph()) if len(group) > LARGEST] == []


def test_a_room_imports_only_what_it_may() -> None:
    """Each room imports only the rooms below it; a new room needs a row in the table."""
    assert set(map(room_of, graph())) - EDGES == set(ALLOWED)
    wrong = [
        f"{module} imports {other}"
        for module, imported in graph().items()
        if (room := room_of(module)) not in EDGES
        for other in sorted(imported)
        if room not in SHARED.get(other, ())
        and room_of(other) not in {room, *ALLOWED[room].split(), *VERSION.get(room, ())}
    ]
    assert wrong == []


def test_a_shared_table_stays_below_its_users() -> None:
    """The shared tables import the device classes and nothing of a room that uses them."""
    for module in SHARED:
        assert set(map(room_of, graph()[module])) <= {*GROUND.split(), "domain"}


def test_values_import_no_display() -> None:
    """Only the rooms that show values import pictures or notebook displays."""
    showing = {"", "commands", "draw", "notebook", "reporting", "serialization"}
    found = {module for module, imported in graph().items() if {"draw", "notebook"} & set(map(room_of, imported))}
    assert {module for module in found if room_of(module) not in showing} == set()


@pytest.mark.slow
def test_one_module_is_imported_by_a_hidden_name() -> None:
    """Only the display hook, the package, the readers and the command line import modules by a computed name."""
    found = set()
    for file in (ROOT / "virtkit").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            hidden = bool(node.args) and not isinstance(node.args[0], ast.Constant)
            if hidden and called(node).endswith(("import_module", "_import")):
                found.add(str(file.relative_to(ROOT / "virtkit")))
    reporting = {"reporting/execute.py", "reporting/fork.py"}
    assert found <= {"__init__.py", "commands/parser.py", "display.py", "readers/__init__.py"} | reporting


def _written(folder: Path, modules: dict[str, str]) -> Path:
    for name, text in modules.items():
        file = folder / "virtkit" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_late_and_annotation_imports_count(tmp_path: Path) -> None:
    """Imports inside functions, under TYPE_CHECKING, relative ones and import_module make a circle as any other."""
    modules = {
        "__init__.py": "",
        "a/__init__.py": "",
        "a/one.py": "def late():\n    from virtkit.a import two\n",
        "a/two.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..b import three\n",
        "b/__init__.py": "",
        "b/three.py": "import importlib\nimportlib.import_module('virtkit.b.four')\n",
        "b/four.py": "import virtkit.a.one\nfrom virtkit.b import nothing\n",
    }
    graph = import_graph(_written(tmp_path, modules))
    assert circles(graph) == [("virtkit.a.one", "virtkit.a.two", "virtkit.b.four", "virtkit.b.three")]
    assert graph["virtkit.b.four"] == {"virtkit.a.one", "virtkit.b"}
    assert rooms(graph)["a"] == {"b": 1}


@pytest.mark.slow
def test_command_draws_the_graph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command lists rooms, modules and circles, compares with another version, and draws a graph of the rooms."""
    own = graph()
    monkeypatch.setattr("benchmarks.imports.import_graph", lambda root: own if root == ROOT else import_graph(root))
    two = {"__init__.py": "", "a.py": "import virtkit.b\n", "b.py": "import virtkit.a\n"}
    assert main(["--against", str(_written(tmp_path, two))]) == 0
    out = capsys.readouterr().out
    assert "\n  draw: " in out
    assert "\n  virtkit.resolved: " in out
    assert "Before:\n3 modules, 2 imports; modules in circles: 2\n  circle of 2: virtkit.a, virtkit.b\n" in out
    assert main(["--dot"]) == 0
    assert '"notebook" -> "draw"' in capsys.readouterr().out
    assert main(["--against", str(tmp_path / "none")]) == 2
    assert "expected a folder or a revision" in capsys.readouterr().err


def test_a_large_circle_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command exits with 1 when more than three modules import each other in a circle."""
    names = "abcd"
    ring = {f"{name}.py": f"import virtkit.{names[(place + 1) % 4]}\n" for place, name in enumerate(names)}
    monkeypatch.setattr("benchmarks.imports._ROOT", _written(tmp_path, {"__init__.py": "", **ring}))
    assert main([]) == 1
