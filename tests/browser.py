"""A headless Chromium, driven over its debugging pipe with the standard library alone."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.waiting import HANGING, until

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Chromium:
    """A running Chromium, which reads commands from one pipe and writes answers and events to another."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, of: int) -> None:
        self.process = process
        self._to, self._of = to, of
        self._rest = b""
        self._count = 0

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    def post(self, method: str, session: str = "", **parameters: Any) -> int:
        """Send a command; returns its number."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        return self._count

    def read(self) -> dict[str, Any]:
        """The next answer or event. Raises EOFError when Chromium has ended."""
        while b"\0" not in self._rest:
            part = os.read(self._of, 1 << 20)
            if not part:
                raise EOFError("chromium ended")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


class Page:
    """A page without cookies, storage or cache of another one, in a Chromium that it shares.

    ``console`` has what it wrote to the console (``errors``: the errors among it), ``requests`` the addresses that it
    asked for, ``dialogs`` the texts of its dialogs.
    """

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self._session = ""
        self.console: list[str] = []
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self._context = self._send("Target.createBrowserContext")["browserContextId"]
        target = self._send("Target.createTarget", url="about:blank", browserContextId=self._context)["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")
        self.size(1280, 900)

    def _read(self) -> dict[str, Any]:
        found = self._chromium.read()
        if found.get("sessionId") == self._session:
            self._note(found)
        return found

    def _note(self, message: dict[str, Any]) -> None:
        method, about = message.get("method"), message.get("params", {})
        if method == "Runtime.consoleAPICalled":
            self._say(str([argument.get("value") for argument in about["args"]]), about["type"] == "error")
        elif method == "Runtime.exceptionThrown":
            self._say(str(about["exceptionDetails"].get("text")), True)
        elif method == "Log.entryAdded":
            entry = about["entry"]
            self._say(f"{entry['text']} {entry.get('url', '')}", entry["level"] == "error")
        elif method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(about["message"])
            self._post("Page.handleJavaScriptDialog", accept=True)

    def _say(self, text: str, wrong: bool) -> None:
        self.console.append(text)
        if wrong:
            self.errors.append(text)

    def _post(self, method: str, **parameters: Any) -> int:
        return self._chromium.post(method, self._session, **parameters)

    def _send(self, method: str, **parameters: Any) -> Any:
        number = self._post(method, **parameters)
        while True:
            message = self._read()
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def open(self, place: Path | str) -> None:
        """Load a file or an address and wait until it is loaded."""
        self._send("Page.navigate", url=place if isinstance(place, str) else place.resolve().as_uri())
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression. Raises RuntimeError when it throws."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    def until(self, script: str, seconds: float = HANGING) -> None:
        """Wait until a JavaScript expression holds. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while not self.run(f"!!({script})"):
            if time.monotonic() > end:
                raise TimeoutError(f"{script} after {seconds} s; console: {self.console[-3:]}")
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        """Click the middle of the first matching element once nothing covers it. Raises TimeoutError."""
        place = (
            f"(function () {{ var one = document.querySelector({json.dumps(selector)}); if (!one) return null;"
            " one.scrollIntoViewIfNeeded(); var at = one.getBoundingClientRect();"
            " var x = at.x + at.width / 2, y = at.y + at.height / 2, top = document.elementFromPoint(x, y);"
            " return one.contains(top) ? [x, y] : null; })()"
        )
        self.until(place)
        x, y = self.run(place)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Type text into the focused element."""
        self._send("Input.insertText", text=text)

    def painted(self) -> float:
        """Seconds from navigation to the first paint of content; 0.0 when nothing was painted."""
        for _ in range(200):
            first = self.run("(performance.getEntriesByName('first-contentful-paint')[0] || {}).startTime")
            if first:
                return float(first) / 1000
            time.sleep(0.05)
        return 0.0

    def key(self, name: str) -> None:
        """Press and release a key, such as Tab or ArrowRight."""
        codes = {"Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Enter": 13}
        typed = {"text": "\r"} if name == "Enter" else {}
        for kind, also in (("keyDown" if typed else "rawKeyDown", typed), ("keyUp", {})):
            self._send(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=codes[name], **also
            )

    def point(self, x: float, y: float) -> None:
        """Move the pointer there."""
        self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def touch(self, on: bool = True) -> None:
        """Emulate a touch screen, or not."""
        self._send("Emulation.setTouchEmulationEnabled", enabled=on)

    def tap(self, x: float, y: float) -> None:
        """Tap there on a touch screen."""
        self._send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self._send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def place(self, selector: str, number: int = 0) -> dict[str, float]:
        """The place of an element on the screen: left, top, right, bottom, and its middle as x and y."""
        found: dict[str, float] = self.run(
            f"(function () {{ var b = document.querySelectorAll({json.dumps(selector)})[{number}]"
            ".getBoundingClientRect(); return {left: b.left, top: b.top, right: b.right, bottom: b.bottom,"
            " x: (b.left + b.right) / 2, y: (b.top + b.bottom) / 2}; })()"
        )
        return found

    def download(self, folder: Path, script: str) -> Path:
        """Run a script that downloads a file into the empty ``folder``; returns the file."""
        context = self._context
        self._send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder), browserContextId=context)
        self.run(script)

        def files() -> list[Path]:
            return [file for file in folder.iterdir() if file.suffix != ".crdownload" and file.stat().st_size]

        until(lambda: bool(files()))
        return files()[0]

    def size(self, width: int, height: int) -> None:
        """Emulate a screen of this size in CSS pixels."""
        self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def dark(self, on: bool = True) -> None:
        """Emulate a preference for dark or light colours."""
        value = "dark" if on else "light"
        self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def paper(self, on: bool = True) -> None:
        """Emulate print or a screen."""
        self._send("Emulation.setEmulatedMedia", media="print" if on else "screen")

    def scripts(self, on: bool) -> None:
        """Allow or forbid JavaScript, from the next page on."""
        self._send("Emulation.setScriptExecutionDisabled", value=not on)

    def screenshot(self) -> bytes:
        """A screenshot as PNG."""
        return base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"])

    def pdf(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self._send("Page.printToPDF", printBackground=True)["data"])

    def close(self) -> None:
        """Close the page and forget all that it stored; a page in a Chromium that has ended is closed."""
        if self._chromium.ended:
            return
        self._session = ""
        self._send("Target.disposeBrowserContext", browserContextId=self._context)


@contextmanager
def chromium() -> Iterator[Chromium]:
    """A Chromium with a temporary profile, which ends with the block."""
    assert PROGRAM is not None
    with TemporaryDirectory(prefix="vk-", ignore_cleanup_errors=True) as profile:
        to_read, to_write = os.pipe()
        of_read, of_write = os.pipe()

        def wire() -> None:
            os.dup2(to_read, 103)
            os.dup2(of_write, 104)
            os.dup2(103, 3)
            os.dup2(104, 4)

        process = subprocess.Popen(
            [PROGRAM, *_FLAGS, f"--user-data-dir={profile}"],
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=wire,
        )
        os.close(to_read)
        os.close(of_write)
        try:
            running = Chromium(process, to_write, of_read)
            yield running
            if not running.ended:
                running.post("Browser.close")
        finally:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(to_write)
            os.close(of_read)


@contextmanager
def chromiums() -> Iterator[Callable[[], Chromium]]:
    """A function that gives one Chromium again and again, and another one after it has ended."""
    with ExitStack() as ending:
        found: Chromium | None = None

        def living() -> Chromium:
            nonlocal found
            if found is None or found.ended:
                found = ending.enter_context(chromium())
            return found

        yield living


@contextmanager
def browser() -> Iterator[Page]:
    """A page in a Chromium of its own."""
    with chromium() as running:
        yield Page(running)
