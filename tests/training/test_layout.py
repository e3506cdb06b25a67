"""Channels last, but not where torch's backward of a narrow 1×1 convolution is unsafe."""

import torch
from torch import nn

from vesalius.encoders import build_encoder
from vesalius.training.layout import fastest


def test_networks_of_usual_width_lie_channels_last() -> None:
    assert fastest(build_encoder("resnet18", width=0.25, size=(16, 16)).network) == torch.channels_last
    assert fastest(nn.Sequential(nn.Conv2d(3, 4, 3))) == torch.channels_last


def test_narrow_one_by_one_convolutions_keep_the_default() -> None:
    assert fastest(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 1, stride=2))) == torch.contiguous_format
    assert fastest(build_encoder("resnet18", width=0.0625, size=(16, 16)).network) == torch.contiguous_format
    assert fastest(nn.Sequential(nn.Conv2d(8, 8, 1))) == torch.channels_last
