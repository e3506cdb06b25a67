from __future__ import annotations

import numpy as np
import pytest
from torchvision.transforms.v2 import functional as F

from tests.views.batches import images, run, stored
from vesalius import views
from vesalius.views.operations.resize import Resize
from vesalius.views.sampling import PACKED_FROM


@pytest.mark.parametrize(("height", "width"), [(32, 32), (100, 57), (61, 160), (20, 25)])
@pytest.mark.parametrize("size", [24, 80])
def test_whole_image_equals_torchvision(height, width, size):
    pixels = stored(images(2, 3, height, width))
    made = views.load({"image": {"count": 1, "size": size, "operations": ["resize"]}}, 3)
    got = run(made, pixels).views["image"][0]
    # Large views of 8-bit images are 8-bit like torchvision's and Pillow's, small ones are not rounded.
    source = pixels.data[:, 0] if size >= PACKED_FROM else pixels.data[:, 0] / 255
    want = F.resize(source, [size, size], antialias=True)
    assert (got - (want / 255 if size >= PACKED_FROM else want)).abs().max() < 1e-5


@pytest.mark.parametrize(("height", "width"), [(32, 32), (100, 57), (61, 160), (20, 25)])
def test_shorter_side_keeps_the_ratio(height, width):
    canvas = Resize(shorter=40).canvas(np.array([[height, width]], float), (32, 32))[0]
    assert tuple(canvas) == tuple(F.resize(images(1, 1, height, width), 40).shape[2:])
