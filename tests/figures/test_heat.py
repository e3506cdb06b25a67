"""Numbers as colours: exact at the ends, grey where there is no number, over pictures of one channel or three."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps

from vesalius.errors import UserError
from vesalius.figures import MAPS, coloured, overlaid
from vesalius.figures.heat import UNKNOWN


@pytest.mark.parametrize("name", MAPS)
def test_the_ends_are_the_first_and_the_last_colour_of_the_map(name: str) -> None:
    found = coloured([[-3.0, 2.0, 5.0, 8.0, 99.0]], 2.0, 8.0, name)
    first, middle, last = (np.asarray(colormaps[name](at, bytes=True))[:3] for at in (0.0, 0.5, 1.0))
    assert found.shape == (1, 5, 3)
    assert found.dtype == np.uint8
    assert (found[0] == [first, first, middle, last, last]).all()


def test_what_is_no_number_is_grey_and_an_even_map_the_first_colour() -> None:
    found = coloured([[np.nan, 4.0], [4.0, 4.0]], 4.0, 4.0)
    assert tuple(found[0, 0]) == UNKNOWN
    assert (found[1] == np.asarray(colormaps["viridis"](0, bytes=True))[:3]).all()


def test_another_map_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UserError, match=r"'rainbow'.*viridis, magma, cividis, inferno, jet"):
        coloured([[0.0]], 0, 1, "rainbow")


def test_an_overlay_hides_the_share_that_it_says() -> None:
    image = np.full((2, 2, 3), 100, dtype=np.uint8)
    values = np.array([[0.0, 1.0], [np.nan, 1.0]])
    colours = coloured(values, 0, 1, "magma").astype(float)
    found = overlaid(image, values, alpha=0.25, name="magma")
    assert (found[0] == np.rint(75 + 0.25 * colours[0])).all()
    assert (found[1, 0] == 100).all(), "where the map has no number the image is as it was"
    assert (overlaid(image, values, alpha=0.0) == image).all()


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 1), (6, 8, 3)])
def test_a_map_of_another_size_is_stretched_over_an_image_of_any_channels(shape: tuple[int, ...]) -> None:
    image = np.zeros(shape, dtype=np.uint8)
    found = overlaid(image, [[0.0, 1.0], [0.0, 1.0]], alpha=1.0, low=0.0, high=1.0)
    assert found.shape == (6, 8, 3)
    assert (found[:, 0] == coloured([[0.0]], 0, 1)[0, 0]).all()
    assert (found[:, -1] == coloured([[1.0]], 0, 1)[0, 0]).all()
    assert len(np.unique(found[0], axis=0)) > 3


def test_pictures_of_other_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="uint8, not of float64"):
        overlaid(np.zeros((2, 2, 3)), [[0.0]])  # type: ignore[arg-type]
