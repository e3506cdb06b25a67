from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from tests.views.batches import DRAWS, chance, change, images, same_distribution
from vesalius.errors import UserError
from vesalius.views.operations.colour import ColourJitter, Greyscale, shift_hue

ADJUST = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
PEER_JITTER = v2.ColorJitter(0.8, 0.8, 0.8, 0.2)


def values(b, c, s, h, order) -> dict[str, np.ndarray]:
    n = len(order)
    full = [np.broadcast_to(np.asarray(v, np.float32), n) for v in (b, c, s, h)]
    return dict(zip(("brightness", "contrast", "saturation", "hue"), full)) | {"order": np.asarray(order, np.int8)}


def peer(x: torch.Tensor, factors: list[float], order) -> torch.Tensor:
    for which in order:
        x = ADJUST[which](x, factors[which])
    return x


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_equals_torchvision_in_any_order_where_nothing_clips(order):
    x = images(3, 3, 12, 10) * 0.3 + 0.3
    factors = [1.1, 0.8, 0.7, 0.17]
    ours = change(ColourJitter(), x, values(*factors, [order] * 3))
    assert (ours - peer(x, factors, order)).abs().max() < 1e-5


@pytest.mark.parametrize("hue", [-0.5, -0.2, -0.013, 0.05, 1 / 6, 0.33, 0.5])
def test_hue_is_torchvisions(hue):
    g = torch.Generator().manual_seed(0)
    x = torch.rand(4, 3, 20, 20, generator=g)
    x[0, :, :5] = x[0, :1, :5]  # grey pixels
    x[1, 1:] = 0  # saturated ones
    assert (shift_hue(x.clone(), torch.full((4, 1, 1, 1), hue)) - F.adjust_hue(x, hue)).abs().max() < 2e-5


def test_difference_where_values_clip_is_small():
    x = images(200, 3, 24, 24)
    drawn = ColourJitter(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2).draw(chance(200), 3, (24, 24))
    ours = change(ColourJitter(), x, drawn)
    names = ("brightness", "contrast", "saturation", "hue")
    theirs = torch.stack([peer(x[i], [float(drawn[k][i]) for k in names], drawn["order"][i]) for i in range(200)])
    assert (ours - theirs).abs().mean() < 0.02
    assert (theirs - x).abs().mean() > 0.1
    assert ours.min() >= 0
    assert ours.max() <= 1


@pytest.mark.parametrize(("name", "index"), [("brightness", 0), ("contrast", 1), ("saturation", 2), ("hue", 3)])
def test_factors_are_drawn_as_torchvision_draws_them(name, index):
    ours = ColourJitter(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, p=1).draw(chance(), 3, (1, 1))
    torch.manual_seed(3)
    peers = [PEER_JITTER.make_params([])[f"{name}_factor"] for _ in range(DRAWS)]
    assert same_distribution(ours[name], np.array(peers)) > 1e-3


def test_orders_are_equally_likely():
    order = ColourJitter(hue=0.1, p=1).draw(chance(), 3, (1, 1))["order"]
    assert (np.sort(order, axis=1) == np.arange(4)).all()
    _, counts = np.unique(order, axis=0, return_counts=True)
    assert len(counts) == 24
    assert abs(counts / DRAWS - 1 / 24).max() < 0.008


def test_probability_and_views():
    jitter = ColourJitter(brightness=0.4, p=0.3, views=(1,))
    assert (jitter.draw(chance(view=0), 3, (1, 1))["brightness"] == 1).all()
    changed = (jitter.draw(chance(view=1), 3, (1, 1))["brightness"] != 1).mean()
    assert abs(changed - 0.3) < 0.02


def test_images_that_drew_nothing_stay_bit_for_bit():
    x = images(4, 3, 8, 8)
    drawn = values([1, 1.5, 1, 1], 1, 1, [0, 0, 0, 0.1], [[0, 1, 2, 3]] * 4)
    ours = change(ColourJitter(), x, drawn)
    assert torch.equal(ours[[0, 2]], x[[0, 2]])
    assert not torch.equal(ours[1], x[1])
    assert not torch.equal(ours[3], x[3])


def test_one_channel_has_brightness_and_contrast_only():
    x = images(2, 1, 9, 9) * 0.3 + 0.3
    drawn = values(1.2, 0.7, 0.2, 0.3, [[3, 1, 0, 2], [0, 1, 2, 3]])
    ours = change(ColourJitter(), x, drawn)
    first = F.adjust_brightness(F.adjust_contrast(x[0], 0.7), 1.2)
    second = F.adjust_contrast(F.adjust_brightness(x[1], 1.2), 0.7)
    assert (ours - torch.stack([first, second])).abs().max() < 1e-5


def test_five_channels_keep_the_mean_under_contrast():
    x = images(2, 5, 9, 9) * 0.3 + 0.3
    ours = change(ColourJitter(), x, values(1, 0.5, 1, 0, [[0, 1, 2, 3]] * 2))
    assert torch.allclose(ours.mean((1, 2, 3)), x.mean((1, 2, 3)), atol=1e-5)
    assert torch.allclose(ours.std((1, 2, 3)), x.std((1, 2, 3)) / 2, atol=1e-5)


def test_colours_of_five_channels_are_refused_by_name():
    ColourJitter(brightness=0.2, contrast=0.2).check(5)
    with pytest.raises(UserError, match=r"saturation or hue.*5"):
        ColourJitter(hue=0.1).check(5)
    with pytest.raises(UserError, match=r"greyscale.*5"):
        Greyscale().check(5)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_images_give_numbers(level):
    ours = change(
        ColourJitter(), torch.full((2, 3, 6, 6), level), values(1.5, 0.2, 1.8, 0.2, [[3, 2, 1, 0], [1, 2, 0, 3]])
    )
    assert ours.isfinite().all()


def test_greyscale_equals_torchvision():
    x = images(3, 3, 7, 7)
    ours = change(Greyscale(), x, {"on": [True, False, True]})
    assert torch.equal(ours[1], x[1])
    assert (ours[[0, 2]] - F.rgb_to_grayscale(x[[0, 2]], 3)).abs().max() < 1e-6
    assert torch.equal(change(Greyscale(), x[:, :1], {"on": [True] * 3}), x[:, :1])
    assert abs(Greyscale(p=0.2).draw(chance(), 3, (1, 1))["on"].mean() - 0.2) < 0.02
