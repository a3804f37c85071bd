"""Help, hints on misspelt words, shell completion and the manual page: all from one parser."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import parsers
from tests.waiting import HANGING
from virtkit.cli import COMMANDS, main
from virtkit.commands.completion import SHELLS, script
from virtkit.commands.man import page
from virtkit.commands.parser import GROUPS, build, commands_of

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def test_help_begins_with_everyday_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Help lists each command once, in groups, those for every day first; ``help`` is the same."""
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    listed = re.findall(r"^    ([a-z]+)  ", text, re.M)
    assert sorted(listed) == sorted({*COMMANDS, "detach"})
    assert listed[: len(GROUPS[0][1])] == list(GROUPS[0][1])
    assert text.index("everyday:") < text.index("many domains:") < text.index("this program:")
    with pytest.raises(SystemExit):
        main(["help"])
    assert capsys.readouterr().out == text


def test_help_of_a_command_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """``virtkit help check`` is ``virtkit check --help``."""
    with pytest.raises(SystemExit) as leaving:
        main(["help", "check"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out.startswith("usage: virtkit check ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["chek", "x"], "no command 'chek'; did you mean 'check'?"),
        (["fix", "x"], "no command 'fix'; did you mean 'check --fix'?"),
        (["diff", "a", "b"], "no command 'diff'; did you mean 'topology --diff'?"),
        (["unplug", "a"], "no command 'unplug'; did you mean 'detach'?"),
        (["zzz"], "no command 'zzz'; expected one of check, resolve, topology, "),
        (["policy", "chekc", "a", "b"], "no command 'chekc'; did you mean 'check'?"),
        (["check", "x", "--gest", "rhel9.0"], "did you mean '--guest'? See 'virtkit check --help'"),
        (["check", "x", "--fix", "--spare-ports", "two"], "--spare-ports: expected a whole number, got 'two'"),
        (["policy", "show", "x", "--fromat", "json"], "did you mean '--format'? See 'virtkit policy show --help'"),
        (["resolve", "x", "--zzzzzz"], "unrecognized arguments: --zzzzzz; see"),
    ],
)
def test_a_word_that_is_not_known(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names what the word may mean, by spelling or by meaning; exit code 2."""
    with pytest.raises(SystemExit) as leaving:
        main(words)
    assert leaving.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def completed(line: str, folder: Path) -> list[str]:
    """What bash offers for the last word of a line."""
    code = (
        f"source {folder / 'virtkit.bash'}; cd {folder}; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        'COMPREPLY=(); _virtkit; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=HANGING, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script for bash and a domain file."""
    folder = tmp_path_factory.mktemp("bash")
    (folder / "virtkit.bash").write_text(script("bash"))
    (folder / "guest.xml").touch()
    return folder


@needs_bash
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("virtkit top", ["topology"]),
        ("virtkit check --conv", ["--convert-to"]),
        ("virtkit check --convert-to ''", ["q35", "pc"]),
        ("virtkit check --guest rhel6.1", ["rhel6.1", "rhel6.10"]),
        ("virtkit check gue", ["guest.xml"]),
        ("virtkit --quiet check gue", ["guest.xml"]),
        ("virtkit policy sl", ["slots"]),
        ("virtkit policy check recommended gue", ["guest.xml"]),
        ("virtkit policy check --format s", ["sarif"]),
        ("virtkit resolve --host debian-11", ["debian-11"]),
        ("virtkit completion ''", list(SHELLS)),
        ("virtkit policy show recom", ["recommended"]),
        ("virtkit matrix --kinds blo", ["block"]),
    ],
)
def test_bash_completes(line: str, offered: list[str], bash: Path) -> None:
    """bash offers commands, verbs, options, their values, and files."""
    assert completed(line, bash) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_know_every_command_and_option(shell: str) -> None:
    """The script of each shell has every command and every long option of it, and the shell can read it."""
    text = script(shell)
    dashes = "-l " if shell == "fish" else "--"
    for name, parser in commands_of(build()).items():
        assert name in text
        for action in parser._actions:
            for option in action.option_strings:
                assert not option.startswith("--") or f"{dashes}{option[2:]}" in text
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=text, text=True, timeout=HANGING, check=False).returncode == 0


def test_the_manual_has_every_command_and_option() -> None:
    """The manual page has a section for each command and verb, with each of its options and the examples."""
    text = page()
    for name, parser in commands_of(build()).items():
        assert f'.SS "virtkit {name}"' in text or f".SS virtkit {name}" in text
        for verb in commands_of(parser):
            assert f'.SS "virtkit {name} {verb}"' in text
    assert "\\fB\\-\\-spare\\-ports\\fR \\fIN\\fR" in text
    assert "virtkit check guest.xml \\-\\-guest rhel6.10" in text
    assert ".SH \"EXIT STATUS\"" in text


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_is_formatted_without_warnings() -> None:
    """groff formats the page and has nothing to say about it."""
    words = ["groff", "-man", "-Tutf8", "-ww", "-K", "utf-8"]
    done = subprocess.run(words, input=page(), capture_output=True, text=True, timeout=HANGING, check=False)
    assert done.stderr == ""
    assert "virtkit check" in done.stdout


def test_the_manual_goes_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-o names the file."""
    assert main(["man", "-o", str(tmp_path / "virtkit.1")]) == 0
    assert (tmp_path / "virtkit.1").read_text().startswith(".TH VIRTKIT 1 ")
    assert capsys.readouterr().out == ""


def test_every_option_is_explained() -> None:
    """Every option and argument of every command has a help text, and every description is a sentence."""
    for _, parser in parsers():
        assert parser.description, parser.prog
        assert parser.description[0].isupper(), parser.prog
        assert parser.description.endswith("."), parser.prog
        for action in parser._actions:
            if not isinstance(action, argparse._SubParsersAction):
                assert action.help, (parser.prog, action.dest)
                assert not action.help.startswith("("), (parser.prog, action.dest)


def test_help_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 80 columns only indented lines, such as examples, are longer; words with a hyphen are not split."""
    monkeypatch.setenv("COLUMNS", "80")
    for _, parser in parsers():
        text = parser.format_help()
        assert [line for line in text.splitlines() if len(line) > 80 and line[0] != " "] == [], parser.prog
    help_of_attach = commands_of(build(("attach",)))["attach"].format_help()
    assert "\nshort forms:\n  disk " in help_of_attach
    assert "\nexamples:\n  virtkit attach guest.xml disk nic:e1000\n" in help_of_attach
