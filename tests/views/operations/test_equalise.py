"""Equalised histograms against the slow way of numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from tests.views.batches import chance, change
from vesalius.errors import UserError
from vesalius.views.operation import Parameters
from vesalius.views.operations.equalise import Equalise, Equalise8Bit


def slowly(image: Tensor, bins: int) -> Tensor:
    """One image as CovidPrognosis does it, over 255."""
    values = image.numpy().ravel()
    density, edges = np.histogram(values, bins, density=True)
    cumulative = density.cumsum()
    return torch.from_numpy(np.interp(values, edges[:-1], cumulative / cumulative[-1])).reshape(image.shape).float()


def equalised(x: Tensor, bins: int = 256) -> Tensor:
    return Equalise(bins=bins).apply(x.clone(), Parameters.of({}, x.device))


@pytest.mark.parametrize("shape", [(3, 1, 40, 30), (2, 3, 24, 24), (2, 1, 9, 10, 11)], ids=["grey", "colour", "volume"])
@pytest.mark.parametrize("bins", [256, 16])
def test_it_is_the_slow_way(shape: tuple[int, ...], bins: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator) ** 3 * torch.linspace(0.4, 1, shape[0]).view(-1, *[1] * (len(shape) - 1)) + 0.01
    torch.testing.assert_close(equalised(x, bins), torch.stack([slowly(image, bins) for image in x]), atol=2e-5, rtol=0)


def test_bytes_and_one_value() -> None:
    x = torch.stack([torch.randint(3, 240, (1, 50, 50), generator=torch.Generator().manual_seed(1)) / 255, torch.full((1, 50, 50), 0.3)])
    torch.testing.assert_close(equalised(x), torch.stack([slowly(image, 256) for image in x]), atol=2e-5, rtol=0)


def test_a_grey_image_in_three_channels_is_equalised_as_in_one() -> None:
    x = torch.rand(2, 1, 30, 30)
    torch.testing.assert_close(equalised(x.expand(-1, 3, -1, -1))[:, :1], equalised(x))


def test_the_histogram_is_flat_and_images_do_not_mix() -> None:
    x = torch.rand(2, 1, 64, 64).sqrt() * 0.3
    out = equalised(x)
    assert torch.histc(x, 8, 0, 1).div(x.numel()).max() > 0.5
    assert torch.histc(out, 8, 0, 1).div(out.numel()).sub(1 / 8).abs().max() < 0.02
    assert torch.equal(equalised(x[1:]), out[1:])


def test_fewer_than_two_bins_are_refused() -> None:
    from vesalius import views

    with pytest.raises(UserError, match="bins"):
        views.load({"image": {"count": 1, "size": [8, 8], "operations": [{"equalise": {"bins": 1}}]}}, 1)


def test_eight_bits_equal_torchvision_and_pillow() -> None:
    from PIL import Image, ImageOps

    x = torch.randint(20, 180, (4, 3, 40, 50), generator=torch.Generator().manual_seed(2)) / 255
    x[1], x[2, 0] = (x[1] ** 2 * 255).round() / 255, 0.4
    ours = change(Equalise8Bit(), x, {"on": [True, True, True, False]})
    assert (ours[:3] - F.equalize(x[:3])).abs().max() < 1e-6
    assert torch.equal(ours[3], x[3])
    assert torch.equal(ours[2, 0], x[2, 0])
    assert not torch.equal(ours[2, 1], x[2, 1])
    for i in (0, 1):
        theirs = ImageOps.equalize(Image.fromarray((x[i] * 255).round().byte().permute(1, 2, 0).numpy()))
        assert np.array_equal((ours[i] * 255).round().byte().permute(1, 2, 0).numpy(), np.asarray(theirs))


def test_eight_bits_of_volumes_and_probability() -> None:
    x = torch.rand(1, 2, 8, 9, 10)
    flat = change(Equalise8Bit(), x.flatten(3), {"on": [True]})
    assert torch.equal(change(Equalise8Bit(), x, {"on": [True]}).flatten(3), flat)
    assert abs(Equalise8Bit(p=0.2).draw(chance(), 3, (1, 1))["on"].mean() - 0.2) < 0.02
