"""The eighteen transforms: names, ours without what changes nothing, the original's as its code had them."""

from __future__ import annotations

import numpy as np
import pytest

from vesalius.evaluate.transformed.grids import thinned
from vesalius.evaluate.transformed.transforms import TRANSFORMS

NAMES = [
    "rotation", "translation", "scale", "shear", "resized_crop", "h_flip", "v_flip", "deform", "grayscale", "brightness", "contrast", "saturation",
    "hue", "blur", "sharpness", "invert", "equalize", "posterize",
]  # fmt: skip
COUNTED = {"rotation": 20, "hue": 5, "h_flip": 2, "v_flip": 2, "grayscale": 2, "invert": 2, "equalize": 2, "posterize": 7}


def test_the_eighteen_and_how_many_parameters_each_has():
    assert list(TRANSFORMS) == NAMES
    for name, transform in TRANSFORMS.items():
        ours, theirs = transform.parameters(), transform.parameters(compat=True)
        assert transform.identity not in ours
        assert len(set(ours)) == len(ours)
        assert len(ours) == 1 or 7 <= len(ours) <= 24
        assert len(theirs) == COUNTED.get(name, 256)
        assert len({transform.said(one) for one in ours}) == len(ours)
        assert np.isfinite([transform.place(one) for one in (*ours, *theirs)]).all()


def test_the_originals_sum_with_its_own_k():
    assert sum(len(one.parameters(compat=True, count=256)) for one in TRANSFORMS.values()) == 3089


@pytest.mark.parametrize(
    ("name", "some", "every"),
    [
        ("rotation", (0.0, 18.0, 36.0), np.linspace(0, 360, 21)[:20]),
        ("scale", ((0.25, 1.0),), [(zoom, 1.0) for zoom in np.linspace(0.25, 2, 256)]),
        ("brightness", (0.25,), np.linspace(0.25, 5, 256)),
        ("hue", (-0.5, -0.25, 0.0, 0.25, 0.5), np.linspace(-0.5, 0.5, 5)),
        ("sharpness", (1.0,), np.linspace(1, 30, 256)),
        ("posterize", (1.0, 2.0), np.arange(1, 8)),
        ("h_flip", (0.0, 1.0), [0, 1]),
        ("shear", ((-160.0, -160.0), (-160.0, -140.0)), [(x, y) for x in range(-160, 160, 20) for y in range(-160, 160, 20)]),
    ],
)
def test_grids_of_the_original(name, some, every):
    found = TRANSFORMS[name].parameters(compat=True)
    assert tuple(found[: len(some)]) == some
    np.testing.assert_allclose(np.array(found), np.array(every))


def test_lengths_of_the_original_are_those_of_images_of_256_pixels():
    shifts = np.array(TRANSFORMS["translation"].parameters(compat=True))
    assert shifts[:, :2].min() * 256 == -16
    assert (shifts[:, 2] == 1).all()
    boxes = np.array(TRANSFORMS["resized_crop"].parameters(compat=True)) * 256
    assert {*boxes[:, 0]} == {0, 64 / 3, 128 / 3, 64}
    np.testing.assert_allclose(sorted({*boxes[:, 3]}), [64, 320 / 3, 448 / 3, 192])
    bends = np.array(TRANSFORMS["deform"].parameters(compat=True))
    assert {*np.rint(bends[:, 1] * 256)} == {10, 15, 21, 27, 32, 38, 44, 50}
    assert bends[:, 0].max() * 256 < 0.02
    assert len({*bends[:, 2]}) == 256
    blurs = np.array(TRANSFORMS["blur"].parameters(compat=True)) * 224
    np.testing.assert_allclose(blurs[[0, -1]], [[1e-5, 11], [20, 11]])


def test_a_number_that_is_no_square_is_taken_down_to_one():
    for name, count in (("translation", 16), ("shear", 16), ("resized_crop", 16)):
        assert len(TRANSFORMS[name].parameters(compat=True, count=20)) == count


def test_fewer_of_ours_are_spread_over_all():
    grid = tuple(float(i) for i in range(23))
    assert thinned(grid, 3) == (0.0, 11.0, 22.0)
    assert thinned(grid, 1) == (11.0,)
    assert thinned(grid, 50) == grid
    assert TRANSFORMS["rotation"].parameters(count=2) == (15.0, 345.0)
