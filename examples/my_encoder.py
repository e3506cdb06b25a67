"""A network of your own for Vesalius: any function that returns a ``torch.nn.Module``.

vesalius pretrain cifar10-simclr --encoder.name examples/my_encoder.py:build --encoder.width 32 --data.train ./my-images

``build`` may take ``channels`` and ``size`` (pixels per side of the views), which Vesalius knows, and options of your own,
which a recipe gives beside the name. The module maps ``(B, C, *spatial)`` to one of: a vector ``(B, D)``, a feature map
``(B, D, *spatial)``, or tokens ``(B, N, D)``. Which one is found out by a forward of two blank images.
"""

from __future__ import annotations

from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3×3 convolutions around which the input is carried; the second half has twice the channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.SiLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.carry = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D, H/2, W/2)."""
        return nn.functional.silu(self.body(x) + self.carry(x))


def build(channels: int, width: int = 16) -> nn.Module:
    """A small residual network that returns its last feature map; Vesalius averages it."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        Residual(width, 2 * width),
        Residual(2 * width, 4 * width),
        Residual(4 * width, 8 * width),
    )
