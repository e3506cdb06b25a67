"""Brightness, contrast, gamma, blur and noise of volumes: MONAI's and SciPy's numbers, their own ranges kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from tests.views.batches import CPU, chance
from vesalius.views.operation import Parameters, Pixelwise
from vesalius.views.operations.blur import GaussianBlur
from vesalius.views.operations.gamma import Gamma
from vesalius.views.operations.intensity import Contrast, ScaleIntensity, ShiftIntensity
from vesalius.views.operations.noise import Noise

SIZE = (14, 10, 12)


def volumes(n: int = 4, channels: int = 2) -> torch.Tensor:
    """Standardised values: below 0 too."""
    return torch.randn(n, channels, *SIZE, generator=torch.Generator().manual_seed(0))


def changed(operation: Pixelwise, x: torch.Tensor, **values: object) -> torch.Tensor:
    arrays = {name: np.asarray(value, np.float32) for name, value in values.items()}
    return operation.change(x.clone(), Parameters.of(operation.prepare(arrays, x.shape[1]), CPU, 3))


def test_values_are_shifted_and_scaled() -> None:
    x, numbers = volumes(), [0.05, 0.0, -0.1, 0.02]
    shifted = changed(ShiftIntensity(), x, number=numbers)
    assert (shifted - (x + torch.tensor(numbers).view(-1, 1, 1, 1, 1))).abs().max() < 1e-6
    factors = [0.9, 1.0, 1.1, 1.05]
    scaled = changed(ScaleIntensity(), x, number=factors)
    assert (scaled - x * torch.tensor(factors).view(-1, 1, 1, 1, 1)).abs().max() < 1e-6


def test_shifts_are_drawn_as_monais() -> None:
    from monai.transforms import RandShiftIntensity

    drawn = ShiftIntensity(offset=0.1, p=0.5).draw(chance(), 1, SIZE)["number"]
    peer, theirs = RandShiftIntensity(offsets=0.1, prob=0.5).set_random_state(0), []
    for _ in range(4000):
        peer.randomize()
        theirs.append(peer._offset if peer._do_transform else 0.0)
    assert abs((drawn != 0).mean() - np.mean(np.array(theirs) != 0)) < 0.03
    assert stats.ks_2samp(drawn[drawn != 0], [v for v in theirs if v]).pvalue > 1e-3
    assert stats.kstest((ScaleIntensity(factor=0.1, p=1.0).draw(chance(), 1, SIZE)["number"] - 0.9) / 0.2, "uniform").pvalue > 1e-3


def test_contrast_keeps_the_mean_and_the_range_of_each_channel() -> None:
    x = volumes()
    out = changed(Contrast(), x, number=[0.5, 1.0, 2.0, 1.3])
    for i, factor in enumerate((0.5, 1.0, 2.0, 1.3)):
        for channel in range(2):
            one = x[i, channel]
            want = ((one - one.mean()) * factor + one.mean()).clamp(one.min(), one.max())
            assert (out[i, channel] - want).abs().max() < 1e-5


def test_gamma_in_the_range_of_the_image_itself() -> None:
    x = volumes()
    out = changed(Gamma(range="own"), x, gamma=[0.7, 1.0, 1.5, 1.2])
    for i, power in enumerate((0.7, 1.0, 1.5, 1.2)):
        low, high = x[i].min(), x[i].max()
        want = ((x[i] - low) / (high - low)) ** power * (high - low) + low
        assert (out[i] - want).abs().max() < 1e-4
    flat = changed(Gamma(range="own"), torch.full((1, 1, *SIZE), 3.0), gamma=[1.4])
    assert (flat == 3).all()


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_blur_along_three_axes_is_scipys(sigma: float) -> None:
    x = volumes()
    out = changed(GaussianBlur(), x, sigma=[sigma, 0.0, sigma / 2, sigma])
    for i, one in enumerate((sigma, 0.0, sigma / 2, sigma)):
        for channel in range(2):
            want = ndimage.gaussian_filter(x[i, channel].double().numpy(), one, mode="mirror", truncate=6) if one else x[i, channel].numpy()
            np.testing.assert_allclose(out[i, channel].numpy(), want, atol=5e-3)


def test_noise_keeps_to_the_range_of_the_volume_itself() -> None:
    x, noise = volumes(), Noise(std=0.5, clamp="own", p=1.0)
    values = noise.draw(chance(4), 2, SIZE)
    out = noise.change(x.clone(), Parameters.of(values, CPU, 3))
    assert (out.flatten(1).amin(1) >= x.flatten(1).amin(1)).all()
    assert (out.flatten(1).amax(1) <= x.flatten(1).amax(1)).all()
    assert abs(float((out - x).std()) - 0.5) < 0.05
