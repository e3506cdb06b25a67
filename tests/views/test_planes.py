from __future__ import annotations

import io

import torch
from PIL import Image

from vesalius.views.planes import planes, sheet


def test_a_volume_is_shown_as_a_radiologist_holds_it() -> None:
    volume = torch.zeros(4, 6, 8)
    volume[3, 5, 7] = 1  # right, front, top
    volume[:, 3, :] += 0.5 * (torch.arange(8) == 7)
    axial, coronal, sagittal = planes(volume)
    assert axial.shape == (6, 4)
    assert coronal.shape == (8, 4)
    assert sagittal.shape == (8, 6)
    assert bool((coronal[0] > 0).all())  # the top of the body is up
    assert not coronal[1:].any()


def test_an_image_is_its_own_only_plane() -> None:
    image = torch.rand(5, 7)
    assert len(planes(image)) == 1
    assert torch.equal(planes(image)[0], image)


def test_columns_are_images_and_their_titles_stand_in_the_file() -> None:
    shown = Image.open(io.BytesIO(sheet([[torch.rand(8, 8), torch.rand(8, 8)]], ["seen", "painted"], least=16)))
    assert shown.text["columns"] == "seen|painted"  # type: ignore[attr-defined]
    assert shown.width > 2 * 16
