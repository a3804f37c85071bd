"""The conformance corpora, where they are at hand: the whole of each with ``--whole``, else one case in five."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["CORPORA", "case_names", "linked"]

CORPORA = Path(os.environ.get("VIRTKIT_CONFORMANCE", Path(__file__).resolve().parents[2] / "shared" / "conformance"))
EVERY = 5


def case_names(corpus: Path, whole: bool, ending: str = ".in.xml") -> list[str]:
    """The names of the cases to check, sorted."""
    names = sorted(path.name.removesuffix(ending) for path in corpus.glob(f"*{ending}"))
    return names if whole else names[::EVERY]


def linked(corpus: Path, folder: Path, whole: bool) -> Path:
    """A corpus with only the cases to check: itself, or a folder of links to their files."""
    if whole:
        return corpus
    folder.mkdir()
    for name in case_names(corpus, whole):
        for ending in (".in.xml", ".out.xml", ".error", ".args"):
            file = corpus / f"{name}{ending}"
            if file.is_file():
                (folder / file.name).symlink_to(file)
    return folder
