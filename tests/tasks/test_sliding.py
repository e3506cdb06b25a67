"""Sliding windows give what MONAI's give, for any size of volume, and weights that sum to one."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.tasks.memory_volumes import MemoryVolumes
from vesalius.tasks.sliding import Windows, prepared, probabilities


def network(x: Tensor) -> Tensor:
    """Three classes; what a voxel gets depends on its neighbours and on where in the window it lies."""
    kernel = torch.linspace(-1, 1, 3 * 27).view(3, 1, 3, 3, 3)
    return F.conv3d(x, kernel, padding=1) * torch.linspace(0.5, 1.5, x.shape[-1])


@pytest.fixture(scope="module")
def store() -> MemoryVolumes:
    draw = np.random.default_rng(0)
    return MemoryVolumes([draw.integers(0, 1200, (1, *shape)).astype(np.uint16) for shape in ((20, 17, 13), (8, 8, 8), (9, 5, 3))])


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize(("overlap", "mode"), [(0.5, "gaussian"), (0.25, "constant"), (0.7, "gaussian")])
def test_the_same_as_monai(store: MemoryVolumes, row: int, overlap: float, mode: Literal["gaussian", "constant"]) -> None:
    from monai.inferers.utils import sliding_window_inference

    whole = np.array([[[[0, 0, 0], store.extents[row].tolist()]]])
    x = prepared(store.read(np.array([[row]]), whole))[:, 0]
    theirs = sliding_window_inference(x, (8, 8, 8), 3, network, overlap=overlap, mode=mode).softmax(1)[0]  # type: ignore[union-attr]
    ours = probabilities(network, store, row, Windows((8, 8, 8), overlap, mode, 3))
    assert ours.shape == (3, *store.extents[row])
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_batch_of_windows_changes_nothing(store: MemoryVolumes) -> None:
    one, many = (probabilities(network, store, 0, Windows((8, 8, 8), batch=batch)) for batch in (1, 7))
    torch.testing.assert_close(one, many)
    torch.testing.assert_close(one.sum(0), torch.ones(one.shape[1:]))


def test_windows_cover_every_voxel_and_stay_inside() -> None:
    windows = Windows((8, 6, 4), 0.5)
    starts = windows.starts((19, 6, 9))
    seen = np.zeros((19, 6, 9), int)
    for start in starts:
        assert (start >= 0).all()
        assert (start + windows.patch <= (19, 6, 9)).all()
        seen[tuple(slice(a, a + s) for a, s in zip(start, windows.patch, strict=True))] += 1
    assert seen.min() >= 1


def test_half_precision_comes_back_as_single(store: MemoryVolumes) -> None:
    convolution = nn.Conv3d(1, 2, 3, padding=1)
    found = probabilities(convolution, store, 0, Windows((8, 8, 8)), autocast=torch.bfloat16)
    exact = probabilities(convolution, store, 0, Windows((8, 8, 8)))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0.05)
