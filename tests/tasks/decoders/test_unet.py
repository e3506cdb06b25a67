from __future__ import annotations

import torch

from vesalius.encoders.encoder import Card
from vesalius.tasks.decoders import unet


def test_steps_between_maps_need_not_be_alike_on_each_axis() -> None:
    shapes = [(4, 8, 8, 8), (8, 4, 4, 8), (16, 2, 2, 4)]
    decoder = unet.build(Card(architecture="resenc-l", dim=16), shapes, 3, unet.Config(convolutions=2))
    pyramid = [torch.rand(2, *shape, requires_grad=True) for shape in shapes]
    out = decoder(torch.rand(2, 1, 8, 8, 8), pyramid)
    assert out.shape == (2, 3, 8, 8, 8)
    out.square().sum().backward()
    assert all(one.grad is not None and bool(one.grad.any()) for one in pyramid)


def test_it_stands_on_a_residual_encoder_alone() -> None:
    assert unet.refusal(Card(architecture="resenc-l", dim=8)) == ""
    assert "resenc-l" in unet.refusal(Card(architecture="monai:vit", dim=8))
