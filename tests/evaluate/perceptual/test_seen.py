from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import functional as F

from vesalius.errors import UserError
from vesalius.evaluate.perceptual import seen


def _picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(300, 200), (200, 301), (224, 224), (100, 64), (225, 225), (224, 500)])
def test_resized_as_torchvision_does_to_the_originals_pictures(size: tuple[int, int]) -> None:
    picture = _picture(*size)
    expected = F.center_crop(F.resize(Image.fromarray(picture), 224, F.InterpolationMode.BICUBIC), 224)
    np.testing.assert_array_equal(seen.resized(picture, 224), np.asarray(expected))


def test_as_they_are_where_equally_large_and_not_too_small(tmp_path: Path) -> None:
    for name, side in (("a", 80), ("b", 80), ("small", 40), ("large", 224)):
        Image.fromarray(_picture(side, side)).save(tmp_path / f"{name}.png")

    def sizes(one: str, other: str, side: int | None = None) -> set[tuple[int, ...]]:
        return {picture.shape[:2] for picture in seen.pair(tmp_path / f"{one}.png", tmp_path / f"{other}.png", side)}

    assert sizes("a", "b") == {(80, 80)}
    assert sizes("a", "b", 96) == {(96, 96)}
    assert sizes("small", "small") == {(224, 224)}
    assert sizes("a", "large") == {(224, 224)}


def test_grey_and_sixteen_bits_are_read_as_colours_and_what_is_no_image_is_named(tmp_path: Path) -> None:
    grey = _picture(64, 64)[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    one, other = seen.pair(tmp_path / "grey.png", tmp_path / "deep.png", None)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, np.repeat(grey[..., None], 3, 2))
    (tmp_path / "none.png").write_text("no image")
    with pytest.raises(UserError, match="cannot be compared"):
        seen.pair(tmp_path / "none.png", tmp_path / "grey.png", None)
