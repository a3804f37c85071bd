"""What a dataset was made with and of: its options, the facts and code behind its answers, and its parts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.outputs import failure

if TYPE_CHECKING:
    from virtkit.fleet.question import Question

__all__ = [
    "FORMAT",
    "MANIFEST",
    "PARTS",
    "PartRecord",
    "append_part",
    "fingerprint",
    "manifest_of",
    "parts_of",
    "required_manifest",
]

MANIFEST = "manifest.json"
PARTS = "parts.jsonl"
FORMAT = "virtkit audit dataset 1"


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A part that is complete: its number, the digest of its inputs, and its counts (``Totals.as_dict``)."""

    part: int
    inputs: str
    totals: dict[str, Any]


def fingerprint(question: Question) -> str:
    """One digest of everything but the inputs that answers depend on: options, named files, and virtkit itself."""
    total = blake2b(digest_size=16)
    plain = asdict(question)
    plain["readers"] = dict(plain["readers"]["values"])
    total.update(json.dumps(plain, sort_keys=True, default=str).encode())
    package = Path(__file__).resolve().parents[1]
    named = (question.qemu, question.libvirt, *question.osinfo)
    for base in (package, facts.root(), *(Path(name) for name in named if name and Path(name).exists())):
        for name, data in _files(base):
            total.update(f"{name}\0{data}\0".encode())
    return total.hexdigest()


def _files(base: Path) -> Iterator[tuple[str, str]]:
    """The files at or below a path, by their names below it, with their digests; but for compiled modules."""
    if base.is_file():
        yield ".", _digest(str(base))
        return
    for folder, folders, names in os.walk(base):
        folders[:] = sorted(set(folders) - {"__pycache__"})
        for name in sorted(names):
            file = os.path.join(folder, name)
            if not name.endswith(".pyc") and os.path.isfile(file):
                yield os.path.relpath(file, base), _digest(file)


def _digest(file: str) -> str:
    with open(file, "rb") as stream:
        return blake2b(stream.read()).hexdigest()


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """The manifest of the dataset in a folder, None for a folder that is no complete dataset of an audit."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("format") == FORMAT else None


def required_manifest(path: str) -> dict[str, Any]:
    """The manifest of the dataset that ``--since`` names. Raises UsageError for anything else."""
    found = manifest_of(Path(path))
    if found is None:
        raise UsageError(f"--since {path}: expected a folder that virtkit audit -o wrote, got {_seen(Path(path))}")
    return found


def _seen(path: Path) -> str:
    if not path.exists():
        return "a path that does not exist"
    return f"a folder without {MANIFEST}" if path.is_dir() else "a file"


def append_part(folder: Path, record: PartRecord) -> None:
    """Note that a part is complete. Raises InputError when that cannot be written."""
    try:
        with (folder / PARTS).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(record), sort_keys=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as problem:
        raise failure(problem, folder / PARTS) from None


def parts_of(folder: Path) -> dict[int, PartRecord]:
    """The complete parts of a dataset by number; a line that was cut off is no part."""
    try:
        lines = (folder / PARTS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return {}
    return {record.part: record for record in _records(lines)}


def _records(lines: Iterable[str]) -> Iterator[PartRecord]:
    for line in lines:
        try:
            yield PartRecord(**json.loads(line))
        except (ValueError, TypeError):
            continue
