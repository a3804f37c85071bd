"""Every command of docs/questions.md runs and answers as the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from virtkit.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "questions.md"


def _commands() -> list[tuple[str, list[str]]]:
    """Each command of the page with the lines that follow it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def test_all_eighteen_are_there() -> None:
    """The page has eighteen questions."""
    assert [int(n) for n in re.findall(r"^## (\d+)\.", PAGE.read_text(encoding="utf-8"), re.M)] == list(range(1, 19))


@pytest.mark.slow
@pytest.mark.parametrize(("command", "lines"), _commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_answer(
    command: str, lines: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of the page come in that order; dots stand for what is left out."""
    monkeypatch.chdir(ROOT)
    words = shlex.split(command)
    assert words[0] == "virtkit"
    assert main(words[1:]) in (0, 1)
    captured = capsys.readouterr()
    answer = (captured.err + captured.out).splitlines()
    at = 0
    for line in lines:
        if line == "...":
            continue
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("..."))
        place = next((n for n in range(at, len(answer)) if re.search(pattern, answer[n])), None)
        assert place is not None, f"no line like {line!r} in:\n" + "\n".join(answer[:60])
        at = place + 1
