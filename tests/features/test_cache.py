from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from vesalius.encoders import build_encoder
from vesalius.features.cache import Cache


def digests(*names: object) -> np.ndarray:
    return np.array([hashlib.md5(str(n).encode()).hexdigest() for n in names], "U32")


def test_what_was_added_is_found_in_any_order(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new")
    assert cache.find(digests(1, 2))[0] is None
    values = torch.arange(12.0).view(4, 3)
    cache.add(digests(1, 2, 3), values[:3])
    cache.add(digests(4), values[3:])
    vectors, found = Cache(tmp_path / "new").find(digests(4, "x", 2, 2, 1))
    assert found.tolist() == [True, False, True, True, True]
    assert vectors is not None
    assert torch.equal(vectors[found], values[[3, 1, 1, 0]])


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "noise"])
def test_a_damaged_shard_counts_for_nothing(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path)
    cache.add(digests(1), torch.ones(1, 3))
    good = set(tmp_path.iterdir())
    cache.add(digests(2, 3), torch.ones(2, 3))
    (bad,) = set(tmp_path.iterdir()) - good
    data = bytearray(bad.read_bytes())
    data = {
        "cut": data[:-5],
        "flip": data[:-6] + bytes([data[-6] ^ 1]) + data[-5:],
        "empty": b"",
        "noise": b"\xff" * 50,
    }[damage]
    bad.write_bytes(data)
    assert cache.find(digests(1, 2, 3))[1].tolist() == [True, False, False]
    cache.add(digests(2, 3), torch.full((2, 3), 5.0))
    vectors, found = cache.find(digests(1, 2, 3))
    assert found.all()
    assert vectors is not None
    assert vectors[:, 0].tolist() == [1, 5, 5]


def test_many_writers(tmp_path: Path) -> None:
    def fill(writer: int) -> None:
        for i in range(5):
            Cache(tmp_path).add(digests(*range(10 * i, 10 * i + 10)), torch.arange(10.0)[:, None] + 10 * i)
            assert Cache(tmp_path).find(digests(10 * i + 3))[1].all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fill, range(4)))
    vectors, found = Cache(tmp_path).find(digests(*range(50)))
    assert found.all()
    assert vectors is not None
    assert vectors[:, 0].tolist() == list(range(50))


def test_each_thing_a_feature_depends_on_has_its_own_folder() -> None:
    encoder = build_encoder("resnet18", width=0.125)
    same = build_encoder("resnet18", width=0.125)
    base = Cache.of(encoder, {"a": 1}, "pooled", "fp32")
    assert Cache.of(same, {"a": 1}, "pooled", "fp32").folder == base.folder
    other_card = build_encoder("resnet18", width=0.125, mean=(0.5,) * 3, std=(1.0,) * 3)
    trained = build_encoder("resnet18", width=0.125, seed=1)
    others = [
        Cache.of(trained, {"a": 1}, "pooled", "fp32"),
        Cache.of(other_card, {"a": 1}, "pooled", "fp32"),
        Cache.of(encoder, {"a": 2}, "pooled", "fp32"),
        Cache.of(encoder, {"a": 1}, "layer4", "fp32"),
        Cache.of(encoder, {"a": 1}, "pooled", "bfloat16"),
        Cache.of(encoder, {"a": 1}, "pooled", "fp32", "projector"),
    ]
    assert len({c.folder for c in [base, *others]}) == 7
