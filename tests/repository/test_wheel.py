"""The wheel and the sdist: what they hold, and what the wheel does in an environment that has only lxml."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from email.parser import BytesParser
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.commands import KEY_TABLES, untried, verbs
from tests.privileges import UNPRIVILEGED

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "domains" / "rhel6-q35-virtio.xml"

pytestmark = pytest.mark.package

#: Files that the commands read, besides guest.xml.
INPUTS = {
    **{f"{name}.csv": text for name, text in KEY_TABLES.items()},
    "line.txt": "qemu-system-x86_64 -machine q35 -m 512\n",
    "config": "CONFIG_VIRTIO_BLK=m\n",
}

#: Commands that need nothing but lxml, each with its exit code.
CORE = [
    ("--version", 0),
    ("--help", 0),
    ("help resolve", 0),
    ("resolve guest.xml", 0),
    ("args guest.xml", 0),
    ("explain guest.xml", 0),
    ("topology guest.xml", 0),
    ("topology guest.xml -o topology.json", 0),
    ("topology guest.xml --diff-machine pc", 0),
    ("guests rhel6*", 0),
    ("attach guest.xml disk", 0),
    ("attach guest.xml disk -o attached", 0),
    ("detach guest.xml vda", 0),
    ("moves guest.xml --machine q35:pc", 0),
    ("pin guest.xml", 0),
    ("audit guest.xml", 1),
    ("audit guest.xml --jobs 2", 1),
    ("audit guest.xml -o audit.csv", 1),
    ("audit guest.xml -o audit.json", 1),
    ("interface interface.csv", 0),
    ("names names.csv", 0),
    ("firmware firmware.csv", 0),
    ("data hosts", 0),
    ("data refresh --kernel config --kernel-name debian12:mine -o facts", 0),
    ("completion bash", 0),
    ("man", 0),
    ("check guest.xml", 1),  # the guest does not find its disk
    ("check guest.xml --fix -o fixed.xml", 0),
    ("recommend --guest rhel6.10 --machine q35", 0),
    ("domcaps", 0),
    ("policy rollout nic-model guest.xml", 0),
]

#: Commands that need a package which is not installed, each with the extra that brings it.
EXTRA = [
    ("topology guest.xml -o topology.svg", "report"),
    ("topology guest.xml -o topology.png", "report"),
    ("matrix --guests rhel6.10 --machines q35", "report"),
    ("matrix --guests rhel6.10 --machines q35 -o matrix.html", "report"),
    ("policy list", "report"),
    ("policy show recommended", "report"),
    ("policy check recommended guest.xml", "report"),
    ("policy decide recommended", "report"),
    ("policy compare libvirt recommended", "report"),
    ("policy score", "report"),
    ("policy review recommended --record record.md", "report"),
    ("policy slots --guests rhel6.10", "report"),
    ("moves guest.xml --machine q35:pc --picture moves.svg", "report"),
    ("check guest.xml --fix -o fixed.xml --picture fixed.png", "report"),
    ("audit guest.xml -o dataset", "fleet"),
    ("audit guest.xml -o dataset --since earlier", "fleet"),
    ("audit guest.xml --policy recommended", "report"),
    ("audit guest.xml --scheduler tcp://127.0.0.1:1 -o audit.csv", "fleet"),
    ("audit guest.xml -o audit.parquet", "fleet"),
    ("report", "report"),
    ("verify qemu guest.xml", "qemu"),
    ("verify libvirt guest.xml", "verify"),
    ("verify hotplug --random 1", "verify"),
    ("verify moves guest.xml --before test:///a --after test:///b", "verify"),
    ("verify command-line line.txt", "qemu"),
    ("verify boot", "qemu"),
    ("verify boot --names 1", "qemu"),
    ("verify boot --firmware 1", "qemu"),
    ("verify boot --plug", "qemu"),
    ("data refresh --qemu qemu-system-x86_64 -o facts", "qemu"),
    ("check qemu:///system", "verify"),
    ("check --connect qemu:///system", "verify"),
    ("report --domains qemu:///system", "report"),
]


def build(folder: Path, kind: str, tree: Path = ROOT, umask: int = 0o022) -> Path:
    """The wheel or the sdist of a tree, built into ``folder`` without a download, and without SOURCE_DATE_EPOCH."""
    words = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(words, cwd=tree, env=environment, umask=umask, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once."""
    return build(tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, built once."""
    return build(tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel and lxml, installed by pip from files of this machine."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    lxml = distribution("lxml")
    assert lxml.files is not None
    for name in {file.parts[0] for file in lxml.files if file.parts[0].startswith("lxml")}:
        (packages / name).symlink_to(Path(str(lxml.locate_file(name))).resolve())
    interpreter = folder / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet", "--no-index", str(wheel)]
    subprocess.run(words, check=True, capture_output=True)
    assert sorted(path.name for path in packages.glob("*.dist-info")) == [
        f"lxml-{lxml.version}.dist-info",
        f"{wheel.name.partition('-py3')[0]}.dist-info",
    ]
    for path in (packages, *packages.rglob("*")):  # as the system's packages are for a user
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    return interpreter


def run(python: Path, folder: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder that holds only its inputs, without any setting of this process, and without HOME."""
    (folder / "guest.xml").write_bytes(SAMPLE.read_bytes())
    for name, text in INPUTS.items():
        (folder / name).write_text(text)
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    command = [*UNPRIVILEGED, str(python), "-I", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_wheel_holds_types_data_notebooks_and_licences(wheel: Path) -> None:
    """The wheel has py.typed, every file of data/ and notebooks/, and the texts of both licences."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        metadata = BytesParser().parsebytes(archive.read(f"{info}/METADATA"))
    data = {f"virtkit/_data/{path.relative_to(ROOT / 'data')}" for path in (ROOT / "data").rglob("*") if path.is_file()}
    notebooks = {f"virtkit/_notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert (data | notebooks | {"virtkit/py.typed", "virtkit/notebook/lab/overrides.json"}) - names == set()
    assert metadata["License-Expression"] == "Apache-2.0 AND GPL-2.0-or-later"
    texts = metadata.get_all("License-File")
    assert texts == ["LICENSE", "LICENSES/GPL-2.0-or-later.txt"]
    assert {f"{info}/licenses/{text}" for text in texts} <= names


def test_every_derived_table_is_named_in_the_licence_note() -> None:
    """The tables that say they are made from osinfo-db are the ones that the README places under the GPL."""
    folder = ROOT / "data" / "guests"
    derived = {path.name for path in folder.glob("*.csv") if "refresh --osinfo" in path.read_text().partition("\n")[0]}
    note = (folder / "README.md").read_text().partition("## Origin and licence")[2].partition("are derived from")[0]
    assert set(re.findall(r"`([\w-]+\.csv)`", note)) == derived
    assert "GPL-2.0-or-later" in (folder / "source.csv").read_text()


def test_sdist_holds_every_tracked_file(sdist: Path) -> None:
    """The sdist has each file of the repository: source, tests, and all that the tests read."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    tracked = {name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()}
    with tarfile.open(sdist) as archive:
        held = {member.name.partition("/")[2] for member in archive.getmembers()}
    assert tracked - held == set()


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_have_the_same_bytes(
    kind: str, request: pytest.FixtureRequest, sdist: Path, tmp_path: Path
) -> None:
    """A build from the unpacked sdist in another folder, with other times and permissions, gives the same file."""
    first: Path = request.getfixturevalue(kind)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "else" / "where", filter="data")
    (tree,) = (tmp_path / "else" / "where").iterdir()
    for path in tree.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(path.stat().st_mode & 0o700)
    second = build(tmp_path / "built", kind, tree, umask=0o077)
    assert (second.name, second.read_bytes()) == (first.name, first.read_bytes())


def test_every_command_is_tried() -> None:
    """The tables of this file have a line for each command and each verb."""
    assert untried((name for name, _ in verbs()), (line for line, _ in (*CORE, *EXTRA))) == []


def test_core_commands_need_only_lxml(python: Path, tmp_path: Path) -> None:
    """Every core command works from the wheel in an empty folder."""
    assert run(python, tmp_path, ["-c", "import virtkit; print(virtkit.__version__)"]).stdout.strip()
    for command, code in CORE:
        done = run(python, tmp_path, ["-m", "virtkit", *command.split()])
        assert done.returncode == code, (command, done.stderr)
        assert done.stdout or "-o" in command, (command, done.stderr)
        assert "Traceback" not in done.stderr, command


@pytest.mark.parametrize(("command", "extra"), EXTRA, ids=[command for command, _ in EXTRA])
def test_a_missing_extra_is_named_in_one_line(python: Path, tmp_path: Path, command: str, extra: str) -> None:
    """A command that needs a package which is not installed names the extra in one line, and writes no file."""
    done = run(python, tmp_path, ["-m", "virtkit", *command.split()])
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert re.fullmatch(rf"virtkit: [^\n]*'virtkit\[{extra}\]'[^\n]*\n", done.stderr), done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"guest.xml", *INPUTS}
