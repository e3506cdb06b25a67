"""Weights behind an address: downloaded once, only with their digest, kept in the cache."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from safetensors.torch import save

from vesalius.encoders import build_encoder, weights_hash
from vesalius.encoders.fetching import fetched, is_address
from vesalius.errors import UserError

SOURCE = build_encoder("resnet18", width=0.125, seed=4)
CONTENT = save(dict(SOURCE.network.state_dict()))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.asked = 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/models/my%20weights.safetensors?download=true"
    server.shutdown()
    server.server_close()


def test_weights_behind_an_address_are_fetched_once(address: str, tmp_path: Path) -> None:
    for _ in range(2):
        started = build_encoder("resnet18", width=0.125, weights=f"{address}#sha256={SHA256}")
        assert weights_hash(started) == weights_hash(SOURCE)
    assert Handler.asked == 1
    assert started.card.trained_on == "started from my weights.safetensors"
    assert [p.name for p in (tmp_path / "cache" / "weights").rglob("*.safetensors")] == ["my weights.safetensors"]
    assert "127.0.0.1" not in started.card.model_dump_json()


def test_the_first_file_behind_an_address_without_a_digest(address: str, tmp_path: Path) -> None:
    files = [fetched(address, any_file=True) for _ in range(2)]
    assert files[0] == files[1]
    assert files[0].read_bytes() == CONTENT
    assert Handler.asked == 1
    with pytest.raises(UserError, match="SHA-256"):
        fetched(address)


@pytest.mark.parametrize("ending", ["", "#sha256=abc", f"#md5={'0' * 32}"])
def test_an_address_says_which_file_it_has_to_be(address: str, ending: str) -> None:
    with pytest.raises(UserError, match=r"nothing says which file .*#sha256=\.\.\., as its publisher gives it"):
        fetched(address + ending)
    assert Handler.asked == 0


def test_another_file_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not the file that was expected"):
        fetched(f"{address}#sha256={'0' * 64}")
    assert not list((tmp_path / "cache" / "weights").rglob("*.safetensors"))


def test_what_is_an_address() -> None:
    assert [is_address(r) for r in ("https://a/b", "http://a", "timm:resnet18", "./https/file", "run:1")] == [True, True, False, False, False]
