"""Parameters: their types come from the file, and undeclared ones are errors."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from virtkit.errors import UsageError
from virtkit.reporting import notebook
from virtkit.reporting.parameters import declared, distribute, heading, read

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def write(folder: Path, name: str, *cells: str, heading: str = "# A question") -> Path:
    """A notebook whose first code cell is the parameters cell."""
    made: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "m", "metadata": {}, "source": [heading]}]
    for count, source in enumerate(cells):
        made.append(
            {
                "cell_type": "code",
                "id": f"c{count}",
                "metadata": {"tags": ["parameters"]} if count == 0 else {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
        )
    path = folder / f"{name}.ipynb"
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_declared_are_the_plain_assignments(tmp_path: Path) -> None:
    """The parameters of a notebook are the names that its parameters cell assigns, with their values."""
    path = write(tmp_path, "a", 'release = "8.10"  # text\nlimit: int = 3\nwords = ["a", "b"]')
    assert declared(path) == {"release": "8.10", "limit": 3, "words": ["a", "b"]}
    assert heading(path).title == "A question"


@pytest.mark.parametrize("source", ["import os", "a = b = 1", "a = open('x')", "a: int", "f()", "a ="])
def test_parameters_cell_holds_nothing_else(tmp_path: Path, source: str) -> None:
    """A parameters cell with anything but assignments of literals is an error."""
    with pytest.raises(UsageError, match="parameter"):
        declared(write(tmp_path, "a", source))


def test_values_keep_their_type(tmp_path: Path) -> None:
    """YAML text stays text: "8.10" does not become 8.1, nor slot "00" zero."""
    file = tmp_path / "p.yaml"
    file.write_text('release: "8.10"\nslot: "00"\n')
    assert read(file) == {"release": "8.10", "slot": "00"}
    file = tmp_path / "p.json"
    file.write_text('{"release": "8.10"}')
    assert read(file) == {"release": "8.10"}


@pytest.mark.parametrize(("name", "text"), [("p.yaml", "a: ["), ("p.yaml", "- a"), ("p.json", "{"), ("p.yaml", "1: a")])
def test_unusable_files_are_refused(tmp_path: Path, name: str, text: str) -> None:
    """A file without a mapping of names to values is an error that names the file."""
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(UsageError, match=name):
        read(file)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A missing file is an error; an empty one has no parameters."""
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "p.yaml")
    (tmp_path / "e.yaml").write_text("")
    assert read(tmp_path / "e.yaml") == {}


def test_parameters_go_where_they_are_declared(tmp_path: Path) -> None:
    """A parameter goes to each notebook that declares it, unless one under the notebook's name replaces it."""
    paths = [write(tmp_path, "a", "x = 1\ny = ''"), write(tmp_path, "b", "x = 1")]
    assert distribute({"x": 2, "y": "t", "b": {"x": 3}}, paths) == {"a": {"x": 2, "y": "t"}, "b": {"x": 3}}
    assert distribute({"b": {"x": 3}, "x": 2}, paths)["b"] == {"x": 3}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gests": "a"}, "the chosen notebooks have no parameter 'gests'; did you mean 'guests'"),
        ({"a": {"zz": 1}}, "notebook 'a' has no parameter 'zz'; expected one of flag, guests, limit"),
        ({"a": 1}, "mapping"),
        ({"limit": "3"}, r"parameter 'limit': expected int \(the default is 3\), got str '3'"),
        ({"limit": True}, "bool"),
        ({"guests": 11.10}, "got float 11.1; put text that looks like a number in quotes"),
        ({"flag": "off"}, "'flag': expected bool .* got str 'off'"),
    ],
)
def test_wrong_parameters_are_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    """An unknown name and a value of another type are errors that say what is expected."""
    path = write(tmp_path, "a", "guests = ''\nlimit = 3\nflag = True")
    with pytest.raises(UsageError, match=message):
        distribute(given, [path])


def test_none_and_lists_mean_the_same_from_a_file_and_from_papermill(tmp_path: Path) -> None:
    """null is "", and a list of texts is its items joined by commas, whichever way it comes."""
    path = write(tmp_path, "a", 'guests: str = "all"')
    for given, meant in ((None, ""), (["rhel6.10", "win*"], "rhel6.10,win*"), ("rhel6.10", "rhel6.10")):
        (found,) = distribute({"guests": given}, [path]).values()
        assert notebook.text("guests", found["guests"]) == notebook.text("guests", given) == meant
    with pytest.raises(UsageError, match="parameter 'guests': expected str"):
        distribute({"guests": [6, 10]}, [path])


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_papermill_shows_every_parameter(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """papermill reads the type and the help of every parameter of the notebooks."""
    # As in reports, jsonschema does not build the grammar of a format that no notebook uses.
    monkeypatch.setitem(sys.modules, "rfc3987_syntax", None)
    papermill = pytest.importorskip("papermill")
    shown = papermill.inspect_notebook(str(path))
    names = declared(path)
    assert list(shown) == list(names)
    for name, default in names.items():
        assert shown[name]["inferred_type_name"] == type(default).__name__, name
        assert shown[name]["help"], name
