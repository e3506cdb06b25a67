from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.boxes.written import pictures
from vesalius.data.boxes.sizes import size_of


def test_width_and_height_come_from_the_header(tmp_path: Path) -> None:
    pictures(tmp_path, ["a"], (40, 30))
    assert size_of(tmp_path / "a.png") == (40, 30)
    Image.fromarray(np.zeros((20, 50), np.uint8)).save(tmp_path / "b.tiff")
    assert size_of(tmp_path / "b.tiff") == (50, 20)


def test_images_on_their_side_are_measured_upright(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(np.zeros((20, 50, 3), np.uint8)).save(tmp_path / "a.jpg", exif=turned)
    assert size_of(tmp_path / "a.jpg") == (20, 50)


def test_what_is_no_image_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    assert size_of(tmp_path / "a.png") == size_of(tmp_path / "b.png") == (0, 0)
