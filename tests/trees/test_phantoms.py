"""The phantoms are what tests of CT rely on: five values, every organ, each on its side."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np

from tests.trees import btcv, phantoms, tcia


def test_five_values_fourteen_labels_and_the_liver_on_the_right() -> None:
    values, labels, affine = phantoms.abdomen(noise=0)
    assert set(np.unique(values)) == {-1000, -100, 40, 200, 700}
    assert set(np.unique(labels)) == set(range(14))
    right = affine[0, 0] * np.argwhere(labels == 6)[:, 0].mean() + affine[0, 3]
    left = affine[0, 0] * np.argwhere(labels == 1)[:, 0].mean() + affine[0, 3]
    assert right > 5 > -5 > left
    assert (values[labels == 8] == phantoms.CONTRAST).all()


def test_the_trees_hold_the_same_bodies_whatever_the_layout(tmp_path: Path) -> None:
    native = btcv.write(tmp_path / "native", (1, 35), axes="LAS")
    flat = btcv.write(tmp_path / "flat", (1, 35), layout="flat", axes="RAS")
    one = nibabel.load(native / "RawData/Training/img/img0035.nii.gz")
    two = nibabel.load(flat / "imagesTr/img0035.nii.gz")
    assert nibabel.aff2axcodes(one.affine) == ("L", "A", "S")
    assert one.get_data_dtype() == np.int16
    assert np.allclose(one.header.get_zooms(), (0.8, 0.8, 5.0))
    assert (nibabel.as_closest_canonical(one).get_fdata() == two.get_fdata()).all()


def test_lists_have_the_tutorials_form(tmp_path: Path) -> None:
    if all(path.is_file() for path in btcv.LISTS.values()):
        for size, path in btcv.LISTS.items():
            theirs, ours = (
                json.loads(path.read_text()),
                json.loads(btcv.write_list(tmp_path / "list.json", size).read_text()),
            )
            assert {key: theirs[key] for key in ours} == ours
    theirs = tcia.listed()
    names = [
        entry["image"].removeprefix("data/volume-covid19-").removesuffix(".nii.gz") for entry in theirs["training"]
    ]
    rest = [
        entry["image"].removeprefix("data/volume-covid19-").removesuffix(".nii.gz") for entry in theirs["validation"]
    ]
    assert json.loads(tcia.write_list(tmp_path / "list.json", names, rest).read_text()) == theirs
