"""Passwords, keys and tokens of an input reach no report, dataset, message or picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.seeds import MARK, encoded, write_inputs
from virtkit.cli import main
from virtkit.errors import InputError, Refused, UsageError

#: Commands that answer about one domain; resolve and --fix give the domain itself, with all that is in it.
ONE = ("check", "explain", "topology", "args", "moves", "attach")


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with inputs of every format, which hold secrets at every place."""
    write_inputs(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "in"


def leaks(text: str | bytes) -> list[str]:
    """The places whose secrets are in a text, plain or in base64."""
    data = text.encode() if isinstance(text, str) else text
    found = re.findall(rb"%s[a-z0-9]+" % MARK.encode(), data)
    return sorted({place.decode() for place in found} | {part.decode() for part in encoded()[1:] if part in data})


def written(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file below a folder as text; a Parquet file as its rows."""
    from pyarrow import parquet

    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        is_table = file.suffix == ".parquet"
        yield file, str(parquet.read_table(file).to_pylist()) if is_table else file.read_bytes().decode("latin-1")


def test_the_seeds_are_there(inputs: Path) -> None:
    """Each input has secrets, so that the other tests can fail; base64 is recognised."""
    for file in inputs.iterdir():
        assert leaks(file.read_bytes()), file
    assert len(leaks((inputs / "libvirt.xml").read_bytes())) > 15
    assert any(part in (inputs / "vm.yaml").read_bytes() for part in encoded()[1:])


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
def test_commands_on_one_domain_show_no_secret(inputs: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """Answers and messages about good and broken inputs hold no secret, as text and as JSON, with --verbose too."""
    answered = 0
    for file in sorted(inputs.iterdir()):
        for command in ONE:
            more = ["--guest", "rhel6.10"] if command == "check" else []
            more += ["--machine", "pc:q35"] if command == "moves" else []
            more += ["--format", "json"] if form == "json" and command in ("check", "explain", "topology") else []
            answered += main(["-v", command, str(file), *more]) in (0, 1)
            out, err = capsys.readouterr()
            assert leaks(out + err) == [], (command, file.name)
    assert answered > 30


def test_converted_inputs_carry_no_secret(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The domain XML that another format is read as holds no secret, and neither does the resolved domain."""
    for name in ("vm.yaml", "100.conf", "guest.cmdline"):
        for more in (["--show-input-xml"], []):
            assert main(["resolve", str(inputs / name), *more]) == 0, name
            out, err = capsys.readouterr()
            assert "<domain" in out
            assert leaks(out + err) == [], (name, more)


def test_a_repaired_domain_keeps_its_password(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check --fix writes the domain of the user, so the password of its display is still there."""
    main(["check", str(inputs / "libvirt.xml"), "--fix", "-o", "fixed.xml"])
    assert "S3CR3Tvnc" in Path("fixed.xml").read_text()
    out, err = capsys.readouterr()
    assert leaks(out + err) == []


@pytest.mark.slow
def test_an_audit_writes_no_secret(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dataset, tables in three formats and the log of an audit hold no secret, its rejected inputs included."""
    options = ["--policy", "recommended", "--jobs", "1"]
    for output in ("out/set", "out/all.parquet", "out/all.csv", "out/all.json"):
        assert main(["-v", "--log-format", "json", "audit", "in", "-o", output, *options]) == 1
    out, err = capsys.readouterr()
    assert leaks(out + err) == []
    files = dict(written(tmp_path / "out"))
    assert len(files) > 12
    assert {file.name: found for file, text in files.items() if (found := leaks(text))} == {}
    assert "broken-entity.xml" in err


@pytest.mark.notebook
@pytest.mark.system
def test_a_report_writes_no_secret(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pages, executed notebooks, tables, pictures and records of all notebooks on domains hold no secret."""
    assert main(["-v", "report", "02", "05", "06", "07", "09", "--domains", "in", "-o", "out"]) == 1
    out, err = capsys.readouterr()
    assert leaks(out + err) == []
    files = dict(written(tmp_path / "out"))
    assert {file.name for file in files} >= {"index.html", "notebook.ipynb", "run.json", "status.json", "rejected.csv"}
    assert any(file.suffix == ".svg" for file in files)
    assert {str(file): found for file, text in files.items() if (found := leaks(text))} == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot open https://user:hunter2@host/x", "cannot open https://…@host/x"),
        ("expected on or off, got 'password=hunter2'", "expected on or off, got 'password=…'"),
        ("unknown option secret,id=a,auth_token=hunter2,x=1", "unknown option secret,id=a,auth_token=…,x=1"),
        ("GET https://h/x?sig=hunter2&a=1 failed", "GET https://h/x?sig=…&a=1 failed"),
        ("model='virtio', bus=1", "model='virtio', bus=1"),
        ("qemu+ssh://root@host/system does not answer", "qemu+ssh://root@host/system does not answer"),
        ("qemu+ssh://root:hunter2@host/system", "qemu+ssh://root:…@host/system"),
    ],
)
def test_errors_mask_logins_and_secret_settings(text: str, expected: str) -> None:
    """A message that quotes a URL or a setting shows neither login nor value; other values stay."""
    assert str(InputError(text, "a.xml", 3)) == f"a.xml:3: {expected}"
    assert str(Refused("XML error", text)) == f"XML error: {expected}"
    assert str(UsageError(text)) == expected
