"""What label volumes are called, and what counts as whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vesalius.tasks.label_files import Written, names, voxel_ml, whole

IDS = ["0123456789abcdef", "fedcba9876543210"]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("a.nii.gz", "a_seg.nii.gz"),
        ("sub/a.nii", "sub/a_seg.nii"),
        ("a.b.NRRD", "a.b_seg.nrrd"),
        ("x/a.mhd", "x/a_seg.mha"),
        ("patient/ct#4f2a", "patient/ct_4f2a_seg.nii.gz"),
        ("enhanced.dcm", "enhanced_seg.nii.gz"),
        ("../out/a.nii.gz", "out/a_seg.nii.gz"),
        ("/data/hospital/a.nii.gz", "a_seg.nii.gz"),
        ("s3://bucket/a.nii.gz", "a_seg.nii.gz"),
    ],
)
def test_as_the_scan_is_called_and_below_the_folder(uri: str, name: str):
    assert names([uri], IDS[:1]) == [name]


def test_scans_that_would_share_a_name_are_told_apart():
    assert names(["x/a.mha", "x/a.mhd"], IDS) == ["x/a-01234567_seg.mha", "x/a-fedcba98_seg.mha"]
    assert names(["x/a.mha", "y/a.mha"], IDS) == ["x/a_seg.mha", "y/a_seg.mha"]


def test_a_file_that_was_cut_is_not_whole(tmp_path: Path):
    (tmp_path / "a_seg.nii").write_bytes(b"12345")
    written = Written("a_seg.nii", 5, [4, 1], [0.4, 0.1])
    assert whole(tmp_path, written.as_dict(), probabilities=False) == written
    assert whole(tmp_path, written.as_dict(), probabilities=True) is None, "the probabilities are not there"
    assert whole(tmp_path, {**written.as_dict(), "bytes": 6}, probabilities=False) is None
    assert whole(tmp_path, {"file": "a_seg.nii"}, probabilities=False) is None
    (tmp_path / "a_seg.nii").unlink()
    assert whole(tmp_path, written.as_dict(), probabilities=False) is None


def test_millilitres_of_a_voxel_whatever_way_it_lies():
    turned = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, 6], [0, 0, 3.0, 7], [0, 0, 0, 1]])
    assert voxel_ml(turned) == pytest.approx(0.009)
