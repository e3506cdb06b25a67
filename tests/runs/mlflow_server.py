"""A real MLflow server on localhost in a process of its own, behind a door that can be shut."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.reliability.harness import free_port

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


class Server:
    """``url`` leads through the door; ``shut()`` cuts what is open and refuses what comes, ``open()`` lets it in again."""

    def __init__(self, folder: Path) -> None:
        self.database, port = folder / "server.db", free_port()
        words = ["server", "--host", "127.0.0.1", "--port", port, "--workers", 1, "--backend-store-uri", f"sqlite:///{self.database}"]
        words += ["--artifacts-destination", folder / "artifacts"]
        self._log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *map(str, words)],
            cwd=folder, env={**os.environ, **QUIET}, stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        self._target, self._pipes, self._shut = ("127.0.0.1", port), set[socket.socket](), False
        self._wait(f"http://127.0.0.1:{port}/health", folder / "server.log")
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _wait(self, address: str, log: Path) -> None:
        end = time.monotonic() + 300
        while True:
            assert self._process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < end, log.read_text()[-2000:]
            with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(address, timeout=5):
                return
            time.sleep(0.2)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._door.accept()
                if self._shut:
                    here.close()
                    continue
                there = socket.create_connection(self._target)
                self._pipes |= {here, there}
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def shut(self) -> None:
        self._shut = True
        for pipe in list(self._pipes):
            with suppress(OSError):
                pipe.shutdown(socket.SHUT_RDWR)
        self._pipes.clear()

    def open(self) -> None:
        self._shut = False

    def stop(self) -> None:
        self.shut()
        self._door.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._log.close()
