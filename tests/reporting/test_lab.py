"""``make lab`` as a person meets it: JupyterLab in chromium, on the notebook to start with, apart from all theirs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.browser import PROGRAM, Page, browser

ROOT = Path(__file__).parents[2]
READY = ROOT / ".venv" / ".ready"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.notebook,
    pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed"),
    pytest.mark.skipif(not READY.is_file() or shutil.which("make") is None, reason="not the environment of make"),
]

# The indicator beside the kernel's name says "idle" before there is a kernel.
IDLE = "document.querySelector('#jp-main-statusbar').textContent.includes('| Idle')"
SHOWN = "[...document.querySelectorAll('.jp-OutputArea')].map(one => one.textContent).join(' ')"


@pytest.fixture
def lab(home: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab that ``make lab`` started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--no-browser --ServerApp.port={port} --ServerApp.port_retries=0 --IdentityProvider.token=t"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON", "MAKE"))}
    with (tmp_path / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "lab", f"LAB={options}", f"LAB_HOME={tmp_path / 'lab'}"],
            cwd=ROOT,
            env={**kept, "HOME": str(home)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            for _ in range(300):
                with suppress(URLError, ConnectionError), urlopen(f"{address}api/status?token=t", timeout=5):  # noqa: S310
                    break
                assert process.poll() is None, (tmp_path / "lab.log").read_text()
                time.sleep(0.1)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def choose(page: Page, label: str, value: str) -> None:
    """Choose in a list of the explorer, as a person would by keyboard."""
    page.run(
        "(function () { var row = [...document.querySelectorAll('.widget-dropdown')]"
        f".find(one => one.textContent.startsWith({label!r})); var list = row.querySelector('select');"
        f" list.value = {value!r}; list.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
    )


def test_start_here_in_jupyterlab(lab: str, tmp_path: Path) -> None:
    """It opens, runs and reacts, in light and dark, asks no other host, and leaves the user's own files alone."""
    notebook = (ROOT / "notebooks" / "00-start-here.ipynb").read_bytes()
    with browser() as page:
        page.size(1400, 1600)
        page.open(f"{lab}lab/tree/00-start-here.ipynb?token=t")
        page.until("document.querySelector('#jp-main-statusbar')")
        page.until(IDLE)
        assert page.run("document.querySelectorAll('.jp-Notification-Toast, .jp-Dialog').length") == 0
        assert page.run("document.body.dataset.jpThemeLight") == "true"
        page.click(".lm-MenuBar-content > li:nth-child(4)")  # Run
        page.click("[data-command='runmenu:run-all']")
        page.until("document.querySelector('.jp-OutputArea select')")
        page.until(IDLE)
        assert page.run("document.querySelectorAll('.jp-OutputArea [data-mime-type*=error]').length") == 0
        kernels = [
            file.read_bytes().split(b"\0")
            for file in Path("/proc").glob("[0-9]*/cmdline")
            if str(tmp_path / "lab").encode() in _bytes(file)
        ]
        own = [words[0].decode() for words in kernels if b"ipykernel_launcher" in words]
        assert own == [str(ROOT / ".venv/bin/python")]
        page.dark()
        page.until("document.body.dataset.jpThemeLight === 'false'")
        assert [url for url in page.requests if not url.startswith((lab, "data:", "blob:"))] == []
        assert page.dialogs == []
        assert page.errors == []
    assert (ROOT / "notebooks" / "00-start-here.ipynb").read_bytes() == notebook


def _bytes(file: Path) -> bytes:
    with suppress(OSError):
        return file.read_bytes()
    return b""
