from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.trees.pixels import radiographs
from vesalius.data.perceptual import BITS, DISTANCE, bits_of, thumbnail


def bits(image: NDArray[Any]) -> NDArray[np.uint8]:
    small = thumbnail(image if image.ndim == 3 else image[None])
    assert small is not None
    return bits_of(small[None])[0]


def apart(one: NDArray[Any], other: NDArray[Any]) -> int:
    return int(np.unpackbits(bits(one) ^ bits(other)).sum())


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return radiographs(1, 256, seed=5)[0]


def test_what_keeps_a_hash(image: NDArray[np.uint8]) -> None:
    assert bits(image).shape == (BITS // 8,)
    assert apart(image, 60 + image // 4) < 30  # another brightness and contrast, two bits fewer
    assert apart(image, image.astype(np.uint16) * 16) == 0
    assert apart(image, np.repeat(image[None], 3, axis=0)) == 0
    assert apart(image, 255 - image) > BITS - 5
    other_size = np.asarray(Image.fromarray(image).resize((230, 282), Image.Resampling.LANCZOS))
    packed = io.BytesIO()
    Image.fromarray(other_size).save(packed, "JPEG", quality=90)
    assert apart(image, np.asarray(Image.open(packed))) <= DISTANCE


def test_what_does_not(image: NDArray[np.uint8]) -> None:
    assert apart(image, image[40:]) > DISTANCE
    for other in (image[:, ::-1], np.rot90(image), radiographs(2, 256, seed=5)[1]):
        distance = apart(image, other)
        assert 2 * DISTANCE < distance < BITS - 2 * DISTANCE


def test_too_small_or_too_flat_has_none() -> None:
    assert thumbnail(np.zeros((1, 23, 200), np.uint8)) is None
    assert thumbnail(np.full((1, 200, 200), 7, np.uint8)) is None
    assert thumbnail(np.full((1, 200, 200), 3000, np.uint16)) is None


def test_the_transform_is_the_orthonormal_one() -> None:
    from scipy.fft import dctn

    from vesalius.data.perceptual import _places

    noise = np.random.default_rng(0).normal(size=(3, 64, 64)).astype(np.float32)
    rows, columns = _places()
    wanted = dctn(noise.astype(np.float64), axes=(1, 2), norm="ortho")[:, rows, columns] > 0
    assert (np.unpackbits(bits_of(noise), axis=1) == wanted).all()
    sums = rows + columns
    assert (np.diff(sums) >= 0).all()
    assert (sums[0], sums[-1]) == (4, 31)
    assert len({*zip(rows.tolist(), columns.tolist(), strict=True)}) == BITS
