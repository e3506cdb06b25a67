from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.data import identity
from vesalius.random import digest64

PATHS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=20)
BOXES = st.one_of(st.none(), st.tuples(*[st.integers(0, 5000)] * 4))


@given(PATHS, st.binary(max_size=32))
def test_ids_are_digest64_of_their_parts(paths: list[str], key: bytes) -> None:
    expected = [digest64("sample", key, "s", path, 0, "") for path in paths]
    assert identity.sample_ids("s", paths, key=key).tolist() == expected


@given(st.lists(st.tuples(st.text(max_size=8), st.integers(0, 99), BOXES), max_size=10))
def test_ids_with_frames_and_boxes(rows: list[tuple[str, int, identity.Box | None]]) -> None:
    uris, frames, boxes = ([row[i] for row in rows] for i in range(3))
    expected = [digest64("sample", b"", "s", u, f, "" if b is None else ",".join(map(str, b))) for u, f, b in rows]
    assert identity.sample_ids("s", uris, frames, boxes).tolist() == expected


def test_an_id_does_not_depend_on_its_neighbours() -> None:
    few = identity.sample_ids("folder", ["a.png", "c.png"])
    many = identity.sample_ids("folder", ["b.png", "c.png", "a.png", "d.png"])
    assert few.tolist() == [many[2], many[1]]
    assert few.dtype == np.uint64


def test_paths_that_are_no_unicode_have_ids() -> None:
    assert len(set(identity.sample_ids("s", [os.fsdecode(b"\xff.png"), os.fsdecode(b"\xfe.png")]).tolist())) == 2


def test_the_users_key_is_made_once_and_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "new" / "cache"))
    code = "from vesalius.data.identity import user_key; print(user_key().hex())"
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    keys = {child.communicate()[0].strip() for child in children}
    assert keys == {identity.user_key().hex()}
    file = tmp_path / "new" / "cache" / "key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32
    assert os.listdir(file.parent) == ["key"]


def test_without_the_key_a_name_cannot_be_tested() -> None:
    assert identity.subject_name("Anna", b"one") != identity.subject_name("Anna", b"two")
    assert identity.subject_name("Anna", b"one") == identity.subject_name("Anna", b"one")
    assert "anna" not in identity.subject_name("Anna", b"one").lower()


def test_inside() -> None:
    assert identity.inside(Path("/a/b/c.png"), Path("/a")) == "b/c.png"
    assert identity.inside(Path("/x/c.png"), Path("/a")) == "/x/c.png"
