"""Listing and deleting stores."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from tests.data.images import stored, table_of, write_images
from vesalius.data import store
from vesalius.data.pool import Pool
from vesalius.data.settings import StoreSettings
from vesalius.data.upkeep import computed_folder, root_mark
from vesalius.errors import UserError


def _three(tmp_path: Path) -> Path:
    cache = tmp_path / "cache"
    for number, name in enumerate(("one", "two", "three")):
        made = write_images(tmp_path / name, 4 + number, seed=number)
        built = store.build(table_of(tmp_path / name, list(made), private=name == "three"), cache=cache)
        os.utime(built.folder / "store.json", (time.time() - number * 86400 * 10,) * 2)
    return cache


def test_nothing_there(tmp_path: Path) -> None:
    assert store.inspect(tmp_path / "nowhere") == []
    assert store.prune(older_than_days=0, cache=tmp_path / "nowhere") == 0


def test_lists_the_last_used_first(tmp_path: Path) -> None:
    infos = store.inspect(_three(tmp_path))
    assert [info.records for info in infos] == [4, 5, 6]
    assert [info.left_out for info in infos] == [0, 0, 0]
    assert all(info.source == "folder" and info.size == "native" and info.channels == "keep" for info in infos)
    assert all(info.bytes > info.records * 24 * 32 * 3 for info in infos)


def test_opening_counts_as_use(tmp_path: Path) -> None:
    cache = _three(tmp_path)
    made = sorted(p.relative_to(tmp_path / "two").as_posix() for p in (tmp_path / "two").rglob("*.png"))
    store.open(table_of(tmp_path / "two", made), cache=cache)
    assert store.inspect(cache)[0].records == 5


def test_by_age(tmp_path: Path) -> None:
    cache = _three(tmp_path)
    old = [info for info in store.inspect(cache) if info.records > 4]
    assert store.prune(older_than_days=5, cache=cache) == sum(info.bytes for info in old)
    assert [info.records for info in store.inspect(cache)] == [4]


def test_by_size_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = _three(tmp_path)
    infos = store.inspect(cache)
    assert store.prune(max_bytes=infos[0].bytes + infos[1].bytes, cache=cache) == infos[2].bytes
    assert [info.records for info in store.inspect(cache)] == [4, 5]
    assert store.prune(max_bytes=0, cache=cache) == infos[0].bytes + infos[1].bytes


@pytest.mark.parametrize(("name", "left"), [("two", [4, 6]), ("three", [4, 5])])
def test_by_folder_private_or_not(name: str, left: list[int], tmp_path: Path) -> None:
    cache = _three(tmp_path)
    assert store.prune(dataset=str(tmp_path / name), cache=cache) > 0
    assert [info.records for info in store.inspect(cache)] == left


def test_by_name_and_by_source(tmp_path: Path) -> None:
    cache = _three(tmp_path)
    assert store.prune(dataset="elsewhere", cache=cache) == 0
    assert store.prune(dataset=store.inspect(cache)[0].name, cache=cache) > 0
    assert [info.records for info in store.inspect(cache)] == [5, 6]
    store.prune(dataset="folder", cache=cache)
    assert store.inspect(cache) == []
    assert not [p for p in (cache / "stores").iterdir() if p.is_dir()]


def test_no_rule_deletes_nothing(tmp_path: Path) -> None:
    cache = _three(tmp_path)
    assert store.prune(cache=cache) == 0
    assert len(store.inspect(cache)) == 3


def test_an_open_store_outlives_its_deletion(tmp_path: Path) -> None:
    made = write_images(tmp_path / "set", 4)
    table = table_of(tmp_path / "set", list(made))
    built = store.build(table, StoreSettings(), cache=tmp_path / "cache")
    store.prune(older_than_days=-1, cache=tmp_path / "cache")
    assert all(np.array_equal(a, b) for a, b in zip(stored(built), made.values(), strict=True))
    assert len(store.build(table, StoreSettings(), cache=tmp_path / "cache")) == 4


def test_a_store_being_built_is_not_deleted(tmp_path: Path) -> None:
    cache = _three(tmp_path)
    with Pool(store.inspect(cache)[0].folder).lock(), pytest.raises(UserError, match="another process"):
        store.prune(older_than_days=-1, cache=cache)
    assert len(store.inspect(cache)) == 3


def test_values_computed_of_images_go_with_their_data_and_by_age_and_size(tmp_path: Path) -> None:
    cache = _three(tmp_path)
    folder = computed_folder(cache)
    folder.mkdir()
    for number, name in enumerate(("one", "two")):
        file = folder / f"{root_mark(tmp_path / name, private=False)}-1-1.npy"
        file.write_bytes(b"0" * 100)
        os.utime(file, (time.time() - number * 86400 * 20,) * 2)
    (of_one,) = (info for info in store.inspect(cache) if info.root == root_mark(tmp_path / "one", private=False))
    assert store.prune(dataset=str(tmp_path / "one"), cache=cache) == of_one.bytes + 100
    assert len(list(folder.iterdir())) == 1
    assert store.prune(older_than_days=15, cache=cache) > 100  # with the store of twenty days ago
    assert not list(folder.iterdir())
