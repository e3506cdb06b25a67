"""Patches of images: against a slow version, lightly's, and back again."""

import pytest
import torch
from lightly.models.utils import patchify as lightlys_patchify
from lightly.models.utils import unpatchify as lightlys_unpatchify

from vesalius.errors import UserError
from vesalius.views.patches import grid_of, patchify, sides_of, unpatchify


def test_equals_lightly() -> None:
    x = torch.rand(3, 2, 12, 12)
    patches = lightlys_patchify(x, 4)
    assert torch.equal(patchify(x, 4), patches)
    assert torch.equal(unpatchify(patches, 4, (3, 3)), lightlys_unpatchify(patches, 4, 2))


@pytest.mark.parametrize(
    ("size", "patch"), [((6,), (3,)), ((4, 6), (2, 3)), ((6, 4), 2), ((4, 6, 8), (2, 3, 4)), ((4, 4, 8), 4), ((2, 4, 2, 4), 2)]
)
def test_in_every_number_of_dimensions(size: tuple[int, ...], patch: int | tuple[int, ...]) -> None:
    x = torch.rand(2, 3, *size)
    grid, sides = grid_of(size, patch), sides_of(patch, len(size))
    patches = patchify(x, patch)
    cells = torch.cartesian_prod(*(torch.arange(n) for n in grid)).reshape(-1, len(grid))
    assert patches.shape[:2] == (2, len(cells))
    for number, cell in enumerate(cells.tolist()):
        box = tuple(slice(c * s, (c + 1) * s) for c, s in zip(cell, sides))
        assert torch.equal(patches[:, number], x[(slice(None), slice(None), *box)].flatten(2).mT.flatten(1))
    assert torch.equal(unpatchify(patches, patch, grid), x)


def test_patches_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match="Patches of 4×4 pixels do not fill a view of 8×10"):
        patchify(torch.rand(1, 1, 8, 10), 4)
    with pytest.raises(UserError, match="has not the 3 axes"):
        grid_of((8, 8, 8), (4, 4))
