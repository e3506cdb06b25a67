"""nnU-Net's residual encoder in 2D or 3D: ``resenc-l``.

Isensee et al., "nnU-Net revisited", MICCAI 2024; residual blocks of He et al., "Bag of tricks", CVPR 2019 (ResNet-D).
Tensors have the names of ``dynamic-network-architectures``, whose second name for each of them (``all_modules``) is left
out. Ours, because that package does not allow today's timm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder, StagesEncoder
from vesalius.errors import UserError

NAMES = ("resenc-l",)
FEATURES, BLOCKS = (32, 64, 128, 256, 320, 320), (1, 3, 4, 6, 6, 6)
Sides = int | Sequence[int]
"""One number for every axis, or one for each."""


class _Unit(nn.Module):
    """Convolution, instance norm and, but at the end of a branch, leaky ReLU."""

    def __init__(
        self,
        dims: int,
        inputs: int,
        outputs: int,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        *,
        end: bool,
        bias: bool,
    ) -> None:
        super().__init__()
        convolution: Any = nn.Conv2d if dims == 2 else nn.Conv3d
        norm: Any = nn.InstanceNorm2d if dims == 2 else nn.InstanceNorm3d
        self.conv = convolution(inputs, outputs, kernel, stride, tuple((side - 1) // 2 for side in kernel), bias=bias)
        self.norm = norm(outputs, affine=True)
        self.nonlin = nn.Identity() if end else nn.LeakyReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.nonlin(self.norm(self.conv(x)))
        return out


class _Block(nn.Module):
    """Two convolutions, and a shortcut that pools by the mean before it projects."""

    def __init__(self, dims: int, inputs: int, outputs: int, kernel: tuple[int, ...], stride: tuple[int, ...]) -> None:
        super().__init__()
        one = (1,) * dims
        self.conv1 = _Unit(dims, inputs, outputs, kernel, stride, end=False, bias=True)
        self.conv2 = _Unit(dims, outputs, outputs, kernel, one, end=True, bias=True)
        self.nonlin2 = nn.LeakyReLU(inplace=True)
        pool: Any = nn.AvgPool2d if dims == 2 else nn.AvgPool3d
        shortcut: list[nn.Module] = [pool(stride, stride)] if stride != one else []
        if inputs != outputs:
            shortcut.append(_Unit(dims, inputs, outputs, one, one, end=True, bias=False))
        self.skip = nn.Sequential(*shortcut)
        nn.init.zeros_(self.conv2.norm.weight)  # each block starts as its shortcut

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.nonlin2(self.conv2(self.conv1(x)) + self.skip(x))
        return out


class _Stage(nn.Module):
    is_stage = True
    """For ``depth``: its blocks are layers."""

    def __init__(self, blocks: Sequence[_Block]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.blocks(x)
        return out


class _Stem(nn.Module):
    def __init__(self, unit: _Unit) -> None:
        super().__init__()
        self.convs = nn.Sequential(unit)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convs(x)
        return out


class ResidualEncoder(nn.Module):
    """``(B, C, *size)`` -> the maps of all stages, the first at full size."""

    def __init__(
        self,
        channels: int,
        dims: int,
        features: Sequence[int],
        blocks: Sequence[int],
        strides: Sequence[tuple[int, ...]],
        kernels: Sequence[tuple[int, ...]],
    ) -> None:
        super().__init__()
        one = (1,) * dims
        self.stem = _Stem(_Unit(dims, channels, features[0], kernels[0], one, end=False, bias=True))
        inputs, stages = features[0], []
        for outputs, count, stride, kernel in zip(features, blocks, strides, kernels, strict=True):
            first = _Block(dims, inputs, outputs, kernel, stride)
            stages.append(_Stage([first, *(_Block(dims, outputs, outputs, kernel, one) for _ in range(count - 1))]))
            inputs = outputs
        self.stages = nn.Sequential(*stages)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, a=1e-2)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> list[Tensor]:
        """From the finest to the coarsest."""
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def build(
    name: str,
    *,
    channels: int,
    size: tuple[int, ...],
    features: Sequence[int] = FEATURES,
    blocks: Sequence[int] | None = None,
    strides: Sequence[Sides] | None = None,
    kernels: Sides | Sequence[Sequence[int]] = 3,
) -> tuple[Encoder, dict[str, Any]]:
    """``features``: channels of each stage; fewer numbers make fewer stages, for patches that five halvings do not divide.

    ``blocks``: residual blocks of each stage (1, 3, 4, 6, 6, 6). ``strides``: of each stage, one number or one per axis
    (1, then 2). ``kernels``: sides of the convolutions, one number, or a list for each stage.
    Raises UserError for lists of different lengths, and for a ``size`` that the strides do not divide.
    """
    dims, count = len(size), len(features)
    blocks = tuple(blocks) if blocks is not None else (*BLOCKS, *[BLOCKS[-1]] * count)[:count]
    each = tuple(strides) if strides is not None else (1, *[2] * (count - 1))
    by_stage: list[Any] = (
        [kernels] * count if isinstance(kernels, int) or isinstance(kernels[0], int) else list(kernels)
    )
    if dims not in (2, 3) or not count or min(*features, *blocks) < 1:
        raise UserError(
            f"{name} has 2 or 3 spatial dimensions and stages of at least one channel and one block, not {dims} and {features}, {blocks}."
        )
    if not (len(blocks) == len(each) == len(by_stage) == count):
        raise UserError(
            f"features name {count} stages, blocks {len(blocks)}, strides {len(each)} and kernels {len(by_stage)}. Give each "
            "of them one entry for every stage."
        )
    steps = [_sides(stride, dims) for stride in each]
    left = list(size)
    for step in steps:
        if any(side % part for side, part in zip(left, step, strict=True)):
            raise UserError(
                f"A volume of {'×'.join(map(str, size))} cannot be divided by the strides of {name}, {_times(steps)}. Give sides "
                "that they divide, or fewer stages: encoder.features [32, 64, 128, 256] has four, for sides that 8 divides."
            )
        left = [side // part for side, part in zip(left, step, strict=True)]
    if max(left) == 1:
        raise UserError(
            f"{name} would divide a volume of {'×'.join(map(str, size))} down to one voxel, which an instance norm cannot take. Give "
            "a larger size, or fewer stages: encoder.features [32, 64, 128, 256] has four."
        )
    network = ResidualEncoder(
        channels, dims, tuple(features), blocks, steps, [_sides(kernel, dims) for kernel in by_stage]
    )
    return StagesEncoder(network), {"licence": "code: Vesalius; the architecture: nnU-Net, Apache-2.0"}


def _sides(value: Sides, dims: int) -> tuple[int, ...]:
    sides = (value,) * dims if isinstance(value, int) else tuple(value)
    if len(sides) != dims or min(sides) < 1:
        raise UserError(
            f"A stride or kernel of {value} is none in {dims} dimensions: give one number, or {dims} of them."
        )
    return sides


def _times(steps: Sequence[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, step)) for step in steps)
