from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.data.lists import nnunet
from vesalius.errors import UserError

SAID = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "organ": 1}, "file_ending": ".nii.gz"}


def written(root: Path, names: list[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    return root / "dataset.json"


def test_cases_are_found_by_the_folders_beside_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        ["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "imagesTs/b_0000.nii.gz", "labelsTs/b.nii.gz", "imagesTs/d_0000.nii.gz", "imagesTr/c.txt"],
    )
    assert nnunet.fits(SAID)
    found = nnunet.read(SAID, file, None)
    assert [(e.image, e.mask, e.split or "") for e in found.entries] == [
        ("imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", ""), ("imagesTs/b_0000.nii.gz", "labelsTs/b.nii.gz", "test"),
    ]  # fmt: skip
    assert found.classes == ("background", "organ")


def test_cases_may_be_listed(tmp_path: Path) -> None:
    found = nnunet.read({**SAID, "dataset": {"a": {"images": ["x.nii.gz"], "label": "y.nii.gz"}}}, tmp_path / "dataset.json", None)
    assert [(e.image, e.mask) for e in found.entries] == [("x.nii.gz", "y.nii.gz")]
    with pytest.raises(UserError, match="has no list 'images'"):
        nnunet.read({**SAID, "dataset": {"a": {}}}, tmp_path / "dataset.json", None)


def test_nothing_there_and_several_channels_with_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no volume"):
        nnunet.read(SAID, tmp_path / "dataset.json", None)
    file = written(tmp_path, ["imagesTr/a_0000.nii.gz", "imagesTr/a_0001.nii.gz", "labelsTr/a.nii.gz"])
    with pytest.raises(UserError, match="channels"):
        nnunet.read(SAID, file, None)
