from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.dataset import FileDataset
from pydicom.uid import RLELossless

from tests.data.readers.dicom_files import files
from tests.trees.series import enhanced, save, slices
from tests.volumes import head
from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.volume import read_volume

IMAGE, _, _ = head((9, 7, 6))
RAW = (IMAGE + 1024).astype(np.uint16)
AXIAL = np.array([[-0.8, 0, 0, 60], [0, -0.8, 0, 70.5], [0, 0, 5, -200], [0, 0, 0, 1]])
OBLIQUE = np.array([[0, 0.3, 4.77, 10], [0.9, 0, 0, -50], [0, -0.954, 1.5, 80], [0, 0, 0, 1]])
"""A sagittal stack, turned."""


@pytest.mark.parametrize("affine", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_slices_in_the_order_of_their_places(affine: np.ndarray, tmp_path: Path) -> None:
    folder = save(tmp_path / "scan", slices(RAW, affine, slope=1, intercept=-1024))
    volume = read_volume(folder)
    assert volume.values.dtype == np.int16
    voxels = np.indices(IMAGE.shape).reshape(3, -1)
    there = np.linalg.inv(affine) @ volume.affine @ np.vstack([voxels, np.ones(voxels.shape[1])])
    assert np.allclose(there, there.round(), atol=1e-3)
    assert np.array_equal(volume.values[tuple(voxels)], IMAGE[tuple(there[:3].round().astype(int))])
    assert not volume.notes


def test_as_itk_reads_a_real_series() -> None:
    folder = files()["CT5N/2062"].parent if "CT5N/2062" in files() else files()["2062"].parent
    volume = read_volume(folder)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    assert np.array_equal(volume.values, SimpleITK.GetArrayFromImage(image).T)
    assert volume.spacing == pytest.approx((0.488281, 0.488281, 2.5))
    for voxel in ((0, 0, 0), (5, 3, 4)):
        x, y, z = image.TransformIndexToPhysicalPoint(voxel)
        assert np.allclose(volume.affine @ (*voxel, 1), (-x, -y, z, 1), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("17106", "4 slices are 1.25 to 202.5 mm apart: about 161 are missing, the first after -99.48 mm"),
        ("6293", "2 slices point 2 different ways"),
        ("4467", "7 slices point 7 different ways"),
        ("15820", "3 DICOM series"),
        ("6154", "do not say where they lie"),
        ("IM000000", "no DICOM series"),
    ],
)
def test_real_folders_that_hold_no_volume(name: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_volume(files()[name].parent)


def moved(place: int, by: float) -> Callable[[list[FileDataset]], None]:
    def change(made: list[FileDataset]) -> None:
        x, y, z = made[place].ImagePositionPatient
        made[place].ImagePositionPatient = [x, y, z + by]

    return change


def dropped(place: int) -> Callable[[list[FileDataset]], None]:
    return lambda made: made.pop(place) and None


def setting(name: str, value: object, place: int = 2) -> Callable[[list[FileDataset]], None]:
    return lambda made: setattr(made[place], name, value)


def another_size(made: list[FileDataset]) -> None:
    made[3:4] = slices(RAW[:5, :5], AXIAL)[3:4]


def a_second_time(made: list[FileDataset]) -> None:
    again = slices(RAW, AXIAL)
    for number, dataset in enumerate(again):
        dataset.SOPInstanceUID += f".9{number}"
    made += again


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dropped(2), "5 slices are 5 to 10 mm apart: about 1 are missing, the first after -195 mm"),
        (moved(3, 1.7), "apart: they are not evenly spaced"),
        (moved(3, -5), "6 slices lie at 5 places, up to 2 at one"),
        (a_second_time, "12 slices lie at 6 places, up to 2 at one: several volumes"),
        (another_size, "2 sizes: 5 of 9 x 7, 1 of 5 x 5"),
        (setting("ImageOrientationPatient", [0, 1, 0, 0, 0, -1]), "point 2 different ways"),
        (setting("PixelSpacing", [0.9, 0.9]), "2 different spacings of pixels, from 0.8 to 0.9 mm"),
        (setting("ImagePositionPatient", None), "1 of its 6 slices do not say where they lie"),
        (setting("ImagePositionPatient", [30, -70.5, -190]), "sideways .* by up to 90 mm"),
        (setting("PhotometricInterpretation", "PALETTE COLOR"), "colour"),
        (lambda made: made.__delitem__(slice(1, None)), "one slice"),
        (setting("PixelData", b"\0" * 20), "ends before its pixels"),
    ],
)
def test_what_makes_no_volume_is_refused_with_what_was_found(
    change: Callable[[list[FileDataset]], None], words: str, tmp_path: Path
) -> None:
    made = slices(RAW, AXIAL)
    change(made)
    with pytest.raises(Unreadable, match=words) as caught:
        read_volume(save(tmp_path / "scan", made))
    assert caught.value.kind in (Kind.GEOMETRY, Kind.UNSUPPORTED, Kind.TRUNCATED)
    assert "somebody" not in str(caught.value)


