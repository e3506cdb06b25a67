from __future__ import annotations

import torch
from torchvision.transforms.v2 import functional as F

from tests.views.batches import chance, change, images
from vesalius.views.operations.solarise import Solarise


def test_equals_torchvision():
    x = images(3, 5, 9, 8)
    ours = change(Solarise(threshold=0.4), x, {"on": [True, False, True]})
    for i in (0, 2):
        for channel in range(5):
            assert torch.equal(ours[i, channel], F.solarize(x[i, channel : channel + 1], 0.4)[0])
    assert torch.equal(ours[1], x[1])


def test_probability_and_views():
    assert abs(Solarise(p=0.2).draw(chance(), 3, (1, 1))["on"].mean() - 0.2) < 0.02
    assert not Solarise(p=1.0, views=(1,)).draw(chance(view=0), 3, (1, 1))["on"].any()
