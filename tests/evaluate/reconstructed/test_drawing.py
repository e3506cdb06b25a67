from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vesalius.evaluate.reconstructed.drawing import draw, pixels


def test_grey_becomes_three_channels_and_values_are_held() -> None:
    found = pixels(torch.tensor([[[-1.0, 0.5, 2.0]]]))
    np.testing.assert_array_equal(found[0, :, 0], [0, 128, 255])
    assert (found[..., 0] == found[..., 2]).all()
    assert pixels(torch.rand(5, 4, 6)).shape == (4, 6, 3)


def test_the_strip_shows_what_was_seen_and_every_frame(tmp_path: Path) -> None:
    image = torch.rand(1, 16, 16)
    frames = (torch.rand(2, 1, 16, 16) * 255).byte()
    names = draw(tmp_path, "x", image, image, frames, [0, 10], [1.0, 0.25], original=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.original.png", "x.png", "x.strip.png"]
    strip, one = (Image.open(io.BytesIO((tmp_path / names[name]).read_bytes())).size for name in ("strip", "image"))
    assert one == (16, 16)
    assert strip[0] > 3 * 128
