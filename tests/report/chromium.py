"""A headless Chromium spoken to over two pipes (DevTools protocol), with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)


def find() -> str | None:
    """The browser's program, or None."""
    return next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )


class Chromium:
    """One browser with one page. ``requests`` and ``errors`` collect what the page asked for and complained of."""

    def __init__(self, program: str | None = None, *flags: str, gpu: bool = False) -> None:
        chosen = program or find()
        assert chosen is not None, "missing tool: chromium"
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        command = [chosen, *(flag for flag in _FLAGS if flag != "--disable-gpu" or not gpu), *flags, f"--user-data-dir={self._profile.name}", "about:blank"]
        # The browser reads from descriptor 3 and writes to 4; a shell puts the pipes there.
        placing = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", placing, "bash", *command],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number, self._session = b"", 0, ""
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._loaded = False
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        try:
            self._session = ""
            self._send("Browser.close")
        except (OSError, EOFError, TimeoutError):
            pass
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._profile.cleanup()

    def open(self, page: Path | str, width: int = 1280, height: int = 900, dark: bool = False, offline: bool = True) -> None:
        """Load ``page`` from disk, or an address, at ``width`` CSS pixels; the network is off unless said otherwise."""
        self.requests.clear()
        self.errors.clear()
        self._loaded = False
        self._send(
            "Network.emulateNetworkConditions", offline=offline, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
        self.resize(width, height)
        scheme = "dark" if dark else "light"
        self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._send("Page.navigate", url=page if isinstance(page, str) else page.resolve().as_uri())
        end = time.monotonic() + 60
        while not self._loaded:
            if time.monotonic() > end:
                raise TimeoutError(f"{page} did not load in a minute")
            self._receive(end)
        self.settle()

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window ``width`` by ``height`` CSS pixels."""
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def settle(self) -> None:
        """Wait until every picture is decoded and two frames were painted."""
        self.run(
            "Promise.all([...document.images].map(i => i.decode().catch(() => 0)))"
            ".then(() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))))"
        )

    def run(self, script: str) -> Any:
        """The value of the JavaScript expression ``script``; a promise is awaited."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """A mouse event at (x, y): ``mouseMoved``, ``mousePressed``, ``mouseReleased``, ``mouseWheel``."""
        self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, key: str) -> None:
        """Press and release ``key``."""
        for kind in ("keyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def picture(self, place: Path, selector: str | None = None, pad: int = 24, scale: float = 1.0) -> None:
        """Write a PNG of the element ``selector``, or of the whole page."""
        box = self.run(
            "(() => { const e = document.querySelector(" + json.dumps(selector or "html") + ").getBoundingClientRect();"
            "return [e.left + scrollX, e.top + scrollY, e.width, e.height]; })()"
        )
        x, y, width, height = box
        clip = {
            "x": max(0, x - pad if selector else 0),
            "y": max(0, y - pad if selector else 0),
            "width": width + (2 * pad if selector else 0),
            "height": height + (2 * pad if selector else 0),
            "scale": scale,
        }
        answer = self._send("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        place.write_bytes(base64.b64decode(answer["data"]))

    def screen(self, place: Path) -> None:
        """Write a PNG of what the window shows."""
        place.write_bytes(base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"]))

    def _send(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        end = time.monotonic() + 120
        while True:
            answer = self._receive(end)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _receive(self, end: float) -> Any:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser did not answer")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise EOFError("the browser has ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, said: Any) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(said["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(said["args"])[:500])
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.errors.append(said["entry"]["text"][:500])
