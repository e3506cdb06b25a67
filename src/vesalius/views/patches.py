"""Images cut into a grid of patches and put together again, in any number of spatial dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from vesalius.errors import UserError


def grid_of(size: Sequence[int], patch: int | Sequence[int]) -> tuple[int, ...]:
    """Patches along each axis of an image of ``size`` pixels; one number for ``patch`` serves all axes.

    Raises UserError where the patches do not fill the image.
    """
    sides = sides_of(patch, len(size))
    if any(side % part for side, part in zip(size, sides, strict=True)):
        raise UserError(
            f"Patches of {'×'.join(map(str, sides))} pixels do not fill a view of {'×'.join(map(str, size))}. Choose a view "
            "whose sides are multiples of the patch's."
        )
    return tuple(side // part for side, part in zip(size, sides, strict=True))


def sides_of(patch: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """Pixels of a patch along each of ``dims`` axes. Raises UserError where ``patch`` is of another number of axes."""
    sides = (patch,) * dims if isinstance(patch, int) else tuple(patch)
    if len(sides) != dims:
        raise UserError(f"A patch of {'×'.join(map(str, sides))} pixels has not the {dims} axes of the image.")
    return sides


def patchify(images: Float[Tensor, "batch channel *size"], patch: int | Sequence[int]) -> Float[Tensor, "batch patches values"]:
    """Patches in the order of the grid, the last axis fastest; in each the pixels likewise, the channels of one together.

    Raises UserError where the patches do not fill the image.
    """
    batch, channels, *size = images.shape
    grid, sides = grid_of(size, patch), sides_of(patch, len(size))
    split = images.reshape(batch, channels, *(n for pair in zip(grid, sides, strict=True) for n in pair))
    axes = range(2, split.ndim, 2)
    return split.permute(0, *axes, *(a + 1 for a in axes), 1).reshape(batch, math.prod(grid), -1)


def unpatchify(
    patches: Float[Tensor, "batch patches values"], patch: int | Sequence[int], grid: Sequence[int]
) -> Float[Tensor, "batch channel *size"]:
    """The images whose ``patchify`` is ``patches``."""
    dims, sides = len(grid), sides_of(patch, len(grid))
    split = patches.reshape(len(patches), *grid, *sides, -1)
    axes = (a for i in range(dims) for a in (1 + i, 1 + dims + i))
    size = (count * side for count, side in zip(grid, sides, strict=True))
    return split.permute(0, 2 * dims + 1, *axes).reshape(len(patches), split.shape[-1], *size)
