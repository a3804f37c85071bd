"""What a run was made of: versions, revision, and the sha256 of everything that went in."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from virtkit import facts

__all__ = ["digest", "digests", "identity", "inputs_of", "machinery"]

_PACKAGES = ("virtkit", "lxml", "pandas", "pyarrow", "matplotlib", "papermill", "nbclient", "nbconvert", "ipykernel")
_MANY = 20_000  # inputs beyond this are counted into one digest only


def digest(file: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digests(files: Iterable[Path], base: Path) -> dict[str, str]:
    """The sha256 of each file, by its name relative to ``base``, sorted."""
    return {str(file.relative_to(base)): digest(file) for file in sorted(files)}


def identity() -> dict[str, Any]:
    """Versions of the interpreter and packages, and the git revision where the package lies in a checkout."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "system": platform.platform(), "packages": packages, "git": _git()}


def _git() -> dict[str, Any] | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        revision = _ask(root, "rev-parse", "HEAD").strip()
        dirty = bool(_ask(root, "status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.SubprocessError):
        return None
    return {"revision": revision, "dirty": dirty}


def _ask(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout


def machinery() -> str:
    """One digest of the package's code and facts: when it is the same, the same inputs give the same report."""
    total = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for base in (package, facts.root()):
        for file in sorted(path for path in base.rglob("*") if path.suffix != ".pyc" and path.is_file()):
            total.update(f"{file.relative_to(base)}\0{digest(file)}\0".encode())
    return total.hexdigest()


def inputs_of(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The sha256 of every file that a parameter names: the file itself, or the XML and JSON files of a folder."""
    found: dict[str, str] = {}
    for value in parameters.values():
        if not isinstance(value, str) or not value or len(value) > 4096 or "\n" in value:
            continue
        path = Path(value)
        if path.is_file():
            found[path.name] = digest(path)
        elif path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix in (".xml", ".json"))
            if len(files) > _MANY:
                total = hashlib.sha256()
                for file in files:
                    total.update(file.read_bytes())
                found[f"{path.name}/* ({len(files)} files)"] = total.hexdigest()
            else:
                found.update(digests(files, path))
    return found
