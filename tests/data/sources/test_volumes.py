from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.data.readers.dicom_files import files
from tests.trees.dicom import write as write_radiographs
from tests.trees.series import enhanced, save, slices
from tests.volumes import LABELS, head, write, write_tree
from vesalius.data.readers.volume import read_volume
from vesalius.data.references import resolve
from vesalius.data.sources import volumes
from vesalius.errors import UserError

IMAGE, MASK, AFFINE = head((9, 7, 6))


def test_images_with_labels_are_a_segmentation(tmp_path: Path) -> None:
    write_tree(tmp_path, 3, side=(9, 7, 6))
    write(tmp_path / "imagesTr" / "other.nii.gz", IMAGE, AFFINE)
    (tmp_path / "readme.txt").write_text("words")
    table = resolve(tmp_path)
    assert (table.source, table.dims, len(table), table.private) == ("volumes", 3, 3, True)
    assert table.frame["uri"].tolist() == [f"imagesTr/case_00{n}.nii.gz" for n in range(3)]
    assert table.frame["mask"].tolist() == [f"labelsTr/case_00{n}.nii.gz" for n in range(3)]
    assert table.task is not None
    assert (table.task.kind, table.task.classes) == ("segmentation", ("background", "label 1", "label 2", "label 3"))
    assert any("1 volumes have no label volume" in sentence for sentence in table.warnings)
    assert any("named by their numbers" in sentence for sentence in table.warnings)
    assert "case" not in json.dumps(table.warnings)
    named = resolve(tmp_path, labels=LABELS)
    assert named.task is not None
    assert named.task.classes == tuple(LABELS)
    assert np.array_equal(named.ids, table.ids)
    every = resolve(tmp_path, labels=False)
    assert (len(every), every.task, "mask" in every.frame) == (4, None, False)
    with pytest.raises(UserError, match=r"Name all from 0 on, as in \[background, liver\]"):
        resolve(tmp_path, labels="liver")


def test_whose_a_volume_is(tmp_path: Path) -> None:
    for name in ("sub-01/ses-1/anat/sub-01_T1w", "sub-01/ses-2/anat/sub-01_T1w", "sub-02/anat/sub-02_T1w"):
        write(tmp_path / "bids" / f"{name}.nii.gz", IMAGE, AFFINE)
    subjects = resolve(tmp_path / "bids").subjects
    assert subjects is not None
    assert subjects[0] == subjects[1] != subjects[2]
    for name in ("a/one_t1", "a/one_t2", "a/one_seg", "b/two_t1", "b/two_seg"):
        write(tmp_path / "contrasts" / f"{name}.nii.gz", MASK, AFFINE)
    contrasts = resolve(tmp_path / "contrasts")
    assert contrasts.subjects is not None
    assert contrasts.subjects[0] == contrasts.subjects[1] != contrasts.subjects[2]
    assert resolve(write_tree(tmp_path / "plain", 2, side=8)).subjects is None
    ruled = resolve(tmp_path / "plain", subject=r"case_(\d+)").subjects
    assert ruled is not None
    assert len(set(ruled)) == 2


