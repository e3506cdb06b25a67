from __future__ import annotations

import pytest
import torch

from vesalius.encoders import build_encoder
from vesalius.encoders.encoder import from_map
from vesalius.errors import UserError


def test_layers_are_what_the_modules_put_out_and_have_gradients() -> None:
    encoder = build_encoder("resnet18", width=0.125)
    x = torch.rand(2, 3, 32, 32, requires_grad=True)
    outs = encoder.layers(x, ["layer1", "layer3.0.conv1", "layer4"])
    assert list(outs) == ["layer1", "layer3.0.conv1", "layer4"]
    assert [tuple(v.shape) for v in outs.values()] == [(2, 8, 32, 32), (2, 32, 8, 8), (2, 64, 4, 4)]
    outs["layer1"].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    encoder.eval()
    torch.testing.assert_close(encoder.layers(x, ["layer4"])["layer4"], encoder(x).map)


def test_no_hook_stays_behind() -> None:
    encoder = build_encoder("resnet18", width=0.125)
    encoder.layers(torch.rand(2, 3, 32, 32), ["layer1"])
    with pytest.raises(RuntimeError):
        encoder.layers(torch.rand(2, 5, 32, 32), ["layer1"])
    assert not any(m._forward_hooks for m in encoder.modules())


def test_unknown_layers_name_near_ones() -> None:
    encoder = build_encoder("resnet18", width=0.125)
    with pytest.raises(UserError, match="layer4"):
        encoder.layers(torch.rand(2, 3, 32, 32), ["layer5"])
    with pytest.raises(UserError, match="conv1"):
        encoder.layers(torch.rand(2, 3, 32, 32), [""])


def test_tokens_are_refused_where_there_are_none() -> None:
    encoder = build_encoder("resnet18", width=0.125)
    with pytest.raises(UserError, match="no tokens to keep or hide"):
        encoder(torch.rand(1, 3, 32, 32), keep=torch.zeros(1, 2, dtype=torch.long))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_an_encoding_of_a_map(dims: int) -> None:
    features = torch.rand(2, 5, *range(2, 2 + dims))
    encoding = from_map(features)
    torch.testing.assert_close(encoding.pooled, features.flatten(2).mean(2))
    torch.testing.assert_close(encoding.tokens[1, -1], features[1].flatten(1)[:, -1])
