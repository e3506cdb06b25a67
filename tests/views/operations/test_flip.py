from __future__ import annotations

import numpy as np
import pytest

from tests.views.batches import chance, images, stored
from vesalius import views
from vesalius.views.operations.flip import HorizontalFlip


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(("name", "axis"), [("horizontal_flip", 3), ("vertical_flip", 2)])
def test_mirrored_flips_are_exact(size, name, axis):
    pixels = stored(images(16, 3, size, size))
    made = views.load({"image": {"count": 1, "size": size, "operations": [name]}}, 3)
    draws = made.draw(0, 0, np.arange(16), np.arange(16, dtype=np.uint64), pixels.extents[:, 0].numpy())
    on = draws.values[f"image/0-{name}/on"][0]
    got = made.apply(pixels, draws).views["image"][0]
    plain = pixels.data[:, 0] / 255
    assert on.any()
    assert not on.all()
    assert (got[on] - plain[on].flip(axis)).abs().max() < 1e-6
    assert (got[~on] - plain[~on]).abs().max() < 1e-6


@pytest.mark.parametrize("size", [24, 64])
def test_a_flipped_crop_is_the_crop_flipped(size):
    pixels = stored(images(8, 3, 90, 70))
    recipe = {
        "image": {"count": 1, "size": size, "operations": ["random_resized_crop", {"horizontal_flip": {"p": 1.0}}]}
    }
    made = views.load(recipe, 3)
    draws = made.draw(0, 0, np.arange(8), np.arange(8, dtype=np.uint64), pixels.extents[:, 0].numpy())
    flipped = made.apply(pixels, draws).views["image"]
    draws.values["image/1-horizontal_flip/on"][:] = False
    plain = made.apply(pixels, draws).views["image"]
    assert (flipped - plain.flip(-1)).abs().max() < 1e-5


def test_probability():
    assert abs(HorizontalFlip(p=0.3).draw(chance(), np.ones((10000, 2)), (1, 1))["on"].mean() - 0.3) < 0.02
