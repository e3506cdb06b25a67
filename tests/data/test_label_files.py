"""Tables of labels joined to images by the most specific key they have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vesalius.data.label_files import KEYS, join
from vesalius.errors import UserError

IMAGES = {
    "file": ["a/1.dcm", "a/2.dcm", "b/1.dcm", "b/3", "c/4.dcm"],
    "PatientID": ["007", "007", "8", "8", None],
    "StudyInstanceUID": ["1.1", "1.1", "1.2", "1.3", "1.4"],
    "SeriesInstanceUID": ["2.1", "2.2", "2.3", "2.4", "2.5"],
    "SOPInstanceUID": ["3.1", "3.2", "3.3", "3.4", "3.5"],
}


def table(folder: Path, *lines: str) -> Path:
    file = folder / "labels.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("PatientID", ("007", "8"), [0, 0, 1, 1, np.nan]),
        ("patient_id", ("007", "8"), [0, 0, 1, 1, np.nan]),
        ("Study Instance UID", ("1.1", "1.3"), [0, 0, np.nan, 1, np.nan]),
        ("series_uid", ("2.2", "2.4"), [np.nan, 0, np.nan, 1, np.nan]),
        ("SOPInstanceUID", ("3.1", "3.5"), [0, np.nan, np.nan, np.nan, 1]),
        ("file", ("a/1.dcm", "./b/1.dcm"), [0, np.nan, 1, np.nan, np.nan]),
        ("image", ("2.dcm", "3"), [np.nan, 0, np.nan, 1, np.nan]),
        ("filename", ("2", "4"), [np.nan, 0, np.nan, np.nan, 1]),
        ("Path", ("/data/x/a/2.dcm", "C:\\scans\\b\\1.dcm"), [np.nan, 0, 1, np.nan, np.nan]),
    ],
)
def test_each_key_by_any_of_its_names(key: str, values: tuple[str, str], expected: list[float], tmp_path: Path) -> None:
    found = join(table(tmp_path, f"{key},finding", *(f"{value},{n}" for n, value in enumerate(values))), IMAGES)
    assert np.array_equal(found.columns["label.finding"], np.array(expected), equal_nan=True)


def test_the_most_specific_key_that_finds_images_wins_and_is_said(tmp_path: Path) -> None:
    file = table(tmp_path, "PatientID,SeriesInstanceUID,label", "007,2.1,0", "007,2.2,1")
    found = join(file, IMAGES)
    assert found.columns["label.label"][:2].tolist() == [0, 1]
    assert found.warnings[0].startswith("The label table was joined by SeriesInstanceUID, the most specific")
    other = join(table(tmp_path, "PatientID,SeriesInstanceUID,label", "007,9.1,0", "8,9.2,1"), IMAGES)
    assert other.columns["label.label"][:4].tolist() == [0, 0, 1, 1]
    assert "joined by PatientID" in other.warnings[0]
    assert next(iter(KEYS)) == "SOPInstanceUID"


def test_a_name_that_several_files_bear_is_ambiguous(tmp_path: Path) -> None:
    found = join(table(tmp_path, "file,label", "1.dcm,1", "2.dcm,0", "4.dcm,1"), IMAGES)
    assert np.isnan(found.columns["label.label"][[0, 2]]).all()
    assert "1 of the label table's 3 entries could mean several files; give them with their folder." in found.warnings
    assert found.asides == ["Labels: 1.dcm could mean several files; give them with their folder."]


def test_rows_that_contradict_each_other_label_nothing(tmp_path: Path) -> None:
    found = join(table(tmp_path, "PatientID,label", "007,1", "007,1", "8,0", "8,1"), IMAGES, kind="regression")
    assert found.columns["label.label"][:2].tolist() == [1, 1], "the same twice is no contradiction"
    assert np.isnan(found.columns["label.label"][2:]).all()
    assert any("labelled twice, and differently" in said for said in found.warnings)
    assert "8" in found.asides[0]


def test_several_labels_words_and_splits(tmp_path: Path) -> None:
    file = table(tmp_path, "study,effusion,edema,Split,note", "1.1,1,0,train,x", "1.2,0,,val,y", "1.3,1,1,test,z")
    found = join(file, IMAGES, ["effusion", "edema"])
    assert found.task is not None
    assert found.task.kind == "multilabel"
    assert np.array_equal(found.columns["label.edema"], [0, 0, np.nan, 1, np.nan], equal_nan=True)
    assert list(found.columns["split"][:4]) == ["train", "train", "val", "test"]
    assert set(found.columns) == {"label.effusion", "label.edema", "split"}, "the note is nobody's business"


def test_labels_are_named_where_they_cannot_be_guessed(tmp_path: Path) -> None:
    file = table(tmp_path, "study,effusion,age", "1.1,1,50", "1.2,0,60")
    with pytest.raises(UserError, match=r"Say with data\.labels which are labels: effusion, age"):
        join(file, IMAGES)
    with pytest.raises(UserError, match="Did you mean 'effusion'"):
        join(file, IMAGES, ["efusion"])
    assert join(file, IMAGES, False).columns == {}


def test_tables_that_join_nothing_are_explained(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"is about any of the images, by PatientID\. .* the table holds 11, 12, the images 007"
    ):
        join(table(tmp_path, "PatientID,label", "11,1", "12,0"), IMAGES)
    with pytest.raises(UserError, match=r"has no column that says which image.*SOPInstanceUID"):
        join(table(tmp_path, "name,label", "x,1"), IMAGES)
    with pytest.raises(UserError, match="There is no label table"):
        join(tmp_path / "no.csv", IMAGES)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UserError, match="cannot be read"):
        join(tmp_path / "b.csv", IMAGES)
