from __future__ import annotations

import torch
from torchvision.transforms.v2 import functional as F

from tests.views.batches import chance, change, images
from vesalius.views.operations.invert import Invert


def test_equals_torchvision():
    x = images(3, 3, 9, 8)
    ours = change(Invert(), x, {"on": [True, False, True]})
    for i in (0, 2):
        assert torch.equal(ours[i], F.invert(x[i]))
    assert torch.equal(ours[1], x[1])


def test_volumes_and_probability():
    x = torch.rand(2, 1, 4, 5, 6)
    assert torch.equal(change(Invert(), x, {"on": [True, True]}), 1 - x)
    assert abs(Invert(p=0.2).draw(chance(), 3, (1, 1))["on"].mean() - 0.2) < 0.02
