from __future__ import annotations

import numpy as np
import torch
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from tests.views.batches import chance, change, images, same_distribution
from vesalius.views import bank
from vesalius.views.operations.elastic import Elastic


def field(offset: int, alpha: float, sigma: float, height: int, width: int) -> torch.Tensor:
    """The displacement as torchvision wants it, smoothed by torchvision."""
    noise = bank.slices("uniform", torch.tensor([offset]), 2 * height * width).view(1, 2, height, width)
    radius = int(np.ceil(3.2 * sigma - 0.5))
    smooth = F.gaussian_blur(noise, [2 * radius + 1] * 2, [sigma] * 2) * alpha
    return smooth.permute(0, 2, 3, 1) * torch.tensor([2 / width, 2 / height])


def test_equals_torchvision_with_the_same_field():
    x = images(2, 3, 48, 56)
    ours = change(Elastic(alpha=30, sigma=4), x, {"alpha": np.float32([30, 0]), "offset": [123, 5]})
    want = F.elastic(x[:1], field(123, 30, 4, 48, 56), interpolation=InterpolationMode.BILINEAR)
    assert (ours[0] - want[0]).abs().max() < 1 / 255
    assert (ours[0] - x[0]).abs().max() > 0.01
    assert torch.equal(ours[1], x[1])


def test_displacements_are_as_large_as_torchvisions():
    torch.manual_seed(0)
    peer = v2.ElasticTransform(alpha=60.0, sigma=5.0)
    theirs = [peer.make_params([torch.empty(3, 64, 64)])["displacement"] * 32 for _ in range(20)]
    offsets = Elastic(p=1).draw(chance(20), 3, (64, 64))["offset"]
    ours = [field(int(o), 30, 5, 64, 64) * 32 for o in offsets]
    # Neighbouring displacements go together, so only one in fifteen is looked at.
    sample = [np.concatenate([f[0, 8:-8:15, 8:-8:15].numpy().ravel() for f in fields]) for fields in (ours, theirs)]
    assert same_distribution(*sample) > 1e-3


def test_probability():
    assert abs((Elastic(p=0.4).draw(chance(), 3, (8, 8))["alpha"] > 0).mean() - 0.4) < 0.02
