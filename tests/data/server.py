"""A web server for tests of downloads: ranges, and a connection that breaks after so many bytes."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Served:
    """``url`` of the folder; ``breaks`` maps a file name to the bytes after which its next answer breaks off."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.breaks: dict[str, int] = {}
        self.asked: list[tuple[str, str | None]] = []


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """Serve the files of ``folder`` on this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0].lstrip("/")
            asked = self.headers.get("Range")
            served.asked.append((name, asked))
            file = folder / name
            if not file.is_file():
                self.send_error(404)
                return
            data = file.read_bytes()
            start = int(re.findall(r"\d+", asked)[0]) if asked else 0
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            end = served.breaks.pop(name, len(data))
            self.wfile.write(data[start : start + end])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Served(f"http://127.0.0.1:{server.server_address[1]}/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
