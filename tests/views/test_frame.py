from __future__ import annotations

import numpy as np

from vesalius.views.frame import Frame


def whole(height=40, width=60):
    return Frame.of(np.array([[height, width]]))


def test_a_crop_maps_corners_to_corners_and_narrows_what_may_be_read():
    frame = whole().crop(np.array([[10.0, 20.0, 16.0, 8.0]]), np.array([[32.0, 32.0]]))
    corners = frame.matrix[0] @ np.array([[0, 32], [0, 32], [1, 1]])
    np.testing.assert_allclose(corners[:2], [[20, 28], [10, 26]])
    np.testing.assert_allclose(frame.bounds, [[10, 20, 26, 28]])


def test_crops_compose():
    once = whole().crop(np.array([[10.0, 20.0, 16.0, 8.0]]), np.array([[16.0, 8.0]]))
    twice = once.crop(np.array([[4.0, 2.0, 8.0, 4.0]]), np.array([[8.0, 8.0]]))
    direct = whole().crop(np.array([[14.0, 22.0, 8.0, 4.0]]), np.array([[8.0, 8.0]]))
    np.testing.assert_allclose(twice.matrix, direct.matrix)
    np.testing.assert_allclose(twice.bounds, direct.bounds)


def test_a_crop_after_a_resize_reads_beyond_its_border():
    resized = whole().crop(np.array([[0.0, 0.0, 40.0, 60.0]]), np.array([[20.0, 30.0]]))
    np.testing.assert_allclose(
        resized.crop(np.array([[5.0, 5.0, 10.0, 10.0]]), np.array([[10.0, 10.0]])).bounds, [[0, 0, 40, 60]]
    )


def test_crops_beyond_the_image_keep_its_bounds():
    frame = whole().crop(np.array([[-4.0, 50.0, 16.0, 16.0]]), np.array([[16.0, 16.0]]))
    np.testing.assert_allclose(frame.bounds, [[0, 50, 12, 60]])


def test_theta_of_the_whole_image_is_the_identity():
    frame = whole().crop(np.array([[0.0, 0.0, 40.0, 60.0]]), np.array([[7.0, 9.0]]))
    np.testing.assert_allclose(frame.theta(np.array([[40, 60]])), [[[1, 0, 0], [0, 1, 0]]], atol=1e-12)
