"""The network of the Lightly Worker: a batch-norm of the input, lightly's ResNet for small images, a 1×1 convolution, the mean.

Two vectors come of it, by the document's names: ``features``, the mean of the last stage (512 numbers of a ``lightly-resnet18``), which are the
pooled vector here, and ``embedding``, what the convolution makes of it (32), of unit length. Projectors stand on the latter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vesalius.encoders.encoder import Encoder, Encoding, from_map
from vesalius.encoders.resnet import ResNet
from vesalius.errors import UserError

_PREFIX = "lightly-"
DEPTHS: dict[str, tuple[bool, tuple[int, ...]]] = {
    "lightly-resnet9": (False, (1, 1, 1, 1)),
    "lightly-resnet18": (False, (2, 2, 2, 2)),
    "lightly-resnet34": (False, (3, 4, 6, 3)),
    "lightly-resnet50": (True, (3, 4, 6, 3)),
    "lightly-resnet101": (True, (3, 4, 23, 3)),
    "lightly-resnet152": (True, (3, 8, 36, 3)),
}
"""Of each network: whether its blocks are bottlenecks, and how many there are in the four stages."""
NAMES = tuple(DEPTHS)


def ours(name: str) -> str:
    """The network that lightly calls ``resnet-18`` and its like. Raises UserError for a name that it has not."""
    found = _PREFIX + name.lower().replace("-", "").replace("_", "")
    if found not in DEPTHS:
        raise UserError(f"There is no model {name!r}. The names of lightly_config.model are {', '.join(map(theirs, NAMES))}.")
    return found


def theirs(name: str) -> str:
    """What lightly calls ``lightly-resnet18`` and its like: ``resnet-18``."""
    return name.removeprefix(_PREFIX).replace("resnet", "resnet-")


class _Body(ResNet):
    is_stage = True
    """Its blocks are layers, for rates that fall with depth."""


class LightlyResNet(nn.Module):
    """``norm``, ``body`` and ``last``: ``(B, C, H, W)`` -> the map ``(B, D, H / 8, W / 8)`` before ``last``."""

    def __init__(self, bottleneck: bool, depths: tuple[int, ...], channels: int, *, num_ftrs: int, width: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.body = _Body(bottleneck, depths, channels, 2, stem="lightly", width=width, zero_init=False)
        self.last = nn.Conv2d(int(64 * width) * 8 * (4 if bottleneck else 1), num_ftrs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The last feature map."""
        found: Tensor = self.body(self.norm(x))
        return found

    def stages(self, x: Tensor) -> list[Tensor]:
        """The maps behind the four stages."""
        return self.body.stages(self.norm(x))


class LightlyEncoder(Encoder):
    """``network``: a ``LightlyResNet``."""

    network: LightlyResNet
    head: Mapping[str, Tensor] = {}
    """Tensors of the projector that stood on it in training, by layer (``0.weight``), where they are known; no part of the network."""

    def encode(self, x: Tensor, keep: Tensor | None, hide: Tensor | None) -> Encoding:
        """See ``Encoder``."""
        return from_map(self.network(x))

    def levels(self, x: Tensor) -> list[Tensor]:
        """See ``Encoder``."""
        return self.network.stages(x)

    @property
    def embedding_dim(self) -> int:
        """``num_ftrs``."""
        return self.network.last.out_channels

    def embedding(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` -> ``(B, num_ftrs)``: the mean over a map and a 1×1 convolution may change places."""
        return F.linear(pooled, self.network.last.weight.flatten(1), self.network.last.bias)


def build(name: str, *, channels: int, size: tuple[int, ...], num_ftrs: int = 32, width: float = 1.0) -> tuple[Encoder, dict[str, Any]]:
    """``num_ftrs``: length of the embedding. ``width`` scales all stages: at 0.25 the first has 16 channels.

    Raises UserError for volumes, and for numbers that leave no channel.
    """
    if len(size) != 2:
        raise UserError(f"{name} takes images; for volumes use resnet18 with a size of three numbers, or monai:swin_unetr.")
    if int(64 * width) < 1 or num_ftrs < 1:
        raise UserError(f"A width of {width} with num_ftrs {num_ftrs} leaves no channel. The least width is 1/64, the least num_ftrs 1.")
    bottleneck, depths = DEPTHS[name]
    return LightlyEncoder(LightlyResNet(bottleneck, depths, channels, num_ftrs=int(num_ftrs), width=width)), {}
