"""Every file with pixels that pydicom and pydicom-data hold is read as pydicom's own functions read it, or refused by name."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pydicom
import pytest

from tests.data.readers.dicom_files import by_pydicom, files, with_pixels
from tests.trees.dicom import radiograph
from vesalius.data import readers
from vesalius.data.outcomes import Decoded, Kind, Unreadable

DAMAGED, WRONG = (
    "Its compressed pixels are damaged: no installed decoder reads them.",
    "Its content is damaged or not valid DICOM.",
)
REFUSED = {
    "JPEG-lossy.dcm": (Kind.CORRUPT, DAMAGED),
    "JPEG2000-embedded-sequence-delimiter.dcm": (Kind.CORRUPT, DAMAGED),
    "MR_truncated.dcm": (Kind.TRUNCATED, "The file ends before its pixels do."),
    "badVR.dcm": (Kind.CORRUPT, WRONG),
}
"""Files with pixels that are not read, and why: pydicom refuses them too."""
BLANK = ("17166", "17196")
"""Their own windows show nothing but white; percentiles stand in."""


def read(name: str, window: str, frame: int = 0) -> Decoded:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return readers.read(files()[name], frame, window=window)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", with_pixels())
def test_as_pydicom_reads_it(name: str) -> None:
    if name in REFUSED:
        with pytest.raises(Unreadable) as refused:
            read(name, "file")
        assert (refused.value.kind, str(refused.value)) == REFUSED[name]
        return
    windows = ("file", "none") if files()[name].stat().st_size < 1 << 18 else ("file",)
    for window in windows:
        found = read(name, window)
        level = found.pixels * found.scale
        assert level.max() <= 1
        if name in BLANK and window == "file":
            assert 0 < level.mean() < 1
            continue
        expected = by_pydicom(files()[name], 0, window)
        step = 1 / 510 if found.pixels.dtype == np.uint8 else 1 / 65535  # of 10 bits and more, none is lost
        assert level.shape == expected.shape
        assert np.abs(level - expected).max() <= step + 1e-9


def test_every_file_with_pixels_is_among_them() -> None:
    assert len(with_pixels()) >= 170
    assert set(REFUSED) <= set(with_pixels())


@pytest.mark.parametrize("name", ["emri_small.dcm", "color3d_jpeg_baseline.dcm", "SC_rgb_rle_2frame.dcm"])
def test_the_last_frame(name: str) -> None:
    count = int(pydicom.dcmread(files()[name], stop_before_pixels=True).NumberOfFrames)
    found = read(name, "file", count - 1)
    assert found.frames == count
    expected = by_pydicom(files()[name], count - 1, "file")
    assert (
        np.abs(found.pixels * found.scale - expected).max()
        <= (1 / 510 if found.pixels.dtype == np.uint8 else 1 / 65535) + 1e-9
    )


def test_what_is_no_image_is_refused_without_a_crash() -> None:
    others = set(files()) - set(with_pixels())
    for name in others:
        with pytest.raises(Unreadable):
            read(name, "file")


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "JPGExtended.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_without_the_extra_it_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pydicom.pixels import get_decoder

    uid = pydicom.dcmread(files()[name], stop_before_pixels=True).file_meta.TransferSyntaxUID
    chosen = get_decoder(uid)
    monkeypatch.setattr(chosen, "_available", {})
    with pytest.raises(Unreadable, match=r"pip install 'vesalius\[dicom\]'") as caught:
        read(name, "file")
    assert caught.value.kind is Kind.NEEDS_PACKAGE


def test_a_refusal_repeats_no_word_of_the_file() -> None:
    data = radiograph(np.zeros((8, 8), np.uint16), "Doe^Jane", "1.2.3")
    data.Modality, data.StudyID = "DOE JANE", "Jane"
    del data.PixelData
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    with pytest.raises(Unreadable) as refused:
        readers.read(file.getvalue())
    assert str(refused.value) == "It is DICOM without pixels (other)."
