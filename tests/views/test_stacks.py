"""Stacks [C, Z, H, W]: slices share a draw; per_channel draws for each channel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.views.batches import ids, images, stored
from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.errors import UserError
from vesalius.views import innereye

STEPS = [{"affine": {"degrees": 20}}, "random_resized_crop", "gamma", {"elastic": {"p": 1.0}}, {"noise": {"p": 1.0, "grey": True}}]


def made(per_channel: bool = False, channels: int = 2):
    return views.load({"per_channel": per_channel, "global": {"count": 2, "size": 32, "operations": STEPS}}, channels)


def stacks(n: int, channels: int, slices: int) -> Pixels:
    flat = stored(images(n * slices, channels, 40, 44)).data[:, 0].view(n, slices, channels, 40, 44)
    sides = torch.tensor([slices, 40, 44]).expand(n, 1, 3)
    return Pixels(flat.transpose(1, 2)[:, None], sides, torch.full((n, 1), 1 / 255), torch.zeros(n, 1))


def test_each_slice_is_the_image_it_would_be_alone():
    """Slices share what is drawn for their stack's id."""
    pixels, room = stacks(3, 2, 4), made()
    draws = room.draw(0, 0, np.arange(3), ids(3), pixels.extents[:, 0].numpy())
    found = room.apply(pixels, draws)
    assert found.views["global"].shape == (2, 3, 2, 4, 32, 32)
    assert found.drawn["affine/global"].shape == (2, 3, 2, 3)
    assert len(found.ids) == 3
    for z in range(4):
        alone = Pixels(pixels.data[:, :, :, z], pixels.extents[..., 1:], pixels.scale, pixels.offset)
        flat = room.draw(0, 0, np.arange(3), ids(3), np.tile([40, 44], (3, 1)))
        want = room.apply(alone, flat).views["global"]
        assert (found.views["global"][:, :, :, z] - want).abs().max() < 1e-5


@pytest.mark.parametrize("slices", [None, 3])
def test_per_channel_draws_for_each_channel(slices):
    """Equal channels share one transform, or each has its own."""
    pixels = stacks(2, 1, slices or 1)
    data = pixels.data.expand(-1, -1, 3, -1, -1, -1)
    equal = Pixels(data if slices else data[:, :, :, 0], pixels.extents if slices else pixels.extents[..., 1:], pixels.scale, pixels.offset)
    for per_channel in (False, True):
        room = made(per_channel, 3)
        draws = room.draw(0, 0, np.arange(2), ids(2), equal.extents[:, 0].numpy())
        found = room.apply(equal, draws)
        view = found.views["global"]
        assert view.shape == (2, 2, 3, *([slices] if slices else []), 32, 32)
        apart = (view[:, :, 0] - view[:, :, 1]).abs().mean()
        assert (apart > 0.01) if per_channel else (apart < 1e-6)
        assert found.drawn["affine/global"].shape == (2, 2, 2, 3)
        assert views.load(room.config(), 3).per_channel is per_channel


def test_the_originals_name_in_its_files():
    tree = innereye.recipe({"augmentation": {"use_gamma_transform": True}, "use_different_transformation_per_channel": True})
    assert views.load(tree, 3).per_channel
    with pytest.raises(UserError, match="per_channel"):
        views.load({"per_channel": 3, "global": {"size": 8}}, 1)


def test_operations_defined_for_colour_are_checked_for_one_channel():
    steps = [{"colour_jitter": {"saturation": 0.5}}]
    assert views.load({"per_channel": True, "global": {"size": 8, "operations": steps}}, 5)
    with pytest.raises(UserError):
        views.load({"global": {"size": 8, "operations": steps}}, 5)