def test_first_folders_may_be_the_split(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write_tree(tmp_path / part, 2, side=8, seed=len(part))
    table = resolve(tmp_path)
    assert (len(table.rows("train")), len(table.rows("val")), table.split_by) == (2, 2, "source")


def test_dicom_series_of_a_tree(tmp_path: Path) -> None:
    save(tmp_path / "p1" / "scan", slices(IMAGE, AFFINE, series=1, patient="one"))
    save(tmp_path / "p2" / "both", slices(IMAGE, AFFINE, series=2, patient="two"))
    save(tmp_path / "p2" / "both", slices(MASK.astype(np.int16), AFFINE, series=3, patient="two"), first=50)
    save(tmp_path / "p3" / "a", slices(IMAGE, AFFINE, series=4, patient="three")[:3])
    save(tmp_path / "p3" / "b", slices(IMAGE, AFFINE, series=4, patient="three")[3:])
    save(tmp_path / "p3" / "scout", slices(IMAGE, AFFINE, series=5, patient="three")[:1])
    enhanced(IMAGE, AFFINE).save_as(tmp_path / "p1" / "all.dcm", enforce_file_format=True)
    (tmp_path / "notes.csv").write_text("a\n")
    table = resolve(tmp_path, dims=3)
    assert len(table) == 5
    assert [uri.partition("#")[0] for uri in table.frame["uri"]] == [
        "p1/all.dcm",
        "p1/scan",
        "p2/both",
        "p2/both",
        "p3",
    ]
    assert table.frame["depth"].tolist() == [6] * 5
    assert table.frame["meta.modality"].tolist() == ["CT"] * 5
    assert table.subjects is not None
    assert len(set(table.subjects)) == 4
    assert any("1 series of one slice" in sentence for sentence in table.warnings)
    for uri in table.frame["uri"]:
        assert read_volume(table.path(uri)).values.shape == IMAGE.shape
    said = volumes.originals(table.path(table.frame["uri"].iloc[1]))
    assert said["PatientID"] == "one"
    text = table.frame.to_string() + json.dumps(table.warnings)
    assert said["SeriesInstanceUID"] not in text
    (tmp_path / "labels.csv").write_text("PatientID,finding\none,sick\ntwo,well\nthree,sick\n")
    labelled = resolve(tmp_path, dims=3, labels_file=str(tmp_path / "labels.csv"))
    assert labelled.task is not None
    assert labelled.labels("finding").tolist()[1:] == [0, 1, 1, 0]


def test_the_real_tree_of_pydicom() -> None:
    root = files()["17106"].parents[2]
    table = resolve(root, dims=3)
    assert len(table) == 6
    assert set(table.frame["depth"]) == {2, 3, 4, 5, 7}


def test_what_a_folder_is_taken_for(tmp_path: Path) -> None:
    series, images = tmp_path / "series", write_tree(tmp_path / "nifti", 2, side=8)
    save(series, slices(IMAGE, AFFINE))
    assert resolve(series).source == "dicom", "slices are pictures where nobody asks for volumes"
    assert resolve(series, dims=3, least=1).source == "volumes"
    radiographs = write_radiographs(tmp_path / "radiographs", patients=3, side=16)
    assert (resolve(radiographs).dims, resolve(radiographs, dims=2).dims) == (2, 2)
    with pytest.raises(UserError, match="radiographs holds 1 volume, and at least 2 are needed"):
        resolve(radiographs, dims=3)
    with pytest.raises(UserError, match="holds volumes, and images are asked for"):
        resolve(images, dims=2)
    with pytest.raises(UserError, match="demo holds images, and volumes are asked for"):
        resolve("demo", dims=3)
    table = tmp_path / "table.csv"
    table.write_text(
        "path,mask,finding\nimagesTr/case_000.nii.gz,labelsTr/case_000.nii.gz,a\nimagesTr/case_001.nii.gz,labelsTr/case_001.nii.gz,b\n"
    )
    listed = resolve(table, root=images)
    assert (listed.dims, listed.frame["mask"].notna().all()) == (3, True)


def test_folders_without_volumes(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("words")
    with pytest.raises(UserError, match="holds no volumes"):
        resolve(tmp_path, dims=3)
    with pytest.raises(UserError, match="no folder"):
        resolve(f"volumes@{tmp_path / 'nowhere'}")
    write_tree(tmp_path / "zeros", 2, side=8)
    for number in range(2):
        write(tmp_path / "zeros" / "labelsTr" / f"case_00{number}.nii.gz", np.zeros((8, 8, 8), np.uint8), AFFINE)
    with pytest.raises(UserError, match="no label but 0"):
        resolve(tmp_path / "zeros")
