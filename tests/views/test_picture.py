from __future__ import annotations

import numpy as np
import pytest

from tests.views.batches import ids, images, stored
from vesalius import views
from vesalius.views.picture import GAP, grid

RECIPE = {
    "global": {"count": 2, "size": 24, "operations": ["random_resized_crop", {"normalise": {"mean": 0.5, "std": 0.1}}]},
    "local": {"count": 3, "size": 12, "operations": ["random_resized_crop"]},
}


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_original_first_then_every_view(channels):
    pixels = stored(images(4, channels, 30, 20))
    made = views.load(RECIPE, channels)
    draws = made.draw(0, 0, np.arange(4), ids(4), pixels.extents[:, 0].numpy())
    sheet = grid(made, pixels, draws)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (4 * (24 + GAP) - GAP, 6 * (24 + GAP) - GAP, 3)
    # The original is as high as the tile and white beside; the small views are framed in white.
    assert (sheet[:24, :4] == 255).all()
    assert (sheet[:24, 5:19] != 255).any()
    small = sheet[:24, 3 * (24 + GAP) :][:, :24]
    assert (small[:6] == 255).all()
    assert (small[6:18, 6:18] < 255).any()


def test_views_are_shown_without_normalisation():
    pixels = stored(images(1, 3, 24, 24) * 0 + 0.4)
    made = views.load(RECIPE, 3)
    draws = made.draw(0, 0, np.arange(1), ids(1), pixels.extents[:, 0].numpy())
    assert (grid(made, pixels, draws)[:24, 24 + GAP : 48 + GAP] == 102).all()


def test_hidden_patches_are_greyed():
    pixels = stored(images(2, 3, 24, 24) * 0 + 1.0)
    recipe = {"global": {"count": 2, "size": 24, "operations": ["resize", {"token_mask": {"patch": [8, 6]}}]}}
    made = views.load(recipe, 3)
    draws = made.draw(0, 0, np.arange(2), ids(2), pixels.extents[:, 0].numpy())
    sheet = grid(made, pixels, draws)
    hide = draws.values["global/1-token_mask/hide"]
    for row in range(2):
        for view in range(2):
            tile = sheet[row * (24 + GAP) :][:24, (view + 1) * (24 + GAP) :][:, :24, 0]
            seen = tile.reshape(3, 8, 4, 6).transpose(0, 2, 1, 3).reshape(12, 48)
            assert (seen[~hide[view, row]] == 255).all()
            assert (seen[hide[view, row]] < 160).all()
    assert hide.sum() == 2 * 2 * 9
