"""Sine-cosine positions: lightly's in two dimensions, the formula in any, and no two cells alike."""

import numpy as np
import pytest
import torch
from lightly.models.utils import get_2d_sine_cosine_positional_embedding

from vesalius.encoders.sine_positions import sine_positions


@pytest.mark.parametrize(("side", "dim"), [(4, 32), (7, 64), (14, 512)])
def test_equals_lightly_and_the_authors_code(side: int, dim: int) -> None:
    theirs = get_2d_sine_cosine_positional_embedding(dim, side, cls_token=False)
    np.testing.assert_allclose(sine_positions((side, side), dim).numpy(), theirs, atol=2e-5)


@pytest.mark.parametrize(("grid", "dim"), [((5,), 8), ((2, 3), 16), ((2, 3, 4), 27), ((4, 1, 2, 3), 32)])
def test_the_formula(grid: tuple[int, ...], dim: int) -> None:
    found, half = sine_positions(grid, dim), dim // (2 * len(grid))
    assert found.shape == (np.prod(grid), dim)
    for number, cell in enumerate(np.ndindex(*grid)):
        want: list[float] = []
        for place in reversed(cell):
            angles = [place / 10000 ** (i / half) for i in range(half)]
            want += [*np.sin(angles), *np.cos(angles)]
        torch.testing.assert_close(found[number], torch.tensor(want + [0.0] * (dim - len(want)), dtype=torch.float32))
    assert len(found.unique(dim=0)) == len(found)


def test_too_short_a_vector_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        sine_positions((2, 2, 2), 5)
