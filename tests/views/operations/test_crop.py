from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from tests.views.batches import DRAWS, chance, images, run, same_distribution, stored
from vesalius import views
from vesalius.views.operations.crop import RandomCrop, RandomResizedCrop


@pytest.mark.parametrize(("height", "width"), [(32, 32), (300, 200), (500, 60)])
def test_boxes_are_drawn_as_torchvision_draws_them(height, width):
    crop = RandomResizedCrop(scale=(0.08, 1.0))
    ours = crop.draw(chance(), np.tile([[height, width]], (DRAWS, 1)).astype(float), (32, 32))["box"]
    peer = v2.RandomResizedCrop(32, scale=(0.08, 1.0))
    image = torch.empty(3, height, width)
    torch.manual_seed(1)
    drawn = [peer.make_params([image]) for _ in range(DRAWS)]
    for column, name in enumerate(("top", "left", "height", "width")):
        assert same_distribution(ours[:, column], np.array([d[name] for d in drawn])) > 1e-3, name


@given(
    sides=st.lists(st.tuples(st.integers(1, 700), st.integers(1, 700)), min_size=1, max_size=20),
    low=st.floats(0.01, 1.0),
    seed=st.integers(0, 1000),
)
@settings(max_examples=50, deadline=None)
def test_boxes_lie_inside_the_image(sides, low, seed):
    canvas = np.array(sides, float)
    box = RandomResizedCrop(scale=(low, 1.0)).draw(chance(len(sides), seed=seed), canvas, (32, 32))["box"]
    assert (box[:, :2] >= 0).all()
    assert (box[:, 2:] >= 1).all()
    assert (box[:, :2] + box[:, 2:] <= canvas).all()
    assert (box == np.rint(box)).all()


def test_long_images_get_the_largest_central_box():
    crop = RandomResizedCrop(scale=(1.0, 1.0), ratio=(1.0, 1.0))
    assert crop.draw(chance(1), np.array([[10.0, 101.0]]), (8, 8))["box"].tolist() == [[0, 45, 10, 10]]


@pytest.mark.parametrize("padding", [0, 4])
def test_random_crop_is_drawn_as_torchvision_draws_it(padding):
    ours = RandomCrop(padding=padding).draw(chance(), np.tile([[40.0, 36.0]], (DRAWS, 1)), (32, 32))["corner"]
    torch.manual_seed(2)
    peer = v2.RandomCrop(32, padding=padding or None)
    drawn = [peer.make_params([torch.empty(3, 40, 36)]) for _ in range(DRAWS)]
    for column, name in enumerate(("top", "left")):
        assert same_distribution(ours[:, column] + padding, np.array([d[name] for d in drawn])) > 1e-3


def group(*operations, size=32):
    return {"image": {"count": 1, "size": size, "operations": list(operations)}}


@pytest.mark.parametrize("size", [32, 64])
def test_padded_crop_is_cut_exactly_with_black_around(size):
    x = images(20, 3, size, size)
    made = views.load(group({"random_crop": {"padding": 4}}, size=size), 3)
    pixels = stored(x)
    keys = np.arange(20, dtype=np.uint64)
    draws = made.draw(0, 0, np.arange(20), keys, pixels.extents[:, 0].numpy())
    got = made.apply(pixels, draws).views["image"][0]
    padded = F.pad(pixels.data[:, 0] / 255, [4] * 4)
    corners = draws.values["image/0-random_crop/corner"][0].astype(int) + 4
    want = torch.stack([p[:, t : t + size, s : s + size] for p, (t, s) in zip(padded, corners)])
    assert (got - want).abs().max() < 1e-6


@pytest.mark.parametrize(("height", "width"), [(50, 41), (32, 33), (20, 40)])
def test_centre_crop_equals_torchvision(height, width):
    pixels = stored(images(2, 3, height, width))
    got = run(views.load(group("centre_crop"), 3), pixels).views["image"][0]
    assert (got - F.center_crop(pixels.data[:, 0] / 255, [32, 32])).abs().max() < 1e-6
