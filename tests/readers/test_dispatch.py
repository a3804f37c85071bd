"""Which reader an input goes to, what its domains are called, and who takes what it gives."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

import virtkit as vk
from tests.readers.toy import NIC, Toy
from tests.waiting import HANGING
from tests.writing import domain
from virtkit import readers
from virtkit.cli import main
from virtkit.domain.document import parse
from virtkit.errors import InputError, NotADomain
from virtkit.inputs import InMemory, domains_in, sources, stem
from virtkit.readers.contract import FoundDomain, ReaderOptions, Reading, Skipped


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of another package."""
    monkeypatch.setattr(readers, "_of_other_packages", lambda: (Toy(),))


@pytest.fixture
def several(tmp_path: Path, toy: None) -> str:
    """An input with two domains, one that cannot be read, and a part that is none."""
    path = tmp_path / "some.toy"
    path.write_text("toy:\nspace.one\nbad\n#\nspace.two\n")
    return str(path)


def test_domain_xml_imports_no_other_reader() -> None:
    """Domain XML is recognised without importing the other readers, entry points or yaml."""
    code = (
        "import sys, virtkit as vk\nvk.read(vk.samples() / 'rhel6-pc.xml')\n"
        "print([n for n in sys.modules if n == 'yaml' or n.startswith(('virtkit.readers.', 'importlib.metadata'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=HANGING, check=True, text=True)
    assert sorted(json.loads(done.stdout.replace("'", '"'))) == ["virtkit.readers.contract", "virtkit.readers.libvirt"]


def test_readers_have_what_the_contract_asks() -> None:
    """Each built-in reader has the name of its row, a title, and options and endings that no other row has."""
    for row in readers.BUILT_IN:
        reader = row.load()
        assert reader.name == row.name
        assert reader.title
    options = [option.name for row in readers.BUILT_IN for option in row.options]
    endings = [ending for row in readers.BUILT_IN for ending in row.endings]
    assert len(set(options)) == len(options)
    assert len(set(endings)) == len(endings)


def test_an_entry_point_is_a_reader(tmp_path: Path) -> None:
    """A reader of another package is found by its entry point, and reads what it recognises."""
    (tmp_path / "other.py").write_text(
        "from tests.readers.toy import Toy\nREADER = Toy()\n", encoding="utf-8"
    )
    info = tmp_path / "other-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[virtkit.readers]\ntoy = other:READER\n")
    code = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport virtkit as vk\nprint(vk.read(b'toy: web').name)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=HANGING, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.stderr == b""
    assert done.stdout == b"web\n"


