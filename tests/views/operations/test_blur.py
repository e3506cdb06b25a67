from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from tests.views.batches import DRAWS, chance, change, images, same_distribution
from vesalius.views.operations.blur import GaussianBlur

LEVEL = 1 / 255


@pytest.mark.parametrize(("side", "kernel"), [(32, 3), (32, 13), (28, 5), (96, 9), (70, 23), (224, 23), (224, 3)])
@pytest.mark.parametrize("sigma", [0.1, 0.7, 1.3, 2.0])
def test_equals_torchvision(side, kernel, sigma):
    x = images(2, 3, side, side)
    ours = change(GaussianBlur(kernel=kernel), x, {"sigma": np.full(2, sigma, np.float32)})
    assert (ours - F.gaussian_blur(x, [kernel] * 2, [sigma] * 2)).abs().max() < LEVEL


@pytest.mark.parametrize(("height", "width"), [(40, 90), (90, 40), (100, 77), (129, 200), (65, 66)])
@pytest.mark.parametrize("channels", [1, 5])
def test_any_shape(height, width, channels):
    x = images(2, channels, height, width)
    sigma = np.array([0.5, 1.9], np.float32)
    ours = change(GaussianBlur(sigma=(0.1, 2)), x, {"sigma": sigma})
    for i in range(2):
        assert (ours[i] - F.gaussian_blur(x[i], [15, 15], [float(sigma[i])] * 2)).abs().max() < LEVEL


def test_wide_kernels_of_large_images():
    x = images(1, 3, 150, 140)
    ours = change(GaussianBlur(sigma=(1, 8)), x, {"sigma": np.array([8.0], np.float32)})
    assert (ours - F.gaussian_blur(x, [57, 57], [8.0, 8.0])).abs().max() < LEVEL


def test_only_drawn_images_change():
    x = images(3, 3, 32, 32)
    ours = change(GaussianBlur(), x, {"sigma": np.array([0, 1.0, 0], np.float32)})
    assert torch.equal(ours[[0, 2]], x[[0, 2]])
    assert (ours[1] - x[1]).abs().max() > 0.01


def test_constant_images_stay():
    x = torch.full((1, 3, 100, 100), 0.3)
    assert torch.allclose(change(GaussianBlur(), x, {"sigma": np.array([1.5], np.float32)}), x, atol=1e-6)


def test_sigma_is_drawn_as_torchvision_draws_it():
    drawn = GaussianBlur(sigma=(0.1, 2.0), p=1).draw(chance(), 3, (32, 32))["sigma"]
    peer = v2.GaussianBlur(23, (0.1, 2.0))
    torch.manual_seed(0)
    assert same_distribution(drawn, np.array([peer.make_params([])["sigma"][0] for _ in range(DRAWS)])) > 1e-3
    assert abs((GaussianBlur(p=0.5).draw(chance(), 3, (32, 32))["sigma"] > 0).mean() - 0.5) < 0.02


def test_simclrs_share_of_the_side():
    assert GaussianBlur(kernel=0.1).radius(224) == 11
    assert GaussianBlur(kernel=3).radius(32) == 1
    assert GaussianBlur(sigma=(0.1, 2)).radius(224) == 6
