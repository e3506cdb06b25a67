"""Strided convolutions of one pixel: torch's numbers, and no damage where torch's own does it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from vesalius.encoders import resnet
from vesalius.encoders.pointwise import FEW, pointwise


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("side", [6, 7])
@pytest.mark.parametrize(("inputs", "stride"), [(8, 2), (8, 1), (3, 3), (FEW, 2)])
def test_the_numbers_are_those_of_torch(dims: int, side: int, inputs: int, stride: int) -> None:
    ours = pointwise(inputs, 5, stride, dims).double()
    theirs = (nn.Conv2d if dims == 2 else nn.Conv3d)(inputs, 5, 1, stride, bias=False).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, inputs, *[side] * dims, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    found = []
    for conv in (ours, theirs):
        (given := x.clone()).requires_grad_()
        y = conv(given)
        y.square().sum().backward()
        found.append((y.detach(), given.grad, conv.weight.grad))
    for mine, other in zip(*found, strict=True):
        torch.testing.assert_close(mine, other)


def test_only_few_channels_are_thinned() -> None:
    assert type(pointwise(FEW, 32, 2, 2)) is nn.Conv2d
    assert type(pointwise(8, 32, 1, 3)) is nn.Conv3d
    assert type(pointwise(FEW - 1, 32, 2, 2)) is not nn.Conv2d


TRAIN = """
import torch
from vesalius.encoders import resnet

torch.set_num_threads(1)
network, _ = resnet.build("resnet18", channels=1, size=(224, 224), width=0.125, stem="standard")
network = network.network.to(memory_format=torch.channels_last).train()
for _ in range(6):
    network(torch.randn(4, 1, 224, 224).to(memory_format=torch.channels_last)).square().sum().backward()
    held = [torch.randn(100 + i) for i in range(200)]
print("alive")
"""


def test_an_eighth_of_a_resnet_trains_on_large_images() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", TRAIN], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-500:]


def test_tensors_keep_torchvisions_names() -> None:
    encoder, _ = resnet.build("resnet18", channels=1, size=(32, 32), width=0.125)
    assert any(name.endswith("layer2.0.downsample.0.weight") for name in encoder.state_dict())
