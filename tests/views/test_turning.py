"""Turned views of large images one by one are those of all at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.views.batches import ids, images, stored
from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.views import sampling
from vesalius.views.turning import halved


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int16])
@pytest.mark.parametrize("outside", ["black", "edge"])
def test_equals_the_sampler_of_small_ones(dtype, outside, monkeypatch):
    n = 6
    extents = np.array([[430, 400], [300, 432], [431, 301], [200, 180], [120, 432], [96, 96]])
    pixels = stored(images(n, 2, 432, 432), extents, dtype)
    pixels = Pixels(pixels.data, pixels.extents, pixels.scale, pixels.offset + 0.25)
    steps = [{"affine": {"degrees": 180, "shear": 30, "outside": outside}}, "random_resized_crop", {"elastic": {"alpha": 60, "p": 0.7}}, "horizontal_flip"]
    made = views.load({"global": {"count": 2, "size": [100, 112], "operations": steps}}, 2)
    draws = made.draw(0, 0, np.arange(n), ids(n), extents)
    one_by_one = made.apply(pixels, draws).views["global"]
    monkeypatch.setattr(sampling, "ONE_BY_ONE_FROM", 1000)
    together = made.apply(pixels, draws).views["global"]
    assert (one_by_one - together).abs().max() < 2e-3  # a place that lies on the veil's border may fall on either side
    assert ((one_by_one - together).abs() > 1e-4).float().mean() < 1e-3


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.float32, torch.uint16])
@pytest.mark.parametrize("side", [64, 67])
def test_halves_are_sums_of_four(dtype, side):
    x = torch.randint(0, 255, (2, side, side + 1)).to(dtype)
    want = F.avg_pool2d(x.float(), 2) * 4
    assert torch.equal(halved(x).float(), want)
    deep = torch.full((1, 8, 8), 30000).to(torch.int16)
    assert torch.equal(halved(deep), torch.full((1, 4, 4), 120000.0))
    assert torch.equal(halved(halved(torch.full((1, 8, 8), 255, dtype=torch.uint8))).float(), torch.full((1, 2, 2), 4080.0))
