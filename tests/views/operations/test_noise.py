from __future__ import annotations

import numpy as np
import torch
from scipy import stats
from torchvision.transforms import v2

from tests.views.batches import DRAWS, chance, change, same_distribution
from vesalius.views import bank
from vesalius.views.operations.noise import Noise


def test_noise_is_normal_with_the_drawn_deviation():
    x = torch.full((3, 3, 60, 60), 0.5)
    ours = change(Noise(), x, {"std": np.float32([0.05, 0, 0.1]), "offset": [5, 6, 1_500_000]})
    assert torch.equal(ours[1], x[1])
    assert stats.kstest(((ours[0] - 0.5) / 0.05).numpy().ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(((ours[2] - 0.5) / 0.1).numpy().ravel(), "norm").pvalue > 1e-3
    torch.manual_seed(0)
    peer = v2.functional.gaussian_noise(x[0], sigma=0.05)
    assert same_distribution(ours[0].numpy(), peer.numpy()) > 1e-3


def test_slices_of_two_images_are_unlike():
    x = torch.full((2, 1, 80, 80), 0.5)
    drawn = Noise(p=1).draw(chance(2), 1, (80, 80))
    a, b = change(Noise(), x, drawn)
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.05


def test_result_is_clamped_and_offsets_fit_the_bank():
    drawn = Noise(std=(0.1, 0.5), p=1).draw(chance(), 5, (600, 600))
    assert drawn["offset"].min() >= 0
    last = Noise(std=0.5)
    values = {"std": np.float32([0.5]), "offset": drawn["offset"].max(keepdims=True)}
    out = change(last, torch.rand(1, 5, 600, 600), values)
    assert out.min() >= 0
    assert out.max() <= 1


def test_deviation_is_uniform_and_occasional():
    drawn = Noise(std=(0.01, 0.1), p=1).draw(chance(), 1, (2, 2))["std"]
    assert same_distribution(drawn, np.random.default_rng(0).uniform(0.01, 0.1, DRAWS)) > 1e-3
    assert abs((Noise(p=0.3).draw(chance(), 1, (2, 2))["std"] > 0).mean() - 0.3) < 0.02


def test_one_field_for_all_channels_within_the_images_own_range():
    x = torch.rand(2, 3, 20, 20) * 0.4 + 0.3
    own = Noise(p=1, std=0.3, grey=True, clamp="own")
    drawn = own.draw(chance(2), 3, (20, 20))
    out = change(own, x, drawn)
    fields = bank.slices(torch.from_numpy(drawn["offset"]), 400).view(2, 1, 20, 20)
    for i in range(2):
        want = (x[i] + 0.3 * fields[i]).clamp(x[i].min(), x[i].max())
        assert (out[i] - want).abs().max() < 1e-6
    assert out.max() <= x.max()
