from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from tests.views.batches import chance, change, images
from vesalius import views
from vesalius.errors import UserError
from vesalius.views.operations.posterise import Posterise


def test_equals_torchvision_on_floats():
    x = images(8, 3, 40, 40)
    x[:, :, 0], x[:, :, 1] = 1, 0
    ours = change(Posterise(), x, {"bits": np.arange(1, 9)})
    for i in range(7):
        assert (ours[i] - F.posterize(x[i], i + 1)).abs().max() < 1e-6
    assert torch.equal(ours[7], x[7])


def test_levels_are_those_of_8_bit_images():
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    for bits in range(1, 8):
        ours = change(Posterise(), every / 255, {"bits": [bits]})
        assert torch.equal((ours * 256).round().byte(), F.posterize(every, bits))


def test_bits_are_drawn_alike_and_some_are_refused():
    drawn = Posterise(p=1, bits=(3, 5)).draw(chance(), 3, (1, 1))["bits"]
    assert np.abs(np.bincount(drawn) / len(drawn) - [0, 0, 0, 1 / 3, 1 / 3, 1 / 3]).max() < 0.02
    assert (Posterise(p=0).draw(chance(), 3, (1, 1))["bits"] == 8).all()
    with pytest.raises(UserError, match="from 1 to 8"):
        views.load({"image": {"count": 1, "size": [8, 8], "operations": [{"posterise": {"bits": [0, 4]}}]}}, 1)
