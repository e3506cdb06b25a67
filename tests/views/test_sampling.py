from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from tests.views.batches import images, stored
from vesalius.views.frame import Frame
from vesalius.views.sampling import Grid, Packed, Separable, sampler


def boxes(n, height, width, seed=0):
    g = np.random.default_rng(seed)
    size = np.stack([g.integers(8, height + 1, n), g.integers(8, width + 1, n)], axis=1)
    return np.concatenate([np.floor(g.random((n, 2)) * (np.array([height, width]) - size + 1)), size], axis=1).astype(
        float
    )


def framed(box, height, width, size):
    return Frame.of(np.tile([[height, width]], (len(box), 1))).crop(
        box, np.tile(np.array([size], float), (len(box), 1))
    )


def peer(data, box, size):
    return torch.cat(
        [F.resized_crop(data[i : i + 1], *map(int, b), list(size), antialias=True) for i, b in enumerate(box)]
    )


def sampled(kind, pixels, frame, size):
    out = torch.empty(len(frame.matrix), pixels.data.shape[2], *size)
    made = kind(pixels, frame, size)
    for start in range(0, len(out), 3):
        made.sample(slice(start, min(start + 3, len(out))), out[start : start + 3])
    return out


@pytest.mark.parametrize("size", [(16, 16), (32, 20), (70, 64)])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_products_equal_torchvision(size, channels):
    pixels = stored(images(8, channels, 60, 90))
    box = boxes(8, 60, 90)
    ours = sampled(Separable, pixels, framed(box, 60, 90, size), size)
    assert (ours - peer(pixels.data[:, 0] / 255, box, size)).abs().max() < 1e-5


@pytest.mark.parametrize("size", [(48, 48), (64, 80), (224, 224)])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_packed_8_bit_equals_torchvision_8_bit(size, channels):
    pixels = stored(images(8, channels, 150, 260))
    box = boxes(8, 150, 260)
    ours = sampled(Packed, pixels, framed(box, 150, 260, size), size)
    assert (ours - peer(pixels.data[:, 0], box, size) / 255).abs().max() < 1e-6


def test_packed_and_products_agree_to_the_rounding():
    pixels = stored(images(8, 3, 100, 80))
    frame = framed(boxes(8, 100, 80), 100, 80, (64, 64))
    difference = sampled(Packed, pixels, frame, (64, 64)) - sampled(Separable, pixels, frame, (64, 64))
    assert difference.abs().max() < 1 / 255


def test_every_view_of_a_sample_reads_its_own_sample():
    pixels = stored(torch.arange(4).view(4, 1, 1, 1).expand(4, 1, 20, 20) / 255)
    frame = framed(boxes(12, 20, 20), 20, 20, (8, 8))
    for kind in (Separable, Grid, Packed):
        ours = sampled(kind, pixels, frame, (8, 8)) * 255
        assert torch.allclose(ours.mean((1, 2, 3)), torch.arange(12.0) % 4, atol=1e-4)


def test_the_fastest_that_fits_is_chosen():
    pixels, wide = stored(images(2, 3, 100, 100)), stored(images(2, 3, 100, 100), dtype=torch.uint16)
    box = boxes(2, 100, 100)
    large, small = framed(box, 100, 100, (64, 64)), framed(box, 100, 100, (32, 32))
    outside = framed(box - [30, 30, 0, 0], 100, 100, (64, 64))
    assert type(sampler(pixels, large, (64, 64), turns=False)) is Packed
    assert type(sampler(pixels, small, (32, 32), turns=False)) is Separable
    assert type(sampler(wide, large, (64, 64), turns=False)) is Separable
    assert type(sampler(pixels, outside, (64, 64), turns=False)) is Separable
    assert type(sampler(pixels, large, (64, 64), turns=True)) is Grid


@pytest.mark.parametrize(("side", "limit"), [(320, 1.25), (200, 1.25), (100, 1.25)])
def test_grid_keeps_little_energy_that_would_alias(side, limit):
    """Fine noise through the sampler of rotations, against torchvision's anti-aliased resize."""
    size = (64, 64)
    pixels = stored(torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0)))
    box = np.tile([[0.0, 0.0, side, side]], (2, 1))
    ours = sampled(Grid, pixels, framed(box, side, side, size), size)
    want = peer(pixels.data[:, 0] / 255, box, size)
    assert ours.std() / want.std() < limit
    assert torch.allclose(ours.mean(), want.mean(), atol=0.01)
