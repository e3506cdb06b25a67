"""A map of more images than t-SNE can place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vesalius.select import mapping
from vesalius.select.mapping import keep_array, placed


def _groups(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    which = np.arange(n) % 3
    return (np.eye(8)[which] + 0.05 * rng.standard_normal((n, 8))).astype(np.float32), which


def test_those_left_over_lie_among_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "_PLACED", 60)
    vectors, which = _groups(240)
    first = np.arange(200, 220)
    xy, said = placed(vectors, first, seed=1)
    assert "180 further images" in said
    assert xy.shape == (240, 2)
    assert ((xy >= 0) & (xy <= 1)).all()
    centres = np.stack([xy[which == c].mean(0) for c in range(3)])
    nearest = np.argmin(np.linalg.norm(xy[:, None] - centres, axis=2), axis=1)
    assert (nearest == which).mean() > 0.98


def test_it_is_the_same_each_time_and_complete_where_there_are_few() -> None:
    vectors, _ = _groups(40)
    xy, said = placed(vectors, np.arange(5), seed=3)
    assert "further" not in said
    assert (xy == placed(vectors, np.arange(5), seed=3)[0]).all()


def test_an_array_is_kept_whole(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    keep_array(tmp_path / "map.npy", values)
    assert (np.load(tmp_path / "map.npy", allow_pickle=False) == values).all()
