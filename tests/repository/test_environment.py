"""The repository's own promises: one set of dependencies said thrice, and nothing in it that does not belong."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from rattler import MatchSpec

ROOT = Path(__file__).resolve().parents[2]
NOT_ON_CONDA = {"qemu.qmp"}
#: Names on conda-forge, and those of the same packages elsewhere.
OTHER_ON_CONDA = {"python-duckdb": "duckdb", "python-fastjsonschema": "fastjsonschema"}
NOT_LOCKED = {"fuzz", "verify"}


def _project() -> dict[str, list[str]]:
    """Extra name to requirements; the core's under ``""``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def _split(requirement: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Za-z0-9._-]+)(>=[0-9.]+)", requirement)
    assert found, requirement
    return found[1].lower(), found[2]


def _wanted() -> dict[str, str]:
    wanted: dict[str, str] = {}
    for extra, requirements in _project().items():
        if extra in NOT_LOCKED:
            continue
        for requirement in requirements:
            if requirement.startswith("virtkit["):
                continue
            name, bound = _split(requirement)
            assert wanted.setdefault(name, bound) == bound, f"{name} has two bounds"
    return wanted


def _environment() -> tuple[list[str], list[str]]:
    shape = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert set(shape) == {"name", "channels", "dependencies"}
    assert shape["channels"] == ["conda-forge"]
    plain = [entry for entry in shape["dependencies"] if isinstance(entry, str)]
    nested = [entry for entry in shape["dependencies"] if isinstance(entry, dict)]
    assert [list(entry) for entry in nested] == [["pip"]]
    return plain, nested[0]["pip"]


def test_conda_environment_equals_project() -> None:
    """environment.yml names the same packages with the same bounds as pyproject.toml, in conda's own grammar."""
    plain, by_pip = _environment()
    found = {}
    for entry in plain:
        spec = MatchSpec(entry)
        assert spec.name is not None
        name = str(getattr(spec.name, "normalized", spec.name))
        found[OTHER_ON_CONDA.get(name, name)] = str(spec.version or "")
    assert found.pop("pip") == ""
    assert found.pop("python") == ">=3.11"
    for entry in by_pip:
        if not entry.startswith("-"):
            name, bound = _split(entry)
            assert name in NOT_ON_CONDA
            found[name] = bound
    assert found == _wanted()
    assert by_pip[-1] == "--no-deps --editable ."


def test_lock_holds_every_requirement_with_hashes() -> None:
    """requirements.lock pins each direct dependency by hash, and nothing that needs a compiler."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = {match[1].lower() for match in re.finditer(r"(?m)^([A-Za-z0-9._-]+)==", lock)}
    plain = {re.sub(r"[-_.]+", "-", name) for name in pins}
    missing = {name for name in _wanted() if re.sub(r"[-_.]+", "-", name) not in plain}
    assert missing == set()
    assert "libvirt-python" not in plain
    for block in re.split(r"(?m)^(?=[A-Za-z0-9])", lock):
        if "==" in block.split("\n", 1)[0]:
            assert "--hash=sha256:" in block


def _tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_machine() -> None:
    """No file names a package registry's host or a folder of some developer's machine."""
    hosts = ("pypi" + ".org", "python" + "hosted.org", "deb.debian" + ".org", "registry.npm" + "js")
    folders = ("/work/" + "main", "/work/" + "shared", "/root" + "/.")
    for path in _tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        for word in hosts + folders:
            assert word not in text, f"{path.relative_to(ROOT)} names {word}"


def test_notebooks_are_committed_without_outputs() -> None:
    """No committed notebook holds an output, an execution count or a widget state."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in notebooks:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        assert "widgets" not in notebook["metadata"], path.name
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                assert cell["outputs"] == [], path.name
                assert cell["execution_count"] is None, path.name


def test_core_dependency_is_lxml_alone() -> None:
    """Reading and resolving domains needs lxml and nothing else."""
    assert [_split(requirement)[0] for requirement in _project()[""]] == ["lxml"]


def test_public_modules_have_one_reason() -> None:
    """Every module opens with a docstring whose first line says its reason to exist."""
    for path in sorted((ROOT / "virtkit").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if text.strip():
            assert text.startswith(('"""', "#!")), path.relative_to(ROOT)
