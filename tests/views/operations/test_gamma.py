from __future__ import annotations

import numpy as np
import torch
from torchvision.transforms.v2 import functional as F

from tests.views.batches import DRAWS, chance, change, images, same_distribution
from vesalius.views.operations.gamma import Gamma


def test_equals_torchvision():
    x = images(3, 3, 9, 8)
    x[0, :, 0] = 0
    ours = change(Gamma(), x, {"gamma": np.float32([0.5, 1.0, 1.5])})
    assert (ours[0] - F.adjust_gamma(x[0], 0.5)).abs().max() < 1e-6
    assert torch.equal(ours[1], x[1])
    assert (ours[2] - F.adjust_gamma(x[2], 1.5)).abs().max() < 1e-6


def test_values_below_zero_give_numbers():
    assert change(Gamma(), torch.full((1, 4, 3, 3), -0.1), {"gamma": np.float32([0.5])}).isfinite().all()


def test_exponent_is_uniform():
    drawn = Gamma(scale=(0.5, 1.5), p=1).draw(chance(), 3, (1, 1))["gamma"]
    assert same_distribution(drawn, np.random.default_rng(0).uniform(0.5, 1.5, DRAWS)) > 1e-3
    assert abs((Gamma(p=0.3).draw(chance(), 3, (1, 1))["gamma"] != 1).mean() - 0.3) < 0.02
