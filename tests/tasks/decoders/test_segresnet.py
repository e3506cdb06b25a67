from __future__ import annotations

import torch

from vesalius.encoders.encoder import Card
from vesalius.tasks.decoders import segresnet


def test_the_finest_map_decides_the_size_and_every_map_matters() -> None:
    shapes = [(8, 16, 16, 16), (16, 8, 8, 8), (32, 4, 4, 4)]
    decoder = segresnet.build(Card(architecture="monai:segresnet", dim=32), shapes, 3, segresnet.Config())
    pyramid = [torch.rand(2, *shape, requires_grad=True) for shape in shapes]
    out = decoder(torch.rand(2, 1, 16, 16, 16), pyramid)
    assert out.shape == (2, 3, 16, 16, 16)
    out.square().sum().backward()
    assert all(one.grad is not None and bool(one.grad.any()) for one in pyramid)


def test_it_stands_on_its_own_encoder_alone() -> None:
    assert segresnet.refusal(Card(architecture="monai:segresnet", dim=8)) == ""
    assert "monai:segresnet" in segresnet.refusal(Card(architecture="monai:vit", dim=8))
