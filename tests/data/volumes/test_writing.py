from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from tests.trees.series import save, slices
from tests.volumes import head
from vesalius.data.readers.volume import read_volume
from vesalius.data.volumes.writing import SUFFIXES, suffix_for, write_volume
from vesalius.errors import UserError

IMAGE, LABELS, AFFINE = head((7, 9, 5))
OBLIQUE = np.array([[0, 0.3, 4.77, 10], [0.9, 0, 0, -50], [0, -0.954, 1.5, 80], [0, 0, 0, 1]])


@pytest.mark.parametrize("affine", [AFFINE, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_labels_and_probabilities_as_itk_reads_them(suffix: str, affine: np.ndarray, tmp_path: Path) -> None:
    path = write_volume(tmp_path / "new" / f"labels{suffix}", LABELS, affine)
    volume = read_volume(path)
    assert np.array_equal(volume.values, LABELS)
    assert np.allclose(volume.affine, affine, atol=1e-5)
    image = SimpleITK.ReadImage(str(path))
    assert image.GetPixelID() == SimpleITK.sitkUInt8
    assert np.array_equal(SimpleITK.GetArrayFromImage(image).T, LABELS)
    x, y, z = image.TransformIndexToPhysicalPoint((3, 2, 4))
    assert np.allclose(affine @ (3, 2, 4, 1), (-x, -y, z, 1), atol=1e-4)
    likely = np.random.default_rng(0).random((4, 7, 9, 5), np.float32)
    read = SimpleITK.GetArrayFromImage(
        SimpleITK.ReadImage(str(write_volume(tmp_path / f"all{suffix}", likely, affine)))
    )
    assert np.array_equal(read.transpose(0, 3, 2, 1) if ".nii" in suffix else read.transpose(3, 2, 1, 0), likely)


def test_a_nifti_input_keeps_its_header_to_the_bit(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(IMAGE, None)
    image.header.set_sform(OBLIQUE * [[0.001], [0.001], [0.001], [1]], 2)
    image.header.set_qform(OBLIQUE * [[0.001], [0.001], [0.001], [1]], 4)
    image.header.set_xyzt_units("meter", "msec")
    nibabel.save(image, tmp_path / "image.nii.gz")
    volume = read_volume(tmp_path / "image.nii.gz")
    path = write_volume(tmp_path / "labels.nii.gz", LABELS, volume.affine, like=tmp_path / "image.nii.gz")
    written, own = nibabel.load(path), nibabel.load(tmp_path / "image.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj), LABELS)
    assert written.get_data_dtype() == np.uint8
    for name in (
        "srow_x",
        "srow_y",
        "srow_z",
        "quatern_b",
        "quatern_c",
        "quatern_d",
        "qoffset_x",
        "sform_code",
        "qform_code",
        "xyzt_units",
    ):
        assert np.array_equal(written.header[name], own.header[name])
    assert np.array_equal(written.header["pixdim"][:4], own.header["pixdim"][:4])
    assert np.array_equal(read_volume(path).affine, volume.affine)


def test_a_series_becomes_nifti_where_its_slices_lie(tmp_path: Path) -> None:
    folder = save(tmp_path / "scan", slices(IMAGE, OBLIQUE))
    volume = read_volume(folder)
    path = write_volume(tmp_path / f"scan{suffix_for('scan')}", LABELS, volume.affine, like=folder)
    assert path.name == "scan.nii.gz"
    assert np.allclose(read_volume(path).affine, volume.affine, atol=1e-4)


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        one, two = (write_volume(tmp_path / f"{name}{suffix}", LABELS, AFFINE).read_bytes() for name in "ab")
        assert one == two


def test_which_suffix(tmp_path: Path) -> None:
    names = {
        "a/b.nii": ".nii",
        "b.NII.GZ": ".nii.gz",
        "x.nrrd": ".nrrd",
        "x.nhdr": ".nrrd",
        "x.mhd": ".mha",
        "a.b/IM0001": ".nii.gz",
        "f#12ab": ".nii.gz",
    }
    assert {name: suffix_for(name) for name in names} == names
    with pytest.raises(UserError, match=r"suffix names no format. Give one of .nii.gz"):
        write_volume(tmp_path / "labels.png", LABELS, AFFINE)
