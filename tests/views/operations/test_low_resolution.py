from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.views.batches import chance, change, images
from vesalius.views.operations.low_resolution import LowResolution


def test_equals_torchs_resizing_twice():
    x = images(3, 2, 24, 18)
    ours = change(LowResolution(), x, {"factor": np.float32([1, 2, 3])})
    assert torch.equal(ours[0], x[0])
    for number, small in ((1, (12, 9)), (2, (8, 6))):
        coarse = F.interpolate(x[number][None], small, mode="bilinear", antialias=True)
        torch.testing.assert_close(ours[number], F.interpolate(coarse, (24, 18), mode="bilinear")[0], atol=1e-5, rtol=0)


def test_volumes_axis_by_axis():
    x = torch.rand(2, 1, 12, 10, 8, generator=torch.Generator().manual_seed(0))
    ours = change(LowResolution(), x, {"factor": np.float32([2, 2])})
    alone = change(LowResolution(), x[:, :, :, 3], {"factor": np.float32([1, 1])})
    assert torch.equal(alone, x[:, :, :, 3])
    assert ours.var() < 0.4 * x.var()
    torch.testing.assert_close(ours.mean(), x.mean(), atol=0.02, rtol=0)
    plain = torch.full((1, 1, 9, 8, 7), 0.3)
    torch.testing.assert_close(change(LowResolution(), plain, {"factor": np.float32([2.5])}), plain)


def test_the_factor_is_drawn_from_its_range():
    drawn = LowResolution(p=1, factor=(1.5, 2.5)).draw(chance(), 1, (9, 9))["factor"]
    assert 1.5 <= drawn.min() < 1.51 < 2.49 < drawn.max() <= 2.5
    with pytest.raises(ValueError, match="at least 1"):
        LowResolution(factor=(0.5, 2))
