from __future__ import annotations

import pytest

from vesalius.data.readers.dicom_words import LATERALITIES, MODALITIES, NO_PICTURES, VIEWS, listed, modality


@pytest.mark.parametrize(("said", "word"), [("CT", "CT"), (" mr ", "MR"), ("DOE^JOHN", "other"), (None, "other"), ("", "other")])
def test_only_words_of_the_standard_are_repeated(said: object, word: str) -> None:
    assert modality(said) == word


def test_a_name_in_place_of_a_view_is_not_repeated() -> None:
    assert listed("pa", VIEWS) == "PA"
    assert listed("Doe", VIEWS) is None
    assert listed("l", LATERALITIES) == "L"


def test_what_is_no_picture_is_a_modality_all_the_same() -> None:
    assert NO_PICTURES <= MODALITIES
    assert not NO_PICTURES & {"CT", "MR", "DX", "CR", "MG"}
