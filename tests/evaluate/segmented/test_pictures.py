from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vesalius.evaluate.segmented.pictures import COLOURS, sheet


def test_three_planes_show_the_image_the_truth_and_the_prediction() -> None:
    image = np.random.default_rng(0).random((20, 24, 16)).astype(np.float32)
    truth = np.zeros(image.shape, np.uint8)
    truth[5:15, 6:18, 4:12] = 1
    found = np.asarray(Image.open(io.BytesIO(sheet(image, truth, np.zeros_like(truth), (1.0, 1.0, 2.0)))).convert("RGB"))
    outlined = (found == np.array(COLOURS[0])).all(-1)
    third = found.shape[1] // 3
    assert outlined[:, third : 2 * third].any()
    assert not outlined[:, :third].any()
    assert not outlined[:, 2 * third :].any()


def test_colours_are_different() -> None:
    assert len(set(COLOURS)) == len(COLOURS)
