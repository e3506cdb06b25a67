"""ResNet with a stem for small images, any width, in 2D or 3D.

He et al., "Deep residual learning", CVPR 2016. Tensor names are torchvision's, so that its weights load. The small stem
(3×3, stride 1, no max-pool) is the one of the SimCLR paper, appendix B.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.padding import PADDINGS, SameConv2d, SameConv3d, SameMaxPool
from vesalius.encoders.pointwise import pointwise
from vesalius.errors import UserError

STEMS = ("small", "standard", "innereye", "lightly")
DEPTHS: dict[str, tuple[bool, tuple[int, ...]]] = {
    "resnet18": (False, (2, 2, 2, 2)),
    "resnet34": (False, (3, 4, 6, 3)),
    "resnet50": (True, (3, 4, 6, 3)),
    "resnet101": (True, (3, 4, 23, 3)),
}
"""Of each network: whether its blocks are bottlenecks, and how many there are in the four stages."""
NAMES = tuple(DEPTHS)


class _Layers:
    """Convolution, norm and pool for 2 or 3 spatial dimensions."""

    def __init__(self, dims: int, padding: str) -> None:
        if dims not in (2, 3):
            raise UserError(f"A ResNet has 2 or 3 spatial dimensions, not {dims}. Give size two or three numbers.")
        self.conv: type[nn.Conv2d] | type[nn.Conv3d] = nn.Conv2d if dims == 2 else nn.Conv3d
        self.norm: type[nn.BatchNorm2d] | type[nn.BatchNorm3d] = nn.BatchNorm2d if dims == 2 else nn.BatchNorm3d
        self._pool: type[nn.MaxPool2d] | type[nn.MaxPool3d] = nn.MaxPool2d if dims == 2 else nn.MaxPool3d
        self.dims, self._padding = dims, padding

    def spatial(self, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
        """A convolution of more than one pixel; at stride 1 all ways of padding are one."""
        if stride == 1 or self._padding != "same":
            return self.conv(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        same = SameConv2d if self.dims == 2 else SameConv3d
        return same(inputs, outputs, kernel, stride, bias=False)

    def pool(self) -> nn.Module:
        """The max-pool of the stem."""
        return self._pool(3, 2, 1) if self._padding == "symmetric" else SameMaxPool(self.dims)


class _Basic(nn.Module):
    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int, downsample: nn.Module | None, make: _Layers) -> None:
        super().__init__()
        self.conv1 = make.spatial(inputs, planes, 3, stride)
        self.bn1 = make.norm(planes)
        self.conv2 = make.conv(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = make.norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)  # type: ignore[no-any-return]


class _Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int, downsample: nn.Module | None, make: _Layers) -> None:
        super().__init__()
        self.conv1 = make.conv(inputs, planes, 1, bias=False)
        self.bn1 = make.norm(planes)
        self.conv2 = make.spatial(planes, planes, 3, stride)
        self.bn2 = make.norm(planes)
        self.conv3 = make.conv(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = make.norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(out)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """``(B, C, *size)`` -> feature map ``(B, D, *size / reduction)``; reduction 8 (small stem), 16, 32 (standard)."""

    def __init__(
        self,
        bottleneck: bool,
        depths: Sequence[int],
        channels: int,
        dims: int,
        *,
        stem: str,
        width: float,
        zero_init: bool,
        padding: str = "symmetric",
    ) -> None:
        super().__init__()
        make, base = _Layers(dims, padding), int(64 * width)
        block: type[_Basic] | type[_Bottleneck] = _Bottleneck if bottleneck else _Basic
        kernel, stride = (7, 2) if stem == "standard" else (3, 1)
        self.conv1 = make.spatial(channels, base, kernel, stride)
        self.bn1 = make.norm(base)
        # Of lightly's ResNet as a sequence of its children, the first ReLU is lost: a function is no child.
        self.relu = nn.Identity() if stem == "lightly" else nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if stem in ("small", "lightly") else make.pool()
        inputs = base
        for i, depth in enumerate(depths):
            planes, blocks = base * 2**i, []
            for j in range(depth):
                stride, outputs = (2 if i > 0 and j == 0 else 1), planes * block.expansion
                project = None
                if stride != 1 or inputs != outputs:
                    project = nn.Sequential(pointwise(inputs, outputs, stride, make.dims), make.norm(outputs))
                blocks.append(block(inputs, planes, stride, project, make))
                inputs = outputs
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif zero_init and isinstance(module, _Basic | _Bottleneck):
                nn.init.zeros_((module.bn3 if isinstance(module, _Bottleneck) else module.bn2).weight)

    def forward(self, x: Tensor) -> Tensor:
        """The last feature map."""
        return self.stages(x)[-1]

    def stages(self, x: Tensor) -> list[Tensor]:
        """The maps behind ``layer1`` to ``layer4``."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)  # type: ignore[operator]
            maps.append(x)
        return maps


class ResNetEncoder(Encoder):
    """``network``: a ``ResNet``."""

    def levels(self, x: Tensor) -> list[Tensor]:
        """See ``Encoder``."""
        maps: list[Tensor] = self.network.stages(x)  # type: ignore[operator]
        return maps


def build(
    name: str,
    *,
    channels: int,
    size: tuple[int, ...],
    stem: str = "small",
    width: float = 1.0,
    zero_init_residual: bool = False,
    padding: str = "symmetric",
) -> tuple[Encoder, dict[str, Any]]:
    """``stem``: small (3×3, stride 1), standard (7×7, stride 2, max-pool), innereye (3×3, stride 1, max-pool kept),
    lightly (as small, without the ReLU before the first stage).

    ``width`` scales all stages: at 0.25 the first has 16 channels. ``zero_init_residual``: each block starts as the
    identity (Goyal et al., 2017). ``padding``: symmetric (torch's), same_pool (TensorFlow's 'SAME' in the max-pool alone),
    same ('SAME' wherever the stride is 2).
    Raises UserError for another stem or padding, and a width that leaves no channel.
    """
    if stem not in STEMS:
        raise UserError(f"There is no stem {stem!r}. Use one of {', '.join(STEMS)}.")
    if padding not in PADDINGS:
        raise UserError(f"There is no padding {padding!r}. Use one of {', '.join(PADDINGS)}.")
    if int(64 * width) < 1:
        raise UserError(f"A width of {width} leaves no channel. The least is 1/64; 0.25 gives 16 in the first stage.")
    bottleneck, depths = DEPTHS[name]
    network = ResNet(
        bottleneck, depths, channels, len(size), stem=stem, width=width, zero_init=zero_init_residual, padding=padding
    )
    return ResNetEncoder(network), {}
