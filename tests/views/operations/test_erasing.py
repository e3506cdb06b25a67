from __future__ import annotations

import numpy as np
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from tests.views.batches import DRAWS, chance, change, images, same_distribution
from vesalius.views.operations.erasing import Erasing


def test_equals_torchvision():
    x = images(3, 5, 20, 24)
    boxes = np.array([[2, 3, 7, 9], [0, 0, 0, 0], [19, 23, 1, 1]])
    ours = change(Erasing(value=0.25), x, {"box": boxes})
    for i, (top, left, height, width) in enumerate(boxes):
        want = F.erase(x[i], top, left, height, width, torch.full((5, 1, 1), 0.25)) if height else x[i]
        assert torch.equal(ours[i], want)


def test_boxes_are_drawn_as_torchvision_draws_them():
    ours = Erasing(p=1, scale=(0.02, 0.33), ratio=(0.3, 3.3)).draw(chance(), 3, (64, 48))["box"]
    torch.manual_seed(0)
    peer = v2.RandomErasing(p=1, scale=(0.02, 0.33), ratio=(0.3, 3.3))
    drawn = [peer.make_params([torch.empty(3, 64, 48)]) for _ in range(DRAWS)]
    drawn = [d for d in drawn if d["v"] is not None]
    for column, name in enumerate(("i", "j", "h", "w")):
        assert same_distribution(ours[:, column], np.array([d[name] for d in drawn])) > 1e-3, name


def test_boxes_lie_inside_and_are_occasional():
    box = Erasing(p=0.4).draw(chance(), 3, (32, 20))["box"]
    assert (box[:, 0] + box[:, 2] <= 32).all()
    assert (box[:, 1] + box[:, 3] <= 20).all()
    assert abs((box[:, 2] > 0).mean() - 0.4) < 0.02
