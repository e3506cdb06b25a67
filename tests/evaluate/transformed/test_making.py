from __future__ import annotations

import numpy as np
import pytest

from vesalius.evaluate.transformed import making
from vesalius.views.operations.colour import ColourJitter


def values(made: making.Made) -> dict[str, np.ndarray]:
    assert isinstance(made, tuple)
    return {name: np.asarray(value) for name, value in made[1].items()}


def test_what_is_not_asked_for_is_neutral() -> None:
    found = values(making.rotation([10.0, -20.0], (32, 32)))
    np.testing.assert_array_equal(found["angle"], [-10, 20])
    assert (found["scale"] == 1).all()
    assert not found["translate"].any()
    assert not found["shear"].any()


def test_lengths_are_whole_pixels_of_their_own_side() -> None:
    found = values(making.translation([(0.1, -0.1)], (20, 40)))
    np.testing.assert_array_equal(found["translate"], [[4, -2]])
    box = values(making.resized_crop([(0.5, 0.25, 0.5, 0.01)], (20, 40)))["box"]
    np.testing.assert_array_equal(box, [[10, 10, 10, 1]])


@pytest.mark.parametrize(("which", "name"), enumerate(["brightness", "contrast", "saturation", "hue"]))
def test_one_colour_is_changed_and_the_others_are_not(which: int, name: str) -> None:
    made = making.coloured(which)([0.5], (8, 8))
    found = values(made)
    assert isinstance(made[0], ColourJitter)  # type: ignore[index]
    assert found[name][0] == 0.5
    assert all(found[other][0] == (other != "hue") for other in ("brightness", "contrast", "saturation", "hue") if other != name)


def test_switches_and_bells() -> None:
    assert values(making.h_flip([0.0, 1.0], (8, 8)))["on"].tolist() == [False, True]
    found = values(making.blur([0.1, (0.1, 0.05)], (100, 200)))
    np.testing.assert_allclose(found["sigma"], 10)
    assert found["radius"][0] > found["radius"][1] == 5
    assert values(making.posterize([3.0], (8, 8)))["bits"].tolist() == [3]
