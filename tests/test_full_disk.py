"""A real full disk, 64 MB of tmpfs: what was there stays whole, and the message says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.images import stored, table_of, write_images
from vesalius.data import store
from vesalius.errors import NoRoom
from vesalius.files import atomic_folder, atomic_write, extract, free_bytes

MB = 1 << 20


def _fill(disk: Path, leave: int) -> Path:
    filler = disk / "filler"
    filler.write_bytes(bytes(free_bytes(disk) - leave))
    return filler


def test_a_file_survives(small_disk: Path) -> None:
    place = atomic_write(small_disk / "last.safetensors", b"old" * 1000)
    _fill(small_disk, 1 * MB)
    with pytest.raises(NoRoom, match="full"):
        atomic_write(place, bytes(5 * MB))
    assert place.read_bytes() == b"old" * 1000
    assert {p.name for p in small_disk.iterdir()} == {"last.safetensors", "filler"}
    assert free_bytes(small_disk) > MB // 2, "the failed attempt gave its room back"


def test_a_folder_survives(small_disk: Path) -> None:
    place = small_disk / "checkpoint"
    with atomic_folder(place) as folder:
        (folder / "weights").write_bytes(b"old")
    _fill(small_disk, 1 * MB)

    def fill() -> None:
        with atomic_folder(place) as folder:
            (folder / "weights").write_bytes(bytes(5 * MB))

    with pytest.raises(NoRoom):
        fill()
    assert (place / "weights").read_bytes() == b"old"
    assert {p.name for p in small_disk.iterdir()} == {"checkpoint", "filler"}


def test_an_archive_that_does_not_fit_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "big.zip", "w", zipfile.ZIP_STORED) as archive:
        for number in range(8):
            archive.writestr(f"{number}", bytes(10 * MB))
    with pytest.raises(NoRoom):
        extract(tmp_path / "big.zip", small_disk)
    assert list(small_disk.iterdir()) == []


def test_a_store_is_refused_before_decoding(small_disk: Path, tmp_path: Path) -> None:
    made = write_images(tmp_path / "set", 30, 500, 800)  # 36 MB, and 32 MB are kept free
    with pytest.raises(NoRoom, match=r"needs .* MB, but only .* MB are free"):
        store.build(table_of(tmp_path / "set", list(made)), cache=small_disk)
    assert not list(small_disk.rglob("pixels-*.bin"))


def test_a_store_survives_a_disk_that_fills_while_building(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_images(tmp_path / "set", 30, 500, 800)
    table = table_of(tmp_path / "set", list(made))
    first = store.build(table.subset(range(5)), cache=small_disk)
    filler = _fill(small_disk, 8 * MB)
    free = free_bytes(small_disk)
    monkeypatch.setattr(store, "require_room", lambda *_: None)  # another program took the room after the check
    with pytest.raises(NoRoom, match="full"):
        store.build(table, cache=small_disk)
    assert free_bytes(small_disk) > free - MB // 4, "what was not committed gave its room back"
    again = store.open(table.subset(range(5)), cache=small_disk)
    expected: list[Any] = list(made.values())
    assert all(np.array_equal(a, b) for a, b in zip(stored(again), expected[:5], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(stored(first), expected[:5], strict=True))
    filler.unlink()
    assert all(
        np.array_equal(a, b) for a, b in zip(stored(store.build(table, cache=small_disk)), expected, strict=True)
    )


def test_a_disk_without_any_room(small_disk: Path, tmp_path: Path) -> None:
    made = write_images(tmp_path / "set", 3)
    _fill(small_disk, 0)
    with pytest.raises(NoRoom):
        store.build(table_of(tmp_path / "set", list(made)), cache=small_disk)