def test_an_entry_point_that_cannot_be_loaded(tmp_path: Path) -> None:
    """A reader of another package that fails is named once, and other inputs still get their answers."""
    (tmp_path / "other.py").write_text("import not_there\n", encoding="utf-8")
    info = tmp_path / "other-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[virtkit.readers]\ntoy = other:READER\n")
    code = "\n".join(
        (
            f"import sys\nsys.path.insert(0, {str(tmp_path)!r})",
            "import virtkit as vk\nfrom virtkit.errors import NotADomain",
            "for _ in range(2):\n    try:\n        vk.read(b'toy: web')",
            "    except NotADomain:\n        print('no domain')",
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=HANGING, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == b"no domain\nno domain\n"
    text = done.stderr.decode()
    assert text.count("the reader toy of another package (other:READER) cannot be loaded and is left out") == 1


def test_parts_have_names_and_labels(several: str) -> None:
    """Each part of an input has a source with its own name, and a label that names the file and the part."""
    (source,) = sources([several])
    found = list(domains_in(source, ReaderOptions({"seed": "7"})))
    assert [part.name for part, _ in found] == ["space.one", "bad", "space.two", "some.toy"]
    assert [part.label for part, _ in found[:2]] == [f"{several} (space.one)", f"{several} (bad)"]
    kinds = [type(one) for _, one in found]
    assert kinds == [vk.Domain, InputError, vk.Domain, Skipped]
    assert isinstance(found[0][1], vk.Domain)
    assert found[0][1].notes == ("seed 7",)
    assert found[0][1].devices[0].line == 2


def test_a_name_is_no_path(toy: None) -> None:
    """A name from an input cannot lead its result into another folder."""
    for name in ("../../etc/x", "a/b", "..", ".hidden"):
        part, _ = next(domains_in(InMemory("in", None, data=f"toy:\n{name}\nother".encode())))
        assert "/" not in part.name
        assert not part.name.startswith(".")




def test_results_of_a_list(several: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A list gives a file for each of its domains, an error for one that cannot be read, and a line for the others."""
    out = tmp_path / "out"
    assert main(["resolve", several, "-o", str(out)]) == 1
    assert sorted(path.name for path in out.iterdir()) == ["bad.error", "space.one.xml", "space.two.xml"]
    assert (out / "bad.error").read_text() == f"{several}:3: is bad\n"
    err = capsys.readouterr().err
    assert f"{several}:4: skipped: a comment" in err
    assert "2 domains resolved, 1 rejected" in err


def test_a_command_for_one_domain_takes_its_name(several: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of an input with several domains, --domain names the one; without it the message lists them."""
    assert main(["topology", several, "--domain", "space.two"]) == 0
    assert capsys.readouterr().out.startswith("space.two ")
    assert main(["explain", several, "--domain", "three"]) == 1
    assert "has no domain 'three'; it has: space.one, bad, space.two" in capsys.readouterr().err
    good = Path(several)
    good.write_text("toy:\none\ntwo\n")
    assert main(["topology", several]) == 1
    assert "contains 2 domains; name one of them: one, two" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["resolve"], ["args"], ["explain"], ["topology"], ["check"], ["audit", "--jobs", "1"], ["attach", "disk"],
        ["moves", "--machine", "pc:q35"], ["policy", "check", "recommended"], ["policy", "rollout", "nic-model"],
    ],
    ids=lambda words: " ".join(words[:2]),
)  # fmt: skip
def test_every_command_takes_every_format(
    words: list[str], toy: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a reader reads is taken by each command that takes domains."""
    path = tmp_path / "one.toy"
    path.write_text("toy: web")
    place = {"attach": 1, "policy": len(words)}.get(words[0], 1)
    assert main([*words[:place], str(path), *words[place:]]) == 0
    out, err = capsys.readouterr()
    assert out or "1 domain read, 0 rejected" in err


def test_input_xml_is_shown(toy: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """--show-input-xml prints what the reader hands to libvirt, before anything is added to it."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"toy: web")))
    assert main(["resolve", "-", "--show-input-xml"]) == 0
    root = etree.fromstring(capsys.readouterr().out)
    assert root.findtext("name") == "web"
    assert root.find("devices/controller") is None


def test_python_takes_a_path_text_and_bytes(tmp_path: Path) -> None:
    """read, resolve and check take a path, its text, and its bytes; read takes a Domain as well."""
    path = tmp_path / "guest.xml"
    path.write_bytes(domain(NIC))
    text = path.read_text()
    for given in (path, str(path), text, f"\n {text}", text.encode()):
        assert vk.read(given).name == "case"
        assert vk.resolve(given).machine == "pc-q35-11.1"
        assert vk.check(given, "rhel9.0").guest == "rhel9.0"
    one = vk.read(path)
    assert vk.read(one) is one
    with pytest.raises(TypeError, match="expects a Domain, a path, text or bytes, got int"):
        vk.resolve(7)  # type: ignore[arg-type]


def test_an_unknown_format_lists_the_known_ones(toy: None) -> None:
    """The error for a format that no reader recognises names those that are known."""
    known = r"x\.bin: the format is not recognised; expected libvirt domain XML.* toy lists"
    with pytest.raises(InputError, match=known):
        vk.read(b"\0\1", "x.bin")


def test_xml_of_others_is_offered_to_other_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """XML whose root is not libvirt's goes to a reader of another package that recognises it."""

    class Ovf(Toy):
        def detects(self, data: bytes, file: str) -> bool:
            return b"<Envelope" in data

        def read(self, data: bytes, file: str, options: ReaderOptions) -> Iterator[Reading]:
            yield FoundDomain("", parse(domain(NIC), file))

    assert isinstance(next(domains_in(InMemory("in", None, data=b"<Envelope/>")))[1], NotADomain)
    monkeypatch.setattr(readers, "_of_other_packages", lambda: (Ovf(),))
    assert isinstance(next(domains_in(InMemory("in", None, data=b"<Envelope/>")))[1], vk.Domain)


def test_endings_are_removed() -> None:
    """The name of a result is that of its file without the ending of its format."""
    assert [stem(Path(name)) for name in ("a.xml", "a.in.xml", "a.b.xml", ".xml", "a.txt")] == [
        "a", "a", "a.b", ".xml", "a.txt",
    ]  # fmt: skip
