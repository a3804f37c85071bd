"""A run of all notebooks. Peer: one ``papermill`` and one ``jupyter nbconvert`` command for each notebook."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import Figure

__all__ = ["figures"]


def figures() -> Iterator[Figure]:
    """Wall time of ``virtkit report`` and of the peer."""
    from virtkit.reporting.run import notebooks

    chosen = notebooks()
    programs = str(Path(sys.executable).parent)
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        subprocess.run([f"{programs}/virtkit", "report", "-o", f"{place}/ours"], check=True, capture_output=True)
        ours = time.perf_counter() - start
        start = time.perf_counter()
        for path in chosen:
            folder = Path(place) / path.stem
            folder.mkdir()
            copy = folder / "out.ipynb"
            execute = [f"{programs}/papermill", str(path), str(copy), "-p", "output", ".", "--cwd", str(folder)]
            subprocess.run(execute, check=True, capture_output=True)
            convert = [f"{programs}/jupyter", "nbconvert", "--to", "html", str(copy)]
            subprocess.run(convert, check=True, capture_output=True)
        peer = time.perf_counter() - start
    yield Figure(f"virtkit report, {len(chosen)} notebooks", ours, "papermill and nbconvert commands", peer)
