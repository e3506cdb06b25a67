from __future__ import annotations

import torch

from vesalius.evaluate.occluded.scaling import over_pixels


def test_the_largest_place_is_one_and_nothing_stays_nothing() -> None:
    maps = torch.zeros(2, 3, 4)
    maps[0, 1, 2] = 0.2
    found = over_pixels(maps, (30, 40))
    assert found.shape == (2, 30, 40)
    assert float(found[0].max()) == 1
    assert not found[1].any()
    row, column = divmod(int(found[0].argmax()), 40)
    assert 10 <= row < 20
    assert 20 <= column < 30
