"""Web servers: folders where they show index pages, tables where they do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("aiohttp", reason="needs aiohttp: pip install 'vesalius[remote]'")
pytest.importorskip("upath", reason="needs universal-pathlib: pip install 'vesalius[remote]'")

from tests.data.images import write_images
from tests.remote.journey import same_pixels
from tests.remote.proxy import Proxy, proxy
from vesalius.data import store
from vesalius.data.references import resolve
from vesalius.errors import UserError
from vesalius.files import patience


class Handler(SimpleHTTPRequestHandler):
    indexes = True

    def list_directory(self, path: object) -> object:
        if self.indexes:
            return super().list_directory(path)  # type: ignore[arg-type]
        self.send_error(403)
        return None

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Proxy]]:
    monkeypatch.setattr(patience, "_FIRST_PAUSE", 0.01)
    folder = tmp_path / "site"
    uris = list(write_images(folder, 12, 12, 16))
    (folder / "a b").mkdir()
    (folder / "b" / "0001.png").rename(folder / "a b" / "ö 1.png")
    uris[1] = "a b/ö 1.png"
    pd.DataFrame({"path": uris, "label": [i % 2 for i in range(12)]}).to_csv(folder / "labels.csv", index=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with proxy(f"http://127.0.0.1:{server.server_address[1]}") as front:
        yield folder, front
    server.shutdown()
    server.server_close()


def test_a_folder_with_index_pages(site: tuple[Path, Proxy], tmp_path: Path) -> None:
    folder, front = site
    front.every = 5
    near, far = resolve(str(folder)), resolve(f"{front.url}/")
    assert far.frame.equals(near.frame)
    built = store.build(far, cache=tmp_path / "far")
    assert same_pixels(built, store.build(near, cache=tmp_path / "near"))
    front.calm()
    store.build(far, cache=tmp_path / "far")
    assert front.read() == {}


def test_a_table_where_nothing_is_listed(site: tuple[Path, Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, front = site
    monkeypatch.setattr(Handler, "indexes", False)
    with pytest.raises(UserError, match=r"shows no list of files.*address of a table"):
        resolve(f"{front.url}/")
    front.every = 5
    near = resolve(str(folder / "labels.csv"))
    for reference, root in ((f"{front.url}/labels.csv", None), (str(folder / "labels.csv"), front.url)):
        far = resolve(reference, root=root)
        pd.testing.assert_frame_equal(far.frame, near.frame)
    assert same_pixels(store.build(far, cache=tmp_path / "far"), store.build(near, cache=tmp_path / "near"))
