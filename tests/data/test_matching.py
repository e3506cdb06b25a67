from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trees.pixels import radiographs
from vesalius.data import matching, perceptual, store
from vesalius.data.matching import Hashes, hashes, nearest
from vesalius.data.pixel_store import PixelStore
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable


def made(n: int, seed: int) -> Hashes:
    return Hashes(np.random.default_rng(seed).integers(0, 256, (n, 64)).astype(np.uint8), np.ones(n, bool))


def changed(bits: np.ndarray, count: int, seed: int) -> np.ndarray:
    places = np.random.default_rng(seed).choice(perceptual.BITS, count, replace=False)
    return bits ^ np.packbits(np.isin(np.arange(perceptual.BITS), places))


@pytest.mark.parametrize("distance", [0, 40, 64, 128])
def test_nearest_is_the_slow_way_s(distance: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_ROWS", 7)
    monkeypatch.setattr(matching, "_COLUMNS", 11)
    others = made(60, 1)
    mine = made(40, 2)
    for i in range(30):  # copies at every distance, every third inverted, some of them near two
        copy = changed(others.bits[i], 5 * i, i)
        mine.bits[i] = ~copy if i % 3 == 0 else copy
    others.bits[59] = others.bits[3]
    mine.known[5] = others.known[6] = False
    found, far = nearest(mine, others, distance)
    apart = np.array([[np.unpackbits(a ^ b).sum() for b in others.bits] for a in mine.bits]).astype(int)
    apart = np.minimum(apart, perceptual.BITS - apart)
    apart[5], apart[:, 6] = 999, 999
    wanted = np.where(apart.min(1) <= distance, apart.argmin(1), -1)
    assert found.tolist() == wanted.tolist()
    assert far[found >= 0].tolist() == apart.min(1)[found >= 0].tolist()
    assert (wanted >= 0).sum() >= 1


def test_nothing_among_nothing() -> None:
    none = Hashes(np.zeros((0, 64), np.uint8), np.zeros(0, bool))
    assert nearest(made(3, 0), none)[0].tolist() == [-1, -1, -1]
    assert nearest(none, made(3, 0))[0].tolist() == []


def stored(root: Path, files: int, settings: StoreSettings) -> PixelStore:
    return store.build(SampleTable.of("matching", root, [f"{i}.png" for i in range(files)]), settings)


def test_a_hash_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = StoreSettings(size=80, channels=1)
    images = radiographs(5, 100, seed=3)
    for i, image in enumerate([*images, images[0], np.full((100, 100), 9, np.uint8)]):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    calls: list[int] = []
    real = perceptual.thumbnail
    monkeypatch.setattr(perceptual, "thumbnail", lambda pixels: calls.append(1) or real(pixels))
    first = hashes(stored(tmp_path, 4, settings))
    assert (len(first), len(calls), bool(first.known.all())) == (4, 4, True)
    found = hashes(stored(tmp_path, 7, settings))
    assert len(calls) == 6, "three new records, two of equal bytes"
    assert (found.bits[:4] == first.bits).all()
    assert (found.bits[5] == found.bits[0]).all()
    assert found.known.tolist() == [True] * 6 + [False]
    again = hashes(stored(tmp_path, 7, settings))
    assert len(calls) == 6
    assert (again.bits == found.bits).all()
    kept = next(stored(tmp_path, 7, settings).folder.glob("perceptual-*.npz"))
    kept.write_bytes(kept.read_bytes()[:100])
    assert (hashes(stored(tmp_path, 7, settings)).bits == found.bits).all()
    assert len(calls) == 12, "a damaged file is made anew"
