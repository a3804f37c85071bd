"""Running a program with mounts of its own, such as a full or a read-only file system."""

from __future__ import annotations

import shutil
import subprocess

import pytest

__all__ = ["NAMESPACE", "needs_mounts"]

#: The beginning of such a command.
NAMESPACE = ("unshare", "--map-root-user", "--mount")


def _allowed() -> bool:
    if shutil.which("unshare") is None:
        return False
    words = [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not _allowed(), reason="this system allows no private mounts")
