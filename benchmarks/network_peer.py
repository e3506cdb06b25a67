"""lightly's network for small images as an encoder of one's own, so that both sides of a benchmark train the same one."""

from __future__ import annotations

from torch import nn


def build(channels: int) -> nn.Module:
    """``ResNetGenerator("resnet-18", width=0.25)`` without its classifier, as lightly's documentation cuts it: (B, 3, H, W) -> map."""
    from lightly.models import ResNetGenerator

    assert channels == 3
    return nn.Sequential(*list(ResNetGenerator("resnet-18", width=0.25).children())[:-1])
