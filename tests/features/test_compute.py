from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.features.small_set import open_folder, write_images
from vesalius.encoders import Encoder, build_encoder, weights_hash
from vesalius.features import Cache, compute, evaluation_views, forward


@pytest.fixture
def encoder(request: pytest.FixtureRequest) -> Encoder:
    """Another seed for each test: the cache is shared by all of them."""
    seed = sum(map(ord, request.node.name))
    return build_encoder("resnet18", width=0.125, size=(16, 16), seed=seed)


def shards(encoder: Encoder) -> list[Path]:
    folder = Cache.of(encoder, evaluation_views(encoder).config(), "pooled", "fp32").folder
    return sorted(folder.glob("*.safetensors")) if folder.is_dir() else []


def test_only_new_rows_are_computed(tmp_path: Path, encoder: Encoder) -> None:
    data = open_folder(write_images(tmp_path, 8))
    rows = np.array([3, 0, 5])
    first = compute(encoder, data.store, rows)
    assert first.computed == 3
    torch.testing.assert_close(first.vectors, forward(encoder, data.store, rows))
    again = compute(encoder, data.store, rows)
    assert again.computed == 0
    assert torch.equal(again.vectors, first.vectors)
    every = compute(encoder, data.store, np.arange(8))
    assert every.computed == 5
    torch.testing.assert_close(every.vectors, forward(encoder, data.store, np.arange(8)), atol=1e-5, rtol=1e-4)
    assert len(shards(encoder)) == 2


def test_added_images_reuse_what_is_known(tmp_path: Path, encoder: Encoder) -> None:
    compute(encoder, (data := open_folder(write_images(tmp_path, 6))).store, np.arange(6))
    write_images(tmp_path, 3, start=6)
    grown = open_folder(tmp_path)
    assert len(grown.store) == len(data.store) + 3
    found = compute(encoder, grown.store, np.arange(9))
    assert found.computed == 3
    torch.testing.assert_close(found.vectors, forward(encoder, grown.store, np.arange(9)), atol=1e-5, rtol=1e-4)


def test_a_damaged_shard_is_computed_again(tmp_path: Path, encoder: Encoder) -> None:
    data = open_folder(write_images(tmp_path, 5))
    first = compute(encoder, data.store, np.arange(5))
    (shard,) = shards(encoder)
    shard.write_bytes(shard.read_bytes()[:-3])
    again = compute(encoder, data.store, np.arange(5))
    assert again.computed == 5
    assert torch.equal(again.vectors, first.vectors)
    assert compute(encoder, data.store, np.arange(5)).computed == 0


def test_changed_weights_are_another_cache(tmp_path: Path, encoder: Encoder) -> None:
    data = open_folder(write_images(tmp_path, 4))
    compute(encoder, data.store, np.arange(4))
    with torch.no_grad():
        encoder.network.conv1.weight *= 1.5
    assert compute(encoder, data.store, np.arange(4)).computed == 4


def test_without_cache_nothing_is_written(tmp_path: Path, encoder: Encoder) -> None:
    data = open_folder(write_images(tmp_path, 4))
    assert compute(encoder, data.store, np.arange(4), cache=False).computed == 4
    assert compute(encoder, data.store, np.arange(4), cache=False).computed == 4
    assert not shards(encoder)


def test_repeated_rows_are_computed_once(tmp_path: Path, encoder: Encoder) -> None:
    data = open_folder(write_images(tmp_path, 4))
    rows = np.array([2, 2, 1, 2, 0])
    for computed in (3, 0):
        found = compute(encoder, data.store, rows)
        assert found.computed == computed
        torch.testing.assert_close(found.vectors, forward(encoder, data.store, rows), atol=1e-5, rtol=1e-4)
    assert compute(encoder, data.store, np.arange(0)).vectors.shape == (0, 64)


def test_ids_labels_splits_and_hash_go_along(tmp_path: Path, encoder: Encoder) -> None:
    data = open_folder(write_images(tmp_path, 6))
    rows = np.array([4, 1, 3])
    splits = np.array(["val", "train", "val"], object)
    found = compute(encoder, data.store, rows, labels=data.labels(rows), splits=splits)
    assert found.ids.tolist() == data.store.ids[rows].tolist()
    assert found.encoder_hash == weights_hash(encoder)
    val = found.of("val")
    assert len(val) == 2
    assert val.ids.tolist() == data.store.ids[[4, 3]].tolist()
    for name, values in found.labels.items():
        assert torch.equal(val.labels[name], values[[0, 2]])
    assert found.labels


def test_half_precision_is_the_same_the_first_and_every_later_time(tmp_path: Path, encoder: Encoder) -> None:
    data = open_folder(write_images(tmp_path, 6))
    first = compute(encoder, data.store, np.arange(6), half=True)
    again = compute(encoder, data.store, np.arange(6), half=True)
    assert (first.computed, again.computed) == (6, 0)
    assert torch.equal(first.vectors, again.vectors)
    exact = compute(encoder, data.store, np.arange(6))
    assert exact.computed == 6
    torch.testing.assert_close(first.vectors, exact.vectors, atol=1e-3, rtol=1e-3)
    assert not torch.equal(first.vectors, exact.vectors)
