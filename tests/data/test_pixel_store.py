"""Reading windows equals slicing the decoded images, however they are asked for."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.images import table_of, whole, write_images, write_odd_sizes
from vesalius.data import store
from vesalius.data.pixel_store import PixelStore
from vesalius.data.pixels import Pixels
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable


@pytest.fixture(scope="module")
def ragged(tmp_path_factory: pytest.TempPathFactory) -> tuple[PixelStore, list[Any]]:
    folder = tmp_path_factory.mktemp("ragged")
    made = write_odd_sizes(folder / "set")
    return store.build(table_of(folder / "set", list(made)), cache=folder / "cache"), list(made.values())


@pytest.fixture(scope="module")
def uniform(tmp_path_factory: pytest.TempPathFactory) -> tuple[PixelStore, list[Any]]:
    folder = tmp_path_factory.mktemp("uniform")
    made = write_images(folder / "set", 9, 6, 7)
    for cut in (4, 9):  # two builds, two pixel files
        built = store.build(table_of(folder / "set", list(made)[:cut]), cache=folder / "cache")
    assert len(list(built.folder.glob("pixels-*.bin"))) == 2
    return built, list(made.values())


def _check(built: PixelStore, images: list[Any], rows: Any, windows: Any, pixels: Pixels) -> None:
    sizes = windows[:, :, 1] - windows[:, :, 0]
    canvas = sizes.max((0, 1))
    assert pixels.data.shape == (*rows.shape, built.channels, *canvas)
    assert pixels.data.dtype == built.dtype
    assert np.array_equal(pixels.extents.numpy(), sizes)
    for b, r in np.ndindex(*rows.shape):
        image = np.moveaxis(images[rows[b, r]], -1, 0)
        (top, left), (bottom, right) = windows[b, r]
        expected = np.zeros((image.shape[0], *canvas), np.int64)
        expected[:, : bottom - top, : right - left] = image[:, top:bottom, left:right]
        assert np.array_equal(pixels.data[b, r].numpy().astype(np.int64), expected), "padding is zeros"
        assert float(pixels.scale[b, r]) == pytest.approx(1 / np.iinfo(image.dtype).max)
        assert float(pixels.offset[b, r]) == 0


@st.composite
def _requests(draw: Any, sizes: list[tuple[int, int]]) -> tuple[Any, Any]:
    batch, reads = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    rows = np.array([[draw(st.integers(0, len(sizes) - 1)) for _ in range(reads)] for _ in range(batch)])
    windows = np.zeros((batch, reads, 2, 2), np.int64)
    for b, r in np.ndindex(batch, reads):
        for axis, length in enumerate(sizes[rows[b, r]]):
            start = draw(st.integers(0, length - 1))
            windows[b, r, :, axis] = start, draw(st.integers(start + 1, length))
    return rows, windows


SIZES = [(1, 1), (5, 9), (7, 3), (16, 16), (9, 5), (2, 31), (33, 4), (20, 20)]


@settings(max_examples=150, deadline=None)
@given(request=_requests(SIZES))
def test_ragged_windows(ragged: tuple[PixelStore, list[Any]], request: tuple[Any, Any]) -> None:
    built, images = ragged
    _check(built, images, *request, built.read(*request))


@settings(max_examples=80, deadline=None)
@given(request=_requests([(6, 7)] * 9))
def test_uniform_windows(uniform: tuple[PixelStore, list[Any]], request: tuple[Any, Any]) -> None:
    built, images = uniform
    _check(built, images, *request, built.read(*request))


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.integers(0, 8), min_size=1, max_size=12))
def test_whole_records_over_two_files(uniform: tuple[PixelStore, list[Any]], rows: list[int]) -> None:
    built, images = uniform
    wanted = np.array(rows)[:, None]
    _check(built, images, wanted, whole(built, wanted), built.read(wanted, whole(built, wanted)))


@settings(max_examples=50, deadline=None)
@given(first=_requests(SIZES), second=_requests(SIZES))
def test_memory_used_again(ragged: tuple[PixelStore, list[Any]], first: Any, second: Any) -> None:
    built, images = ragged
    before = built.read(*first)
    after = built.read(*second, out=before)
    _check(built, images, *second, after)
    if after.data.numel() <= before.data.numel():
        assert after.data.data_ptr() == before.data.data_ptr()


@pytest.mark.parametrize("window", [((0, 0), (6, 8)), ((-1, 0), (5, 5)), ((2, 2), (2, 5))])
def test_windows_beyond_the_record(uniform: tuple[PixelStore, list[Any]], window: Any) -> None:
    with pytest.raises(IndexError):
        uniform[0].read(np.array([[0]]), np.array([[window]]))


def test_stored_pixels_cannot_be_written(uniform: tuple[PixelStore, list[Any]]) -> None:
    built, images = uniform
    with pytest.raises(ValueError, match="read-only"):
        built.array(0)[:] = 0
    rows = np.array([[0]])
    built.read(rows, whole(built, rows)).data.zero_()
    assert np.array_equal(np.moveaxis(built.array(0), 0, -1), images[0])


def test_many_threads(ragged: tuple[PixelStore, list[Any]], uniform: tuple[PixelStore, list[Any]]) -> None:
    wrong: list[object] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for built, images in (ragged, uniform):
            for _ in range(60):
                rows = rng.integers(0, len(built), (16, 1))
                try:
                    _check(built, images, rows, whole(built, rows), built.read(rows, whole(built, rows)))
                except AssertionError as error:
                    wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_more_than_a_hundred_thousand_records_a_second(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2000, 32, 32, 3), dtype=np.uint8)
    (tmp_path / "f").touch()
    table = SampleTable.of("set", tmp_path, ["f"] * 2000, frames=range(2000), container=lambda _: images)
    built = store.build(table, StoreSettings(32, 3), cache=tmp_path / "cache")
    rows = np.random.default_rng(1).integers(0, 2000, (512, 1))
    windows = whole(built, rows)
    best = 0.0
    for _ in range(30):
        began = time.perf_counter()
        data = built.read(rows, windows).data
        best = max(best, 512 / (time.perf_counter() - began))
    assert torch.equal(data[:, 0], torch.from_numpy(images[rows[:, 0]]).permute(0, 3, 1, 2))
    assert best > 100_000
