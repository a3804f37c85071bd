"""Commands without the optional packages: each works, or says in one line what to install."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import HANGING
from virtkit import facts
from virtkit.cli import COMMANDS
from virtkit.commands.extras import EXTRAS, remedy

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = str(facts.path("domains/rhel6-q35-virtio.xml"))
HEAD = "arch,machine,kind,model,location\nx86_64,pc-q35-8.2,net,virtio,pcie-port\n"

#: Command lines, with the extra that each lacks; "" where lxml is enough.
LINES = {
    f"resolve {DOMAIN}": "",
    f"resolve {DOMAIN} --format json": "",
    f"args {DOMAIN}": "",
    f"explain {DOMAIN}": "",
    f"topology {DOMAIN}": "",
    f"topology {DOMAIN} --diff-machine pc -o FOLDER/t.json": "",
    f"topology {DOMAIN} -o FOLDER/t.svg": "report",
    "guests rhel6*": "",
    "guests rhel6.10 --drivers --format csv": "",
    "interface FOLDER/keys.csv": "",
    "matrix --guests rhel6.10": "report",
    "matrix --guests rhel6.10 -o FOLDER/m.html": "report",
    f"check {DOMAIN}": "",
    f"check {DOMAIN} --fix -o FOLDER/fixed.xml": "",
    f"check {DOMAIN} --fix -o FOLDER/drawn.xml --picture FOLDER/p.png": "report",
    f"attach {DOMAIN} disk": "",
    f"detach {DOMAIN} FOLDER/disk.xml": "",
    f"moves {DOMAIN} --machine q35:pc": "",
    f"moves {DOMAIN} --add-disk": "",
    f"pin {DOMAIN}": "",
    f"moves {DOMAIN} --machine q35:pc --picture FOLDER/moves.svg": "report",
    "recommend --guest rhel6.10": "",
    "policy list": "report",
    "policy show recommended": "report",
    f"policy check recommended {DOMAIN}": "report",
    "policy compare libvirt nova": "report",
    "policy score": "report",
    "policy slots": "report",
    f"policy rollout nic-model {DOMAIN}": "",
    "domcaps": "",
    f"domcaps --compare {facts.root()}/none.xml": "",
    f"verify qemu {DOMAIN}": "qemu",
    f"verify libvirt {DOMAIN}": "verify",
    f"audit {DOMAIN} --jobs 1": "",
    f"audit {DOMAIN} --jobs 1 -o FOLDER/a.csv": "",
    f"audit {DOMAIN} --jobs 1 -o FOLDER/a.parquet": "fleet",
    f"audit {DOMAIN} --jobs 1 --policy recommended": "report",
    f"audit {DOMAIN} --scheduler tcp://localhost:1": "fleet",
    f"moves {DOMAIN} {DOMAIN}": "",
    "names FOLDER/names.csv": "",
    "firmware FOLDER/firmware.csv": "",
    "report -o FOLDER/reports": "report",
    "data refresh --osinfo FOLDER": "",
    "completion bash": "",
    "firmware FOLDER/keys.csv": "",
    "names FOLDER/keys.csv": "",
    "man": "",
}
PROGRAM = """
import contextlib, io, json, sys, traceback
from virtkit.commands.extras import EXTRAS

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from virtkit.cli import main

found = {}
for line in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(line.split())
        except SystemExit as leaving:
            code = leaving.code
        except BaseException:
            code = traceback.format_exc()
    found[line] = (code, out.getvalue(), err.getvalue())
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, str, str]]:
    """What every command line gives where lxml alone is installed: exit code, standard output and error."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "keys.csv").write_text(HEAD)
    (folder / "names.csv").write_text("qemu,machine,place,scheme,sysfs_path\n")
    (folder / "firmware.csv").write_text("firmware,firmware_version,qemu,arch,machine,device,interface,place\n")
    (folder / "disk.xml").write_text("<disk type='file'><target dev='vda' bus='virtio'/></disk>")
    lines = json.dumps([line.replace("FOLDER", str(folder)) for line in LINES])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=lines, capture_output=True, text=True, check=True, timeout=HANGING
    )
    return {line: tuple(result) for line, result in zip(LINES, json.loads(done.stdout).values(), strict=True)}


def test_every_command_is_tried() -> None:
    """The lines name all commands."""
    assert {line.split()[0] for line in LINES} == {*COMMANDS, "detach"}


@pytest.mark.parametrize("line", LINES)
def test_a_command_works_or_names_its_extra(line: str, found: dict[str, tuple[Any, str, str]]) -> None:
    """One line on standard error and nothing else where a package is missing; never a traceback."""
    code, out, err = found[line]
    extra = LINES[line]
    if extra:
        assert code in (1, 2)
        assert out == ""
        assert len(err.splitlines()) == 1
        assert f"pip install 'virtkit[{extra}]'" in err
    else:
        assert code in (0, 1), err
        assert "pip install" not in err


def test_extras_are_those_of_the_project() -> None:
    """Each extra of the table installs the package of the module, or a package that needs it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    packages = {
        "yaml": "pyyaml", "qemu": "qemu.qmp", "libvirt": "libvirt-python", "numpy": "pandas",
        "nbclient": "papermill", "nbformat": "papermill",
    }  # fmt: skip
    for module, extras in EXTRAS.items():
        for extra in extras:
            names = {re.split(r"[>=\[]", requirement)[0] for requirement in declared[extra]}
            assert packages.get(module, module) in names, (module, extra)


def test_a_module_of_no_extra_is_a_fault_of_the_program() -> None:
    """Nothing is suggested for it."""
    assert remedy(ModuleNotFoundError("no", name="virtkit.nowhere"), "check") is None
