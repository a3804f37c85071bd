"""Tables and messages on a terminal: they fit its width, and the name of a domain is never a command to it."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal import on_terminal
from tests.waiting import HANGING
from tests.writing import domain
from virtkit.commands.tables import render

pytestmark = pytest.mark.slow

VIRTKIT = (sys.executable, "-m", "virtkit")
WITHOUT_RICH = "import sys; sys.modules['rich'] = None; from virtkit.cli import main; sys.exit(main(sys.argv[1:]))"
PROGRAMS = {"with rich": VIRTKIT, "without rich": (sys.executable, "-c", WITHOUT_RICH)}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def table(program: str, columns: int, *words: str) -> list[str]:
    """The lines that a command shows on a terminal, without colours."""
    code, shown = on_terminal([*PROGRAMS[program], "--quiet", *words], columns)
    assert code == 0, shown
    return COLOUR.sub("", shown).splitlines()


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("columns", [30, 60, 100, 160])
def test_a_table_fits_the_terminal(program: str, columns: int) -> None:
    """No line is wider than the terminal, and every word of the table is there."""
    words = ("recommend", "--guest", "rhel6.10", "--machine", "q35", "--kinds", "net,9p")
    lines = table(program, columns, *words)
    assert max(map(len, lines)) <= columns
    shown = "".join("".join(lines).split())
    assert all(word in shown for word in ("net", "works", "9p", "fails"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_identifiers_are_shortened_last(program: str) -> None:
    """Words are wrapped where identifiers still have their full width."""
    lines = table(program, 90, "recommend", "--guest", "rhel6.10", "--machine", "q35", "--kinds", "net")
    assert len(lines) > 3
    assert any("virtio-transitional" in line and "conventional-bridge" in line for line in lines)
    lines = table(program, 60, "recommend", "--guest", "rhel6.10", "--machine", "q35", "--kinds", "net")
    assert any("…" in line for line in lines)


def test_csv_and_json_are_whole_on_a_terminal() -> None:
    """``--format csv`` cuts nothing, however narrow the terminal is."""
    words = ("recommend", "--guest", "rhel6.10", "--machine", "q35", "--kinds", "net", "--format", "csv")
    there = table("with rich", 30, *words)
    piped = subprocess.run([*VIRTKIT, "--quiet", *words], capture_output=True, text=True, check=True, timeout=HANGING)
    assert there == piped.stdout.splitlines()
    (row,) = csv.DictReader(io.StringIO(piped.stdout))
    assert row["placement"] == "conventional-bridge"


def test_a_pipe_gets_the_whole_table_without_colour() -> None:
    """One line a row, whatever the width of the terminal behind it."""
    words = ("recommend", "--guest", "rhel6.10", "--machine", "q35", "--kinds", "net")
    piped = subprocess.run([*VIRTKIT, "--quiet", *words], capture_output=True, text=True, check=True, timeout=HANGING)
    assert "\x1b" not in piped.stdout
    assert len(piped.stdout.splitlines()) == 3


def test_names_of_domains_are_no_commands_to_the_terminal(tmp_path: Path) -> None:
    """Control characters and marks of direction are shown as escapes, markup as it is written."""
    name = "a\u009b31m\u202e[red]b"
    path = tmp_path / "odd.xml"
    path.write_bytes(domain("<rng/>").replace(b"<name>case</name>", f"<name>{name}</name>".encode()))
    (tmp_path / "nic.xml").write_bytes(domain("<interface type='user'><model type='odd[bold]\u009b1m'/></interface>"))
    for words in (("check", str(path)), ("policy", "rollout", "nic-model", str(tmp_path))):
        _, shown = on_terminal([*VIRTKIT, *words], 100)
        assert "\u009b" not in shown
        assert "\u202e" not in shown
    assert r"odd[bold]\x9b1m" in COLOUR.sub("", shown)


def test_plain_tables_are_printable() -> None:
    """A table is for reading: also in a file it has one line a row and no control characters."""
    assert render(("name",), [("a\nb\u009bc",)], "table").splitlines() == ["name", "--------", r"a b\x9bc"]
    assert render(("name",), [("a\u009bc",)], "csv") == "name\na\u009bc\n"


def test_audit_shows_how_far_it_is(tmp_path: Path) -> None:
    """On a terminal, with and without rich; rejected inputs stand in lines of their own."""
    (tmp_path / "good.xml").write_bytes(domain())
    (tmp_path / "bad.xml").write_bytes(domain("<rng/>"))
    for program in PROGRAMS.values():
        words = ("audit", str(tmp_path), "--jobs", "1", "-o", str(tmp_path / "out.csv"))
        code, shown = on_terminal([*program, *words], 200)
        assert code == 1
        assert "1 domain, 1 rejected" in shown
        lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip() for line in re.split(r"[\r\n]+", shown)]
        assert any(line.startswith(f"virtkit: {tmp_path / 'bad.xml'}:7: XML error") for line in lines)
