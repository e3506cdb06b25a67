from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from tests.views.batches import DRAWS, chance, change, images, same_distribution
from vesalius import views
from vesalius.errors import UserError
from vesalius.views.operations.sharpness import Sharpness


@pytest.mark.parametrize("channels", [1, 3])
def test_equals_torchvision(channels: int):
    x = images(5, channels, 20, 30)
    factors = [0.0, 0.5, 1.0, 4.0, 30.0]
    ours = change(Sharpness(), x, {"factor": np.float32(factors)})
    for i, factor in enumerate(factors):
        assert (ours[i] - F.adjust_sharpness(x[i], factor)).abs().max() < 1e-5
    assert torch.equal(ours[2], x[2])
    assert ours.min() >= 0
    assert ours.max() <= 1


def test_nothing_to_sharpen_and_other_channels():
    x = torch.rand(1, 3, 2, 9)
    assert torch.equal(change(Sharpness(), x, {"factor": np.float32([3])}), x)
    y, factor = images(1, 5, 9, 9), {"factor": np.float32([3])}
    torch.testing.assert_close(change(Sharpness(), y, factor)[:, :1], change(Sharpness(), y[:, :1], factor))


def test_factor_is_uniform_and_none_is_below_zero():
    drawn = Sharpness(p=1, factor=(0.5, 3)).draw(chance(), 3, (1, 1))["factor"]
    assert same_distribution(drawn, np.random.default_rng(0).uniform(0.5, 3, DRAWS)) > 1e-3
    assert abs((Sharpness(p=0.3).draw(chance(), 3, (1, 1))["factor"] != 1).mean() - 0.3) < 0.02
    with pytest.raises(UserError, match="0 or more"):
        views.load({"image": {"count": 1, "size": [8, 8], "operations": [{"sharpness": {"factor": [-1, 1]}}]}}, 1)
