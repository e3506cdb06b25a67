from __future__ import annotations

import pytest
import torch
from torch import nn

from vesalius.encoders import build_encoder, weights_hash
from vesalius.encoders.probing import dummy_forward, pyramid_shapes, untouched


def test_nothing_is_left_behind_even_after_an_error() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    network[1].eval()
    network[1].running_mean += 1
    state = torch.random.get_rng_state()
    before = {k: v.clone() for k, v in network.state_dict().items()}

    def disturb() -> None:
        with untouched(network):
            assert not any(m.training for m in network.modules())
            assert not torch.is_grad_enabled()
            network[1].running_mean.fill_(9)
            torch.rand(3)
            raise KeyError

    with pytest.raises(KeyError):
        disturb()
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert [network.training, network[1].training, network[2].training] == [True, False, True]


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_a_dummy_forward_touches_no_tensor(name: str) -> None:
    encoder = build_encoder(name, width=0.125)
    before = weights_hash(encoder)
    assert dummy_forward(encoder, 3, (32, 32)).pooled.shape[0] == 2
    assert weights_hash(encoder) == before
    assert encoder.training


class Coarse(nn.Module):
    """One cheap map of a large volume; ``looks``: whether the forward asks for a value."""

    def __init__(self, looks: bool) -> None:
        super().__init__()
        self.conv, self.looks = nn.Conv3d(1, 2, 3, stride=16), looks
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += 1
        return self.conv(x) * (1 + x.sum().item() if self.looks else 1)


@pytest.mark.parametrize("looks", [False, True])
def test_the_shapes_of_a_large_volume_are_followed_without_computing_where_that_works(looks: bool) -> None:
    network = Coarse(looks)
    out = dummy_forward(network, 1, (64, 64, 64))
    assert out.shape == (2, 2, 4, 4, 4)
    assert (out.device.type == "meta") is not looks
    assert float(network.seen) == 0
    assert network.conv.weight.device.type == "cpu"
    assert dummy_forward(network, 1, (32, 32, 32)).device.type == "cpu"


def test_the_shapes_of_a_pyramid() -> None:
    encoder = build_encoder("resnet18", channels=1, size=(64, 64, 64), width=0.0625)
    assert pyramid_shapes(encoder, 1, (64, 64, 64)) == [(4, 64, 64, 64), (8, 32, 32, 32), (16, 16, 16, 16), (32, 8, 8, 8)]
