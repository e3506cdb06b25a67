"""Downloads against a small server that breaks off, lies and changes its mind."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from vesalius.errors import UserError
from vesalius.files import checksum, download

CONTENT = np.random.default_rng(0).integers(0, 256, 300_000, dtype=np.uint8).tobytes()
SHA256, MD5 = hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked.append(self.headers.get("Range"))
        if server.status != 200:
            self.send_error(server.status)
            return
        start = 0
        asked = self.headers.get("Range")
        if asked and server.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(CONTENT):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        else:
            self.send_response(200)
        body = CONTENT[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.breaks_after.pop(0)] if server.breaks_after else body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    asked: list[str | None]
    breaks_after: list[int]
    ranges = True
    status = 200


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.asked, made.breaks_after = [], []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def _url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/file.bin"


def test_whole_with_progress(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    place = download(_url(server), tmp_path / "new" / "file.bin", sha256=SHA256, progress=lambda *at: seen.append(at))
    assert place.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in place.parent.iterdir()] == ["file.bin"]
    download(_url(server), place, md5=MD5)
    assert len(server.asked) == 1, "what is there and right is not fetched again"
    assert checksum(place) == SHA256


def test_a_broken_connection_is_continued(server: Server, tmp_path: Path) -> None:
    server.breaks_after = [100_000, 50_000]
    assert download(_url(server), tmp_path / "f", sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_killed_download_is_continued(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(CONTENT[:123_456])
    assert download(_url(server), tmp_path / "f", md5=MD5).read_bytes() == CONTENT
    assert server.asked == ["bytes=123456-"]


def test_a_complete_part_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(CONTENT)
    assert download(_url(server), tmp_path / "f", sha256=SHA256).read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "f.part").write_bytes(CONTENT[:1000])
    assert download(_url(server), tmp_path / "f", sha256=SHA256).read_bytes() == CONTENT


def test_a_beginning_of_another_version_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"x" * 1000)
    assert download(_url(server), tmp_path / "f", sha256=SHA256).read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not the file that was expected"):
        download(_url(server), tmp_path / "f", sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_old_wrong_file_is_replaced_only_by_the_right_one(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    server.status = 404
    with pytest.raises(UserError, match="404"):
        download(_url(server), tmp_path / "f", sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == b"old"
    server.status = 200
    assert download(_url(server), tmp_path / "f", sha256=SHA256).read_bytes() == CONTENT


def test_an_absent_server_is_one_paragraph(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="goes on where it stopped"):
        download("http://127.0.0.1:9/x", tmp_path / "f", sha256=SHA256, attempts=2)


def test_only_the_web(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only http"):
        download("file:///etc/passwd", tmp_path / "f", sha256=SHA256)


def test_two_at_once_fetch_once(server: Server, tmp_path: Path) -> None:
    results: list[Path] = []
    threads = [
        threading.Thread(target=lambda: results.append(download(_url(server), tmp_path / "f", sha256=SHA256)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert len(server.asked) == 1


@pytest.mark.parametrize("digest", [{"sha256": SHA256[:8]}, {"md5": MD5[:8].upper()}], ids=["sha256", "md5"])
def test_the_beginning_of_a_checksum_will_do(digest: dict[str, str], server: Server, tmp_path: Path) -> None:
    """As the names of torch's files and tables of checkpoints give it."""
    assert download(_url(server), tmp_path / "f", **digest).read_bytes() == CONTENT
    with pytest.raises(UserError, match="not the file that was expected"):
        download(_url(server), tmp_path / "other", sha256="00000000")
    with pytest.raises(ValueError, match="needs a sha256 or an md5"):
        download(_url(server), tmp_path / "f", sha256=SHA256[:7])


def test_without_a_published_checksum_the_first_is_kept(server: Server, tmp_path: Path) -> None:
    download(_url(server), tmp_path / "f", pinned=True).unlink()
    assert (tmp_path / "f.sha256").read_text() == f"{SHA256}  f\n"
    assert download(_url(server), tmp_path / "f", pinned=True).read_bytes() == CONTENT
    (tmp_path / "f").unlink()
    (tmp_path / "f.sha256").write_text(f"{'0' * 64}  f\n")
    with pytest.raises(UserError, match="not the file that was expected"):
        download(_url(server), tmp_path / "f", pinned=True)