def test_places_rounded_by_the_scanner_and_a_tilted_gantry(tmp_path: Path) -> None:
    fine = AXIAL.copy()
    fine[2, 2] = 1.25
    rounded = slices(RAW, fine)
    for dataset in rounded:
        dataset.ImagePositionPatient = [round(float(x), 1) for x in dataset.ImagePositionPatient]
    assert read_volume(save(tmp_path / "rounded", rounded)).spacing[2] == pytest.approx(1.25, abs=0.02)
    tilted = AXIAL.copy()
    tilted[1, 2] = 1.5
    volume = read_volume(save(tmp_path / "tilted", slices(RAW, tilted)))
    assert np.allclose(volume.affine, tilted, atol=1e-4)
    assert "sheared by 16.7 degrees" in volume.notes[0]


def test_a_slice_stored_twice_is_one_slice(tmp_path: Path) -> None:
    made = slices(RAW, AXIAL)
    volume = read_volume(save(tmp_path / "scan", [*made, made[2]]))
    assert volume.values.shape == IMAGE.shape
    assert volume.notes == ("1 slices are stored twice",)


def test_every_slice_its_own_scale(tmp_path: Path) -> None:
    made = slices(RAW, AXIAL)
    for number, dataset in enumerate(made):
        dataset.RescaleSlope = 1 + number / 4
    volume = read_volume(save(tmp_path / "pet", made))
    assert volume.values.dtype == np.float32
    assert np.array_equal(volume.values, RAW * (1 + np.arange(6, dtype=np.float32) / 4))


def test_twelve_bits_with_others_above_them(tmp_path: Path) -> None:
    made = slices((RAW & 4095 | 0x7000).astype(np.uint16), AXIAL, intercept=-1024)
    for dataset in made:
        dataset.BitsStored, dataset.HighBit = 12, 11
    assert np.array_equal(read_volume(save(tmp_path / "scan", made)).values, IMAGE)


def test_compressed_slices(tmp_path: Path) -> None:
    made = slices(RAW, AXIAL, intercept=-1024)
    for dataset in made:
        dataset.compress(RLELossless, generate_instance_uid=False)
    assert np.array_equal(read_volume(save(tmp_path / "scan", made)).values, IMAGE)


def test_one_of_several_series_of_a_folder(tmp_path: Path) -> None:
    from vesalius.data.subjects import hashed

    one, two = slices(RAW, AXIAL, series=1), slices(RAW[::-1].copy(), AXIAL, series=2)
    save(tmp_path / "mixed", one)
    save(tmp_path / "mixed", two, first=100)
    (tmp_path / "mixed" / "notes.txt").write_text("nothing")
    names = hashed([str(made[0].SeriesInstanceUID) for made in (one, two)])
    assert np.array_equal(read_volume(tmp_path / "mixed" / f"#{names[0]}").values, RAW)
    assert np.array_equal(read_volume(tmp_path / f"mixed#{names[1]}").values, RAW[::-1])
    with pytest.raises(Unreadable, match="no such DICOM series"):
        read_volume(tmp_path / "mixed#0123456789abcdef")
    with pytest.raises(Unreadable, match="2 DICOM series"):
        read_volume(tmp_path / "mixed")


def test_a_server_that_is_gone_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesalius.data.readers import volume_series
    from vesalius.files import Unreachable

    def gone(*_: object) -> None:
        raise Unreachable("No answer.")

    folder = save(tmp_path / "scan", slices(RAW, AXIAL))
    monkeypatch.setattr(volume_series, "opened", gone)
    with pytest.raises(Unreadable, match="No answer") as caught:
        read_volume(folder)
    assert caught.value.kind == Kind.UNREACHABLE


def test_an_enhanced_multi_frame_file(tmp_path: Path) -> None:
    enhanced(RAW, AXIAL, slope=1, intercept=-1024).save_as(tmp_path / "all.dcm", enforce_file_format=True)
    volume = read_volume(tmp_path / "all.dcm")
    assert np.array_equal(volume.values, IMAGE)
    assert np.allclose(volume.affine, AXIAL, atol=1e-4)
    real = read_volume(files()["eCT_Supplemental.dcm"])
    dataset = pydicom.dcmread(files()["eCT_Supplemental.dcm"])
    assert real.values.shape == (512, 512, 2)
    for place, frame in enumerate((0, 1) if real.affine[2, 2] > 0 else (1, 0)):
        assert np.array_equal(real.values[:, :, place].T, dataset.pixel_array[frame].astype(int) - 1024)
    with pytest.raises(Unreadable, match="10 of its 10 slices do not say where they lie"):
        read_volume(files()["emri_small.dcm"])
    with pytest.raises(Unreadable, match="one slice"):
        read_volume(files()["CT_small.dcm"])
