"""A proxy before a server of objects: it counts what is read, waits, and breaks connections as networks do."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Proxy:
    """``url`` stands before a server. ``every``: each so-many-th request fails (0: none), in turn by a reset before the
    answer, a reset in the middle of it, and 503. ``latency``: seconds before each answer. ``refuses``: paths answered
    with 503 for ever. ``asked``: (method, path) of all requests, the method of a part of a file being RANGE.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.every, self.latency, self.broken = 0, 0.0, 0
        self.refuses: Callable[[str], bool] = lambda path: False
        self.asked: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def read(self, suffix: str = ".png") -> Counter[str]:
        """How often each whole file that ends in ``suffix`` was asked for."""
        return Counter(path for method, path in self.asked if method == "GET" and path.endswith(suffix))

    def calm(self) -> None:
        """Forget everything and break nothing."""
        self.every, self.latency, self.broken, self.refuses = 0, 0.0, 0, lambda path: False
        self.asked.clear()

    def failure(self, method: str, path: str) -> str:
        """How this request is to fail, or nothing."""
        with self._lock:
            self.asked.append((method, path))
            if self.refuses(path):
                return "busy"
            if self.every and len(self.asked) % self.every == 0:
                self.broken += 1
                return ("reset", "half", "busy")[self.broken % 3]
        return ""


@contextmanager
def proxy(upstream: str) -> Iterator[Proxy]:
    """A proxy before ``upstream`` (http://HOST:PORT) while the block runs."""
    place = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            path = unquote(urlsplit(self.path).path)
            if made.latency:
                time.sleep(made.latency)
            failure = made.failure("RANGE" if self.headers.get("Range") else self.command, path)
            if failure == "busy":
                self._send(503, [("Content-Type", "text/plain")], b"SlowDown")
                return
            if failure == "reset":
                self._reset()
                return
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
            try:
                connection.request(self.command, self.path, sent or None, dict(self.headers))
                answer = connection.getresponse()
                body = answer.read()
            finally:
                connection.close()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
            if self.command == "HEAD":
                self._send(answer.status, headers, b"", answer.getheader("Content-Length"))
            elif failure == "half" and len(body) > 1:
                self._send(answer.status, headers, body[: len(body) // 2], str(len(body)))
                self._reset()
            else:
                self._send(answer.status, headers, body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward

        def _send(self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            if body and self.command != "HEAD":
                self.wfile.write(body)
                self.wfile.flush()

        def _reset(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):  # what was reset is closed already
                self.close_connection = True

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    made = Proxy(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
