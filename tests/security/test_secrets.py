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
ONE = ("check", "explain", "topology", "args", "moves", "attach", "detach")
#: Commands that take a file of another kind; the input is then a mistake, and the message must not quote it.
OTHERS = (
    ("names", "{}"),
    ("firmware", "{}"),
    ("interface", "{}"),
    ("policy", "show", "{}"),
    ("policy", "review", "{}", "--record", "record.md"),
    ("policy", "check", "recommended", "{}"),
    ("policy", "rollout", "nic-model", "{}"),
    ("check", "in/pc.xml", "--qemu", "{}"),
    ("check", "in/pc.xml", "--osinfo", "{}"),
    ("attach", "in/pc.xml", "{}"),
    ("attach", "in/pc.xml", "--steps", "{}"),
    ("attach", "in/pc.xml", "disk", "--inactive", "{}"),
    ("moves", "in/pc.xml", "{}"),
    ("domcaps", "--qemu", "{}"),
    ("topology", "in/pc.xml", "--diff", "{}"),
)
#: What a command line can hold: the login of a libvirt or of a file that a URL names.
LINES = (
    ("check", "--connect", "qemu+ssh://root:S3CR3Turi@h.invalid/system", "web"),
    ("check", "https://h/x?sig=S3CR3Tsig"),
    ("check", "in/pc.xml", "--osinfo", "http://u:S3CR3Tosinfo@h/x.tar"),
    ("check", "in/pc.xml", "--guest", "http://u:S3CR3Tguest@h/plan9"),
    ("audit", "in/pc.xml", "--scheduler", "tls://u:S3CR3Tscheduler@h.invalid:8786"),
    ("policy", "show", "https://u:S3CR3Tpolicy@h/p.yaml"),
    ("matrix", "--guests", "rhel6.10", "-o", "none/https://u:S3CR3Tout@h/y.csv"),
)


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
            more += ["vda"] if command == "detach" else ["disk", "nic:e1000"] if command == "attach" else []
            more += ["--format", "json"] if form == "json" and command != "args" else []
            answered += main(["-v", command, str(file), *more]) in (0, 1)
            out, err = capsys.readouterr()
            assert leaks(out + err) == [], (command, file.name)
    assert answered > 30


@pytest.mark.slow
def test_commands_show_no_secret_of_a_file_of_another_kind(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A domain where a command expects a policy, a table, steps or a host document is refused without being quoted."""
    refused = 0
    for file in sorted(inputs.iterdir())[::2]:
        for words in OTHERS:
            refused += main(["-v", *(word.format(file) for word in words)]) != 0
            out, err = capsys.readouterr()
            assert leaks(out + err) == [], (words, file.name)
    assert refused > 100
    assert not Path("record.md").exists()


def test_messages_show_no_login_of_the_command_line(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A URL where a file, a libvirt or a guest is expected is named without its login."""
    for words in LINES:
        for more in ([], ["--log-format", "json"]):
            assert main([words[0], *more, *words[1:]] if words[0] != "policy" else list(words)) != 0, words
            out, err = capsys.readouterr()
            assert err
            assert leaks(out + err) == [], words


@pytest.mark.slow
def test_pictures_show_no_secret(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pictures of a topology and of a change hold no secret, as SVG, as text and as JSON."""
    (tmp_path / "out").mkdir()
    for ending in ("svg", "txt", "json"):
        for file in ("libvirt.xml", "vm.yaml", "100.conf", "guest.cmdline", "libvirt.log"):
            assert main(["topology", f"in/{file}", "-o", f"out/{file}.{ending}"]) == 0
        main(["moves", "in/pc.xml", "--machine", "pc:q35", "--picture", f"out/moves.{ending}"])
        main(["topology", "in/pc.xml", "--diff", "in/libvirt.xml", "-o", f"out/diff.{ending}"])
    files = dict(written(tmp_path / "out"))
    assert len(files) == 21
    assert {file.name: found for file, text in files.items() if (found := leaks(text))} == {}


def test_a_decision_record_holds_no_secret(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The record of a policy of one's own names it and its rules, without the login in the URL of a source."""
    source = "https://u:S3CR3Trule@h/x?token=S3CR3Tt"
    rule = f"rules: [{{kinds: [all], model: virtio, reason: 'the default', source: '{source}'}}]"
    Path("own.yaml").write_text(f"name: own\ntitle: own\nsources: ['https://u:S3CR3Tsource@h/']\nslots: C\n{rule}\n")
    main(["policy", "review", "own.yaml", "--guests", "rhel6.10", "--record", "record.md"])
    main(["policy", "decide", "own.yaml", "--guests", "rhel6.10", "--format", "csv"])
    main(["policy", "show", "own.yaml"])
    out, err = capsys.readouterr()
    assert leaks(out + err + Path("record.md").read_text()) == []


def test_converted_inputs_carry_no_secret(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The domain XML that another format is read as holds no secret, and neither does the resolved domain."""
    for name in ("vm.yaml", "100.conf", "guest.cmdline", "ps.txt", "start.sh", "libvirt.log", "stores.cmdline"):
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
    Path("few.yaml").write_text("guests: rhel6.10\n")
    assert main(["-v", "report", "--domains", "in", "--params", "few.yaml", "-o", "out"]) == 1
    out, err = capsys.readouterr()
    assert leaks(out + err) == []
    files = dict(written(tmp_path / "out"))
    assert len([file for file in files if file.name == "notebook.ipynb"]) == 9
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
        ("not a file: http:/u:hunter2@h/x", "not a file: http:/…@h/x"),
        ("sources 'json:{\"file.password\": \"hunter2\"}'", "sources 'json:{\"file.password\": \"…\"}'"),
        ("cannot open iscsi://u%hunter2@h/iqn/1", "cannot open iscsi://u%…@h/iqn/1"),
        ("rbd:pool/img:id=admin:key=hunter2==:conf=/x", "rbd:pool/img:id=admin:key=…:conf=/x"),
        ("-object secret,id=x,data=hunter2,format=raw", "-object secret,id=x,data=…,format=raw"),
        ("qemu+ssh://root@host/system does not answer", "qemu+ssh://root@host/system does not answer"),
        ("qemu+ssh://root:hunter2@host/system", "qemu+ssh://root:…@host/system"),
    ],
)
def test_errors_mask_logins_and_secret_settings(text: str, expected: str) -> None:
    """A message that quotes a URL or a setting shows neither login nor value; other values stay."""
    assert str(InputError(text, "a.xml", 3)) == f"a.xml:3: {expected}"
    assert str(Refused("XML error", text)) == f"XML error: {expected}"
    assert str(UsageError(text)) == expected
