from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesalius.report.pictures import data_uri, open_picture


def _decoded(address: str) -> Image.Image:
    image = Image.open(BytesIO(base64.b64decode(address.partition(",")[2])))
    image.load()
    return image


def _noise(side: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))


def test_a_picture_that_fits_is_exact() -> None:
    address, factor = data_uri(_noise(40), 100_000)
    assert factor == 1
    assert (np.asarray(_decoded(address)) == np.asarray(_noise(40))).all()


@pytest.mark.parametrize("budget", [200_000, 60_000, 8_000])
def test_a_large_picture_is_made_to_fit(budget: int) -> None:
    address, factor = data_uri(_noise(512), budget)
    assert 0 < len(address) <= budget
    assert _decoded(address).width == round(512 * factor)


def test_what_cannot_fit_is_empty() -> None:
    assert data_uri(_noise(512), 50)[0] == ""


def test_grey_pictures_become_one_channel_and_others_stay(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (9, 9), dtype=np.uint8)
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "grey.png")
    _noise(9).save(tmp_path / "colour.png")
    opened, colour = open_picture(tmp_path / "grey.png"), open_picture(tmp_path / "colour.png")
    assert opened is not None
    assert colour is not None
    assert opened.mode == "L"
    assert (np.asarray(opened) == grey).all()
    assert colour.mode == "RGB"


def test_what_is_no_picture_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    assert open_picture(tmp_path / "x.png") is None
    assert open_picture(tmp_path / "absent.png") is None
