"""The README works as typed: every command in it runs, and answers with the lines that stand below it."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from virtkit import facts
from virtkit.cli import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands() -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", README, re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def _expect(lines: list[str], answer: list[str]) -> None:
    at = 0
    for line in lines:
        if line.strip() == "...":
            continue
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("..."))
        place = next((n for n in range(at, len(answer)) if re.search(pattern, answer[n])), None)
        assert place is not None, f"no line like {line!r} in:\n" + "\n".join(answer[:40])
        at = place + 1


@pytest.mark.slow
def test_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The tour's commands, one after the other in one folder, do what the README says."""
    shutil.copytree(facts.path("domains"), tmp_path / "data" / "domains")
    monkeypatch.chdir(tmp_path)
    for command, lines in _commands():
        words = shlex.split(command)
        assert words[0] == "virtkit"
        if words[1] == "report":
            continue  # tests/reporting runs the notebooks
        assert main(words[1:]) in (0, 1), command
        captured = capsys.readouterr()
        _expect(lines, (captured.err + captured.out).splitlines())
    assert (tmp_path / "matrix.html").is_file()


def test_python_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python in the README runs as it stands."""
    shutil.copytree(facts.path("domains"), tmp_path / "data" / "domains")
    monkeypatch.chdir(tmp_path)
    (source,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict[str, object] = {}
    exec(compile(source, "README.md", "exec"), names)  # noqa: S102
    assert not names["vk"].check(names["resolved"]).ok  # type: ignore[attr-defined]


def test_links_lead_somewhere() -> None:
    """Every relative link and picture of the pages exists."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "DESIGN.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_dependency_has_its_reason() -> None:
    """Each package of pyproject.toml is named in DESIGN.md."""
    import tomllib

    design = (ROOT / "DESIGN.md").read_text(encoding="utf-8").lower()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for requirements in extras.values():
        for requirement in requirements:
            name = re.split(r"[>=\[]", requirement)[0]
            assert name.lower() in design, name


def test_notebooks_named_in_the_readme_exist() -> None:
    """The table of notebooks lists those that there are."""
    named = set(re.findall(r"`notebooks/([\w.-]+\.ipynb)`", README))
    assert named == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
