from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.trees.series import save, slices
from tests.volumes import LABELS, head, write, write_tree
from vesalius.cli import app
from vesalius.data.checking import check

SIDES = (12, 10, 9)
IMAGE, MASK, AFFINE = head(SIDES)
ODD = {
    "case_001": "It has 4 dimensions (12 x 10 x 9 x 2)",
    "case_002": "Its label volume lies up to 30 mm from the image.",
    "case_003": "Its label volume has 12 x 10 x 5 voxels, the image 12 x 10 x 9.",
    "case_004": "Its label volume: It is to hold labels, but holds 0.5, which is no whole number.",
    "case_005": "The file is empty (0 bytes).",
    "case_006": "The file ends before its voxels do",
}
"""Volumes that are left out, and why."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Ten heads, of which seven have something wrong with them, one is stored twice and one is missing."""
    write_tree(tmp_path, 10, side=SIDES)
    images, labels = tmp_path / "imagesTr", tmp_path / "labelsTr"
    holed = IMAGE.astype(np.float32)
    holed[0, 0, 0] = np.nan
    write(images / "case_000.nii.gz", holed, AFFINE)
    write(images / "case_001.nii.gz", np.stack([IMAGE, IMAGE], -1), AFFINE)
    moved = AFFINE.copy()
    moved[0, 3] += 30
    write(labels / "case_002.nii.gz", MASK, moved)
    write(labels / "case_003.nii.gz", MASK[:, :, :5], AFFINE)
    write(labels / "case_004.nii.gz", MASK * np.float32(0.5), AFFINE)
    (images / "case_005.nii.gz").write_bytes(b"")
    whole = (images / "case_006.nii.gz").read_bytes()
    (images / "case_006.nii.gz").write_bytes(whole[: len(whole) // 2])
    write(labels / "case_007.nii.gz", MASK * 3, AFFINE)
    rows = [
        f"imagesTr/case_{n:03}.nii.gz,labelsTr/case_{n:03}.nii.gz,{'test' if n == 9 else 'train'}" for n in range(11)
    ]
    (tmp_path / "table.csv").write_text("path,mask,split\n" + "\n".join(rows))
    write(images / "case_009.nii.gz", *head(SIDES, 8)[::2])
    return tmp_path


def test_every_kind_of_trouble_is_listed(tree: Path) -> None:
    found = check(str(tree), decode=True, labels=LABELS)
    reasons = [entry["reason"] for entry in found["unreadable"]]
    assert len(reasons) == len(ODD)
    for reason, expected in zip(reasons, ODD.values(), strict=True):
        assert reason.startswith(expected)
    problems = " ".join(entry["reason"] for entry in found["problems"])
    for words in (
        "NaN or infinite in 1 of its voxels",
        "smaller than the patch, 16 x 16 x 16 voxels",
        "holds the values 6, 9, the task 0 to 3",
    ):
        assert words in problems
    assert found["volumes"]["axes point to"] == {"RAS": 4}
    assert found["volumes"]["sides in voxels"]["median"] == "12 x 10 x 9"
    assert found["volumes"]["label values"]["3 (ventricle)"].startswith("in 4 volumes")
    told = {key: value for key, value in found.items() if key != "asides"}
    assert "case_0" not in json.dumps(told)
    assert any(aside.startswith("imagesTr/case_002.nii.gz: Its label volume lies") for aside in found["asides"])


def test_a_table_tells_what_is_missing_and_what_two_parts_share(tree: Path) -> None:
    found = check(str(tree / "table.csv"), decode=True)
    assert found["same_images"] == {"train/test": 1}
    assert [entry["reason"] for entry in found["unreadable"]][-1] == "The file is not there."


def test_thin_stacks(tmp_path: Path) -> None:
    thin = np.diag([0.8, 0.8, 5.0, 1.0])
    for number in range(2):
        save(tmp_path / f"{number}", slices(IMAGE[:, :, : 5 + number], thin, series=number))
    found = check(str(tmp_path), decode=True, dims=3)
    reasons = [entry["reason"] for entry in found["problems"]]
    assert "slices of 5 mm at pixels of 0.8 mm: details between slices are not there" in reasons
    assert "a thin stack: 12 x 10 x 5 voxels" in reasons
    assert found["unreadable"] == []


def test_slices_that_nobody_asked_to_be_volumes(tmp_path: Path) -> None:
    save(tmp_path, slices(IMAGE, AFFINE))
    found = check(str(tmp_path), decode=True)
    assert found["source"] == "dicom"
    assert found["asides"] == [
        "1 series have 8 pictures or more, which may be slices: --dims 3 (or volumes@FOLDER) reads them as volumes."
    ]


def test_names_on_the_terminal(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app(["data", "check", str(tree), "--labels", ",".join(LABELS)], result_action="return_value")
    said = " ".join(capsys.readouterr().out.split())
    for name, words in ODD.items():
        assert f"imagesTr/{name}.nii.gz: {words}"[:60] in said
    assert "unreadable 6" in said
    app(["data", "check", str(tree), "--labels", "false", "--no-decode"], result_action="return_value")
    assert "segmentation" not in capsys.readouterr().out


def test_what_many_volumes_share_is_said_once(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / f"scan{number}.nii.gz", *head(12, number)[::2])
    found = check(str(tmp_path), decode=True)
    assert len(found["problems"]) == 5
    (aside,) = found["asides"]
    assert aside.startswith("scan0.nii.gz, scan1.nii.gz and 3 others: smaller than the patch, ")
