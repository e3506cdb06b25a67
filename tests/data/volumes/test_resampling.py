from __future__ import annotations

import numpy as np
import pytest

from vesalius.data.volumes.resampling import along, length, linear, nearest


@pytest.mark.parametrize(("voxels", "step", "new"), [(10, 1.0, 10), (10, 2.0, 6), (10, 0.5, 19), (1, 3.0, 1)])
def test_a_side_covers_the_same_length_after_as_before(voxels: int, step: float, new: int) -> None:
    assert length(voxels, step) == new


def test_the_weights_of_each_new_voxel_sum_to_one_at_the_ends_too() -> None:
    for step in (0.5, 1.0, 1.7, 3.0):
        weights = linear(np.arange(length(9, step)) * step, 9, step)
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
        assert (weights >= 0).all()


def test_a_straight_line_stays_one_between_the_ends() -> None:
    places = np.arange(0, 8.01, 0.5)
    np.testing.assert_allclose(linear(places, 9, 0.5) @ np.arange(9), places, atol=1e-6)
    inner = np.array([3.0, 5.0])
    np.testing.assert_allclose(linear(inner, 9, 2.0) @ np.arange(9), inner, atol=1e-6)


def test_labels_are_taken_from_the_nearest() -> None:
    np.testing.assert_array_equal(nearest(np.array([-1, 0.4, 0.5, 2.6, 9]), 4), [0, 0, 1, 3, 3])


def test_any_axis_can_be_multiplied() -> None:
    values, weights = np.random.default_rng(0).random((2, 3, 4)), np.random.default_rng(1).random((5, 3))
    np.testing.assert_allclose(along(values, 1, weights), np.einsum("xyz,ny->xnz", values, weights))
    np.testing.assert_allclose(along(values, 2, np.eye(4)), values)
