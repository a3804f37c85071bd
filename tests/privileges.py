"""Running a program as a user who has to obey permissions, also where the tests run as root."""

from __future__ import annotations

import os
import shutil

import pytest

__all__ = ["UNPRIVILEGED", "needs_permissions"]

#: The beginning of such a command; empty where there is none.
UNPRIVILEGED: tuple[str, ...] = (
    ("env",) if os.geteuid() else ("setpriv", "--bounding-set", "-dac_override") if shutil.which("setpriv") else ()
)
needs_permissions = pytest.mark.skipif(not UNPRIVILEGED, reason="setpriv is not installed")
