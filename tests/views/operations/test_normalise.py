from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2 import functional as F

from tests.views.batches import change, images
from vesalius.errors import UserError
from vesalius.views.operations.normalise import Normalise


def test_equals_torchvision():
    x, mean, std = images(2, 3, 5, 6), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    ours = change(Normalise(mean=mean, std=std), x, {})
    assert (ours - F.normalize(x, mean, std)).abs().max() < 1e-5


def test_one_number_serves_all_channels():
    x = images(2, 5, 5, 6)
    assert torch.allclose(
        change(Normalise.model_validate({"mean": 0.5, "std": 0.25}), x, {}), (x - 0.5) / 0.25, atol=1e-6
    )


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(UserError, match=r"3 means.*5 channels"):
        Normalise(mean=(0.1,) * 3, std=(1.0,) * 3).check(5)
