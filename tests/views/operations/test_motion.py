from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.views.batches import chance, change, images
from vesalius.views.operations.motion import Motion


def test_a_bar_comes_again_along_the_axis_alone():
    x = torch.zeros(2, 1, 60, 60)
    x[:, :, 28:32, 28:32] = 1
    ours = change(Motion(), x, {"strength": np.float32([0.8, 0.8]), "axis": np.int64([0, 1]), "ghosts": np.int64([4, 4])})
    torch.testing.assert_close(ours[0], ours[1].mT)
    assert torch.equal(ours[0, 0, :, :28], torch.zeros(60, 28)) or ours[0, 0, :, :28].abs().max() < 1e-6
    rows = ours[0, 0, :, 30]
    beside = [12, 14, 16, 43, 45, 47]
    assert rows[beside].max() > 0.02, "a quarter of the side away"


@pytest.mark.parametrize("size", [(20, 17), (12, 11, 10)])
def test_more_strength_changes_more_and_none_changes_nothing(size: tuple[int, ...]):
    x = images(4, 1, 20, 17) if len(size) == 2 else torch.rand(4, 1, *size, generator=torch.Generator().manual_seed(0))
    apart = []
    for strength in (0.0, 0.3, 0.6, 0.9):
        operation = Motion(p=1, strength=(strength, strength))
        apart.append(float((change(operation, x, operation.draw(chance(4), 1, size)) - x).abs().mean()))
    assert apart[0] == 0
    assert apart == sorted(apart)
    assert apart[1] > 1e-3


def test_the_mean_stays():
    x = 0.3 + 0.4 * images(4, 1, 32, 32)
    operation = Motion(p=1, strength=(0.5, 0.5))
    ours = change(operation, x, operation.draw(chance(4), 1, (32, 32)))
    torch.testing.assert_close(ours.mean((1, 2, 3)), x.mean((1, 2, 3)), atol=5e-3, rtol=0)


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        Motion(strength=(0.5, 1.5))
    with pytest.raises(ValueError, match="from 2"):
        Motion(ghosts=(1, 3))
