"""The inputs of a run: versions, git revision, and the sha256 of every file that it read."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from virtkit import facts
from virtkit.inputs import is_domain_file

__all__ = ["code_digest", "digest", "digests", "input_digests", "versions"]

_PACKAGES = ("virtkit", "lxml", "pandas", "pyarrow", "matplotlib", "papermill", "nbclient", "nbconvert", "ipykernel")
_MANY = 20_000  # a folder of more files gets one digest for all of them


def digest(file: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digests(files: Iterable[Path], base: Path) -> dict[str, str]:
    """The sha256 of each file, keyed by its path relative to ``base``, sorted."""
    return {str(file.relative_to(base)): digest(file) for file in sorted(files)}


def versions() -> dict[str, Any]:
    """Versions of the interpreter and the packages, and the git revision when the package is in a checkout."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": packages,
        "git": _revision(),
    }


def _revision() -> dict[str, Any] | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        revision = _git_output(root, "rev-parse", "HEAD").strip()
        dirty = bool(_git_output(root, "status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.SubprocessError):
        return None
    return {"revision": revision, "dirty": dirty}


def _git_output(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout


def code_digest() -> str:
    """One sha256 of the package's code and data; while it stays the same, equal inputs give equal reports."""
    total = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for base in (package, facts.root()):
        for file in sorted(path for path in base.rglob("*") if path.suffix != ".pyc" and path.is_file()):
            total.update(f"{file.relative_to(base)}\0{digest(file)}\0".encode())
    return total.hexdigest()


def input_digests(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The sha256 of each file that a parameter names, and of the domain and JSON files in each folder that one names.

    Links that lead nowhere are left out, and a file that cannot be read has the digest "unreadable".
    """
    found: dict[str, str] = {}
    for value in parameters.values():
        if not isinstance(value, str) or not value or len(value) > 4096 or "\n" in value:
            continue
        path = Path(value)
        if path.is_file():
            found[path.name] = digest(path)
        elif path.is_dir():
            wanted = (file for file in path.rglob("*") if is_domain_file(file) or file.suffix == ".json")
            files = sorted(file for file in wanted if file.is_file())
            if len(files) > _MANY:
                total = hashlib.sha256()
                for file in files:
                    total.update(_digest_if_readable(file).encode())
                found[f"{path.name}/* ({len(files)} files)"] = total.hexdigest()
            else:
                found.update({str(file.relative_to(path)): _digest_if_readable(file) for file in files})
    return found


def _digest_if_readable(file: Path) -> str:
    try:
        return digest(file)
    except OSError:
        return "unreadable"
