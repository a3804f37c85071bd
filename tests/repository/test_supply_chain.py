"""What the project ships and installs: licences, a list of packages, and the oldest versions that it allows."""

from __future__ import annotations

import fcntl
import json
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("report", "lab", "fleet", "qemu")


def _make(target: str) -> str:
    with (ROOT / "Makefile").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the targets install the same packages into the same folder
        done = subprocess.run(["make", "--no-print-directory", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.package
def test_the_sbom_names_every_locked_package_that_users_install() -> None:
    """`make sbom` writes CycloneDX in which virtkit depends on each package of its extras, at the locked version."""
    _make("sbom")
    bom = json.loads((ROOT / "dist" / "virtkit.cdx.json").read_text(encoding="utf-8"))
    assert bom["bomFormat"] == "CycloneDX"
    assert bom["metadata"]["component"]["name"] == "virtkit"
    versions = {part["name"].lower().replace("_", "-"): part["version"] for part in bom["components"]}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name, version in versions.items():
        assert f"{name.replace('.', '-')}=={version} " in lock, name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for extra in EXTRAS for one in project["optional-dependencies"][extra])]
    names = {one.split(">=")[0].lower() for one in wanted if not one.startswith("virtkit[")}
    assert names <= set(versions)
    assert not {"ruff", "mypy", "pytest"} & set(versions)


@pytest.mark.package
def test_every_licence_is_allowed() -> None:
    """`make licences` ends with 0 and lists each package once; it ends with 1 when a licence is not allowed."""
    rows = [line.split("|")[1].strip() for line in _make("licences").splitlines() if line.startswith("| ")]
    assert len(rows) == len(set(rows)) > 50
    runtime = ROOT / "build" / "runtime" / "bin" / "python"
    tool = [str(ROOT / ".venv" / "bin" / "pip-licenses"), "--python", str(runtime)]
    strict = subprocess.run([*tool, "--allow-only", "MIT"], cwd=ROOT, capture_output=True, text=True)
    assert strict.returncode == 1
    assert "not in allow-only" in strict.stderr
