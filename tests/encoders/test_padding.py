from __future__ import annotations

import pytest
import torch
from torch import nn

from vesalius.encoders.padding import SameConv2d, SameConv3d, SameMaxPool, same


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "pads"),
    [
        (224, 7, 2, [2, 3]),
        (112, 3, 2, [0, 1]),
        (7, 3, 2, [1, 1]),
        (56, 1, 2, [0, 0]),
        (9, 3, 1, [1, 1]),
        (10, 3, 1, [1, 1]),
    ],
)
def test_the_odd_pixel_is_at_the_end(side: int, kernel: int, stride: int, pads: list[int]) -> None:
    assert same([side], [kernel], [stride]) == pads


def test_axes_are_given_last_first() -> None:
    assert same([224, 7], [7, 3], [2, 2]) == [1, 1, 2, 3]


@pytest.mark.parametrize("kind", [SameConv2d, SameConv3d])
@pytest.mark.parametrize("sides", [(12, 13, 14), (7, 8, 9)])
def test_as_the_plain_convolution_of_a_padded_image(kind: type[nn.Module], sides: tuple[int, ...]) -> None:
    sides = sides[: 2 if kind is SameConv2d else 3]
    layer = kind(1, 1, 3, 2, bias=False)
    out = layer(x := torch.rand(2, 1, *sides))
    assert out.shape[2:] == tuple((n + 1) // 2 for n in sides)
    first = tuple(slice(0, 2) if n % 2 else slice(0, 3) for n in sides)  # what the first window sees of the image
    weights = layer.weight[(0, 0, *[slice(1, 3) if n % 2 else slice(0, 3) for n in sides])]
    torch.testing.assert_close(out[(0, 0, *[0] * len(sides))], (x[(0, 0, *first)] * weights).sum())


@pytest.mark.parametrize("sides", [(8, 9), (7, 7), (6, 6), (5, 8, 6)])
def test_the_pool_never_sees_the_padding(sides: tuple[int, ...]) -> None:
    pool = SameMaxPool(len(sides))
    x = torch.randn(2, 3, *sides) - 5
    padded = torch.nn.functional.pad(x, same(sides, [3] * len(sides), [2] * len(sides)), value=float("-inf"))
    plain = nn.MaxPool2d(3, 2) if len(sides) == 2 else nn.MaxPool3d(3, 2)
    torch.testing.assert_close(pool(x), plain(padded))
