"""Listing, asking and reading behind an address: fsspec's memory stands for the server."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("upath", reason="needs universal-pathlib: pip install 'vesalius[remote]'")
fsspec = pytest.importorskip("fsspec")

from vesalius.errors import UserError  # noqa: E402
from vesalius.files import (  # noqa: E402
    ABSENT,
    Objects,
    Unreachable,
    contents,
    explained,
    kind_of,
    opened,
    patience,
    place_of,
    state_of,
)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(patience, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    files = fsspec.filesystem("memory")
    for uri, data in {"a/1.png": b"one", "a/b/2.png": b"twotwo", "c/3.png": b"3", "top.csv": b"x", "other/4.png": b"four"}.items():
        files.pipe_file(f"/ward/{uri}", data)
    yield files
    files.store.clear()


def test_walking_reading_and_asking(memory: Any) -> None:
    found = Objects("memory://ward/")
    sizes = {uri: state[0] for uri, state in found.walk()}
    assert sizes == {"a/1.png": 3, "a/b/2.png": 6, "c/3.png": 1, "top.csv": 1, "other/4.png": 4}
    assert {uri for uri, _ in found.walk(only={"a"})} == {"a/1.png", "a/b/2.png", "top.csv"}
    assert found.read("a/b/2.png") == b"twotwo"
    assert found.read("a/b/2.png", end=3) == b"two"
    assert found.state("nothing") == ABSENT
    assert state_of("memory://ward/a/1.png") == found.state("a/1.png")
    assert list(Objects("memory://nowhere").walk()) == []


def test_a_listing_and_single_questions_agree(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesalius.files import objects

    uris = ["a/1.png", "a/b/2.png", "c/3.png", "top.csv", "gone.png"]
    asked = Objects("memory://ward").states(uris)
    monkeypatch.setattr(objects, "_FEW", 0)
    assert Objects("memory://ward").states(uris) == asked
    assert asked["gone.png"] == ABSENT
    before = asked["c/3.png"]
    memory.pipe_file("/ward/c/3.png", b"4")
    assert Objects("memory://ward").state("c/3.png") != before, "other content of the same size"


def test_short_answers_are_asked_for_again(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cat, cuts = type(memory).cat_file, [1, 1]

    def cutting(self: Any, path: str, **options: Any) -> bytes:
        data: bytes = cat(self, path, **options)
        return data[:-1] if cuts and cuts.pop() else data

    monkeypatch.setattr(type(memory), "cat_file", cutting)
    assert Objects("memory://ward").read("a/b/2.png", 6) == b"twotwo"
    assert not cuts
    with pytest.raises(Unreachable):
        Objects("memory://ward").read("a/b/2.png", 7)


def test_a_file_is_read_by_ranges_that_may_break(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.npy", bytes(range(256)) * 40_000)
    memory.pipe_file("/ward/x.npz", packed.getvalue())
    cat, broken = type(memory).cat_file, [0]

    def breaking(self: Any, path: str, **options: Any) -> bytes:
        broken[0] += 1
        if broken[0] % 2:
            raise ConnectionResetError
        return bytes(cat(self, path, **options))

    monkeypatch.setattr(type(memory), "cat_file", breaking)
    with opened(place_of("memory://ward/x.npz")) as file, zipfile.ZipFile(file) as archive:
        assert archive.read("a.npy") == bytes(range(256)) * 40_000
    with opened(place_of("memory://ward/a/b/2.png")) as file:
        assert (file.read(2), file.seek(-1, 2), file.read(), file.read()) == (b"tw", 5, b"o", b"")
    assert contents("memory://ward/a/1.png") == b"one"


def test_kinds_and_words(memory: Any, tmp_path: Path) -> None:
    assert [kind_of(place_of(f"memory://ward{x}")) for x in ("", "/a", "/a/1.png", "/none")] == ["folder", "folder", "file", None]
    assert [kind_of(tmp_path), kind_of(tmp_path / "x"), kind_of(Path(__file__))] == ["folder", None, "file"]
    for error in (PermissionError("Canary"), FileNotFoundError("Canary"), Unreachable("It took long."), OSError("Canary")):
        said = explained("s3://ward", error)
        assert isinstance(said, UserError)
        assert "Canary" not in str(said)
