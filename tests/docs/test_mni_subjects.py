"""Subjects made of the MNI152 template: the same for a number, tissues where the T1 says they are, half of them stored otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

pytest.importorskip("nilearn")

from docs.proofs.mni_subjects import LABELS, subject, template, write


def test_a_subject_is_a_function_of_its_number() -> None:
    t1, tissues, affine = template()
    assert np.allclose(np.abs(np.diag(affine)[:3]), 2)
    image, labels = subject(t1, tissues, 3)
    again, _ = subject(t1, tissues, 3)
    other, _ = subject(t1, tissues, 4)
    assert np.array_equal(image, again)
    assert not np.array_equal(image, other)
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    back, rest, grey, white = (float(image[labels == k].mean()) for k in range(4))
    assert back < rest < grey < white, "as a T1 shows them"
    assert 0.1 < (labels > 1).mean() < 0.4


def test_half_of_the_files_have_other_axes(tmp_path: Path) -> None:
    file = write(tmp_path, scans=1, train=1, val=0, test=0)
    said = json.loads(file.read_text())
    assert tuple(said["labels"].values()) == LABELS
    first, second = (nibabel.load(path) for path in (tmp_path / "scans/scan_000.nii.gz", tmp_path / "imagesTr/case_001.nii.gz"))
    codes = [nibabel.orientations.aff2axcodes(image.affine) for image in (first, second)]  # type: ignore[attr-defined]
    assert codes == [("R", "A", "S"), ("L", "P", "S")]
    x, y, _ = second.shape  # type: ignore[attr-defined]
    corner = second.affine @ [x - 1, y - 1, 0, 1]  # type: ignore[attr-defined]
    assert np.allclose(first.affine @ [0, 0, 0, 1], corner), "one place in the body"  # type: ignore[attr-defined]
