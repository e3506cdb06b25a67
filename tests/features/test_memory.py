"""A pass over images holds a batch and a shard, however many images there are: what it reads and writes at a time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.features.small_set import open_folder, write_images
from vesalius.encoders import build_encoder
from vesalius.features import compute, maps
from vesalius.features.cache import Cache

PASSES: dict[str, Any] = {"features": compute, "maps": maps}


def watched(store: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """How many images are read from ``store``, and how many rows are written to a cache, each time."""
    found: dict[str, list[int]] = {"read": [], "written": []}
    read, add = type(store).read, Cache.add

    def reading(self: Any, rows: Any, *more: Any, **named: Any) -> Any:
        found["read"].append(len(rows))
        return read(self, rows, *more, **named)

    def adding(self: Cache, digests: Any, vectors: Any) -> None:
        found["written"].append(len(vectors))
        add(self, digests, vectors)

    monkeypatch.setattr(type(store), "read", reading)
    monkeypatch.setattr(Cache, "add", adding)
    return found


@pytest.mark.parametrize("what", ["features", "maps"])
def test_a_batch_is_read_and_a_shard_is_written_at_a_time(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build_encoder("resnet18", width=0.0625, stem="small", size=(16, 16), seed=5).eval()
    data = open_folder(write_images(tmp_path, 40))
    seen = watched(data.store, monkeypatch)
    rows, size = np.arange(40), encoder.card.dim * 2 * 2 * 2
    monkeypatch.setattr(sys.modules[PASSES[what].__module__], "_SHARD", 12 if what == "features" else 12 * size)
    found = PASSES[what](encoder, data.store, rows, batch_size=4)
    assert max(seen["read"]) <= 4
    assert sum(seen["read"]) == 40
    assert sum(seen["written"]) == (40 if what == "features" else 80), "a pass that makes maps keeps the pooled vectors too"
    assert max(seen["written"]) <= 12
    assert len(found) == 40
    read = len(seen["read"])
    PASSES[what](encoder, data.store, rows, batch_size=4)
    assert len(seen["read"]) == read, "nothing is read again"


def test_maps_stay_on_disk(tmp_path: Path) -> None:
    encoder = build_encoder("resnet18", width=0.0625, stem="small", size=(16, 16), seed=6).eval()
    data = open_folder(write_images(tmp_path, 24))
    found = maps(encoder, data.store, np.arange(24), batch_size=8)
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()} if Path("/proc/self/maps").exists() else None
    if mapped is not None:
        assert any(name.endswith(".safetensors") for name in mapped), "the shard is a file that is mapped, not memory of the process"
    assert found[np.array([3, 5])].shape[0] == 2
