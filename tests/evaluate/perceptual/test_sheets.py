from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vesalius.evaluate.perceptual import sheets
from vesalius.evaluate.perceptual.sought import Made


def test_what_was_not_compared_is_empty_in_the_table(tmp_path: Path) -> None:
    means = {("b", "y"): {"vgg": 0.25}, ("b", "x"): {"vgg": 0.1234567}, ("a", "x"): {"vgg": 2.0}}
    (file,) = sheets.write_tables(tmp_path, means, ["vgg"])
    assert file == tmp_path / "perceptual-distance" / "vgg.csv"
    assert file.read_text() == "model,y,x\nb,0.250000,0.123457\na,,2.000000\n"


def test_several_reconstructions_of_one_image_are_files_of_their_own(tmp_path: Path) -> None:
    for name in ("original", "one", "other"):
        Image.fromarray(np.full((64, 64, 3), len(name), np.uint8)).save(tmp_path / f"{name}.png")
    pairs = [Made("m", "d", "00ff", tmp_path / "original.png", tmp_path / f"{name}.png") for name in ("one", "other")]
    rows = [{"id": "00ff", "perceptual_distance": 0.1}, {"id": "00ff", "perceptual_distance": 0.2}]
    sheets.write_pictures(tmp_path / "run", rows, pairs, None)
    assert [row["image"] for row in rows] == ["perceptual-distance/m/d/00ff.png", "perceptual-distance/m/d/00ff-1.png"]
    for row, level in zip(rows, (3, 5), strict=True):
        with Image.open(tmp_path / "run" / row["image"]) as made, Image.open(tmp_path / "run" / row["original"]) as original:
            assert (made.getpixel((0, 0))[0], original.getpixel((0, 0))[0]) == (level, 8)


def test_what_lies_in_the_run_is_not_written_again(tmp_path: Path) -> None:
    pairs = [Made("m", "d", "00ff", tmp_path / "gone.png", tmp_path / "gone.png")]
    rows = [{"id": "00ff", "perceptual_distance": 0.1, "image": "r/00ff.png", "original": "r/00ff.original.png"}]
    sheets.write_pictures(tmp_path, rows, pairs, None)
    assert not (tmp_path / "perceptual-distance").exists()
