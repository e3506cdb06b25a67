"""DenseNet with a stem for small images and any width. Huang et al., CVPR 2017; layers and names are torchvision's."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.resnet import STEMS
from vesalius.errors import UserError

NAMES = ("densenet121",)


class DenseMap(nn.Module):
    """``(B, C, H, W)`` -> feature map; ``final_relu`` as in torchvision's forward (InnerEye's encoder left it out)."""

    def __init__(self, features: nn.Module, final_relu: bool) -> None:
        super().__init__()
        self.features = features
        self.final_relu = final_relu

    def forward(self, x: Tensor) -> Tensor:
        """The last feature map."""
        out: Tensor = self.features(x)
        return F.relu(out, inplace=True) if self.final_relu else out


def build(
    name: str,
    *,
    channels: int,
    size: tuple[int, ...],
    stem: str = "small",
    width: float = 1.0,
    final_relu: bool = True,
) -> tuple[Encoder, dict[str, Any]]:
    """``stem``: small (3×3, stride 1, no pool), standard (7×7, stride 2, max-pool), innereye (3×3, stride 1, max-pool).

    ``width`` scales the growth rate of 32 and the stem's 64 channels.
    Raises UserError for another stem, volumes, and a width that leaves no channel.
    """
    from torchvision.models.densenet import DenseNet

    if stem not in STEMS[:3]:
        raise UserError(f"There is no stem {stem!r}. Use one of {', '.join(STEMS[:3])}.")
    if len(size) != 2:
        raise UserError(f"{name} is for two dimensions, not {len(size)}. Use a resnet, or give size two numbers.")
    growth, initial = int(32 * width), int(64 * width)
    if growth < 1:
        raise UserError(f"A width of {width} leaves no channel. The least is 1/32.")
    features: nn.Sequential = DenseNet(growth, (6, 12, 24, 16), initial, num_classes=1).features
    kernel, stride, padding = (7, 2, 3) if stem == "standard" else (3, 1, 1)
    features.conv0 = nn.Conv2d(channels, initial, kernel, stride, padding, bias=False)
    nn.init.kaiming_normal_(features.conv0.weight)
    if stem == "small":
        features.pool0 = nn.Identity()
    return Encoder(DenseMap(features, final_relu)), {}
