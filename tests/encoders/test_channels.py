from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vesalius.encoders.channels import adapt, adapt_kernel, replace_first_convolution


@given(given_channels=st.integers(1, 5), wanted=st.integers(1, 7), dims=st.integers(1, 3))
def test_equal_channels_give_the_old_response(given_channels: int, wanted: int, dims: int) -> None:
    kernel = torch.randn(4, given_channels, *[3] * dims)
    conv = {1: nn.functional.conv1d, 2: nn.functional.conv2d, 3: nn.functional.conv3d}[dims]
    grey = torch.rand(2, 1, *[5] * dims)
    copies = [1] * (dims + 2)
    copies[1] = given_channels
    old = conv(grey.repeat(copies), kernel)
    copies[1] = wanted
    new = conv(grey.repeat(copies), adapt_kernel(kernel, wanted))
    torch.testing.assert_close(new, old, atol=1e-4, rtol=1e-4)


def test_adapting_says_what_it_did_and_leaves_the_rest() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3))
    tensors = {"0.weight": torch.rand(4, 3, 3, 3), "0.bias": torch.rand(4), "1.weight": torch.rand(4, 4, 3, 3)}
    out, notes = adapt(tensors, network)
    assert out["0.weight"].shape == (4, 1, 3, 3)
    assert out["1.weight"] is tensors["1.weight"]
    assert notes == ["first convolution 0 adapted from 3 to 1 channels: kernels over the inputs summed"]
    assert tensors["0.weight"].shape == (4, 3, 3, 3)
    same, none = adapt({"0.weight": torch.rand(4, 1, 3, 3)}, network)
    assert not none
    assert same["0.weight"].shape == (4, 1, 3, 3)


def test_a_kernel_of_another_size_is_not_adapted() -> None:
    out, notes = adapt({"0.weight": torch.rand(4, 3, 7, 7)}, nn.Sequential(nn.Conv2d(1, 4, 3)))
    assert out["0.weight"].shape == (4, 3, 7, 7)
    assert not notes


def test_a_network_that_is_one_convolution() -> None:
    out, _ = adapt({"weight": torch.rand(4, 3, 3, 3)}, nn.Conv2d(2, 4, 3))
    assert out["weight"].shape == (4, 2, 3, 3)


@pytest.mark.parametrize("bias", [True, False])
def test_random_first_convolutions_keep_their_spread(bias: bool) -> None:
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=bias)), nn.ReLU())
    before = network[0][0]
    replace_first_convolution(network, 5)
    after = network[0][0]
    assert after.weight.shape == (64, 5, 7, 7)
    assert (after.stride, after.padding) == (before.stride, before.padding)
    assert (after.bias is None) == (not bias)
    assert float(after.weight.std()) == pytest.approx(float(before.weight.std()), rel=0.05)
    replace_first_convolution(network, 5)
    assert network[0][0] is after
