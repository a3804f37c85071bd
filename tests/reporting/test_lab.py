"""``make lab``: JupyterLab in chromium on the first notebook, separate from the user's own settings."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.browser import PROGRAM, Page
from tests.waiting import HANGING, until

ROOT = Path(__file__).parents[2]
READY = ROOT / ".venv" / ".ready"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.notebook,
    pytest.mark.system,
    pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed"),
    pytest.mark.skipif(not READY.is_file() or shutil.which("make") is None, reason="make has not built .venv"),
]

# The indicator beside the kernel's name says "idle" before there is a kernel.
IDLE = "document.querySelector('#jp-main-statusbar').textContent.includes('| Idle')"
SHOWN = "[...document.querySelectorAll('.jp-OutputArea')].map(one => one.textContent).join(' ')"


@pytest.fixture
def lab(home: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab started by ``make lab``."""
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
            until(lambda: answers(f"{address}api/status?token=t"), lambda: process.poll() is None)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(HANGING)


def answers(address: str) -> bool:
    """Whether a server answers there."""
    with suppress(URLError, OSError), urlopen(address, timeout=5):  # noqa: S310
        return True
    return False


def choose(page: Page, label: str, value: str) -> None:
    """Choose a value in a list of the explorer."""
    page.run(
        "(function () { var list = [...document.querySelectorAll('.widget-dropdown')]"
        f".find(one => one.textContent.startsWith({label!r})).querySelector('select');"
        f" list.value = {value!r}; list.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
    )


def fill(page: Page, selector: str, text: str) -> None:
    """Replace the text of a field and leave it."""
    field = f"document.querySelector({selector!r})"
    page.click(selector)
    while not page.run(f"document.activeElement === {field}"):
        page.click(selector)  # a result that came in between had moved the field
    page.run(f"{field}.select()")
    page.type(text)
    page.until(f"{field}.value.length === {len(text)}")
    page.key("Tab")


def shows(page: Page, *words: str) -> None:
    """Wait until the explorer shows the words in this order."""
    page.until(f"/{'[^]*'.join(words)}/.test(document.querySelector('.widget-html-content').innerText)")


MACHINE, GUEST = "input[placeholder='as written']", "input[placeholder='from the metadata']"
#: The lowest contrast ratio between the text of a cell and its background.
CONTRAST = """Math.min(...[...document.querySelectorAll('.vkd td.w, .vkd td.f, .vkd td:not([class]), .vkd thead th')]
.map(cell => {
    const [a, b] = ['color', 'backgroundColor'].map(name => {
        const parts = getComputedStyle(cell)[name].match(/[0-9.]+/g).slice(0, 3).map(x => x / 255)
            .map(x => x <= 0.03928 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    });
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}))"""
NASTY = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def test_start_here_in_jupyterlab(lab: str, tmp_path: Path, page: Page) -> None:
    """The notebook opens, runs and reacts in light and dark; it contacts no other host and changes no user file."""
    notebook = (ROOT / "notebooks" / "00-start-here.ipynb").read_bytes()
    page.size(1400, 1600)
    page.open(f"{lab}lab/tree/00-start-here.ipynb?token=t")
    page.until("document.querySelector('#jp-main-statusbar')")
    page.until(IDLE)
    assert page.run("document.querySelectorAll('.jp-Notification-Toast, .jp-Dialog').length") == 0
    assert page.run("document.body.dataset.jpThemeLight") == "true"
    page.click(".lm-MenuBar-content > li:nth-child(4)")  # Run
    page.click("[data-command='runmenu:run-all']")
    page.until("document.querySelector('.jp-Cell:last-of-type .jp-RenderedMarkdown table')")
    page.until("[...document.querySelectorAll('.jp-InputPrompt')].at(-2).textContent === '[9]:'")
    page.until(IDLE)
    assert page.run("document.querySelectorAll('.jp-OutputArea [data-mime-type*=error]').length") == 0
    assert page.run("document.querySelectorAll('.jp-OutputArea .vkd').length") >= 9
    assert page.run(CONTRAST) > 7
    kernels = [
        file.read_bytes().split(b"\0")
        for file in Path("/proc").glob("[0-9]*/cmdline")
        if str(tmp_path / "lab").encode() in _bytes(file)
    ]
    own = [words[0].decode() for words in kernels if b"ipykernel_launcher" in words]
    assert own == [str(ROOT / ".venv/bin/python")]
    _explore(page)
    page.dark()
    page.until("document.body.dataset.jpThemeLight === 'false'")
    assert page.run(CONTRAST) > 7
    assert page.run("document.images.length") == 0
    assert [url for url in page.requests if not url.startswith((lab, "data:", "blob:"))] == []
    assert page.dialogs == []
    assert page.errors == []
    assert (ROOT / "notebooks" / "00-start-here.ipynb").read_bytes() == notebook


def _explore(page: Page) -> None:
    """Each widget of the explorer changes the result; markup in a domain appears as text."""
    shows(page, "✗ fails")
    choose(page, "all kinds", "virtio-transitional")
    shows(page, "Compared with the domain as written: 3 interfaces changed", "✓ works")
    choose(page, "all kinds", "")
    fill(page, MACHINE, "pc")
    shows(page, "pc-i440fx", "✓ works")
    fill(page, GUEST, "win10")
    shows(page, "Microsoft Windows 10")
    fill(page, GUEST, "nope")
    shows(page, "no guest OS called 'nope'")
    fill(page, GUEST, "")
    choose(page, "domain", "win11-q35.xml")
    shows(page, "win11")
    page.click(".jupyter-widget-Collapse-header")
    text = (ROOT / "data/domains/rhel6-q35-virtio.xml").read_text()
    fill(page, ".widget-textarea textarea", text.replace("erp-db-rhel6", NASTY.replace("<", "&lt;").replace("/", "|")))
    shows(page, "onerror=alert")


def _bytes(file: Path) -> bytes:
    with suppress(OSError):
        return file.read_bytes()
    return b""
