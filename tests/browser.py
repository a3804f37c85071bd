"""A headless Chromium driven over its debugging pipe, with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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


class Page:
    """One page: what it said on the console (``errors``: what was an error), what it asked the network for, and what
    it shows."""

    def __init__(self, to: int, of: int) -> None:
        self._to, self._of = to, of
        self._rest = b""
        self._count = 0
        self._session = ""
        self.console: list[str] = []
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._of, 1 << 20)
            if not part:
                raise EOFError("chromium ended")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
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
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        return self._count

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

    def until(self, script: str, seconds: float = 30.0) -> None:
        """Wait until a JavaScript expression holds. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while not self.run(f"!!({script})"):
            if time.monotonic() > end:
                raise TimeoutError(f"{script} after {seconds} s; console: {self.console[-3:]}")
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        """Click the middle of the first element that fits, once it is there and nothing covers it. Raises
        TimeoutError."""
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
        """Type text into what has the focus."""
        self._send("Input.insertText", text=text)

    def painted(self) -> float:
        """When the first content was painted, in seconds after the page was asked for; 0.0 when it never was."""
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
        """Have a screen that fingers can tap on, or not."""
        self._send("Emulation.setTouchEmulationEnabled", enabled=on)

    def tap(self, x: float, y: float) -> None:
        """Tap there with a finger, on a screen that has ``touch``."""
        self._send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self._send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def place(self, selector: str, number: int = 0) -> dict[str, float]:
        """Where an element is seen: left, top, right, bottom, and its middle as x and y."""
        found: dict[str, float] = self.run(
            f"(function () {{ var b = document.querySelectorAll({json.dumps(selector)})[{number}]"
            ".getBoundingClientRect(); return {left: b.left, top: b.top, right: b.right, bottom: b.bottom,"
            " x: (b.left + b.right) / 2, y: (b.top + b.bottom) / 2}; })()"
        )
        return found

    def download(self, folder: Path, script: str) -> Path:
        """The file that is downloaded into ``folder``, which is empty, once ``script`` has run."""
        self._send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        self.run(script)
        for _ in range(200):
            files = [file for file in folder.iterdir() if file.suffix != ".crdownload" and file.stat().st_size]
            if files:
                return files[0]
            time.sleep(0.05)
        raise AssertionError("nothing was downloaded")

    def size(self, width: int, height: int) -> None:
        """Show the page as a screen of this size would."""
        self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def dark(self, on: bool = True) -> None:
        """Ask for the dark look, or the light one."""
        value = "dark" if on else "light"
        self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def paper(self, on: bool = True) -> None:
        """Lay out as for print, or as for a screen."""
        self._send("Emulation.setEmulatedMedia", media="print" if on else "screen")

    def scripts(self, on: bool) -> None:
        """Allow JavaScript or not; holds from the next page on."""
        self._send("Emulation.setScriptExecutionDisabled", value=not on)

    def screenshot(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"])

    def pdf(self) -> bytes:
        """The page as it would be printed."""
        return base64.b64decode(self._send("Page.printToPDF", printBackground=True)["data"])

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self._post("Browser.close")


@contextmanager
def browser() -> Iterator[Page]:
    """A page in a browser of its own, which ends with the block."""
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
            page = Page(to_write, of_read)
            yield page
            page.close()
        finally:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(to_write)
            os.close(of_read)
