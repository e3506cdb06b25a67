from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.trees import transfer
from vesalius.data.references import resolve
from vesalius.data.sources import eyepacs
from vesalius.errors import UserError


def test_both_eyes_are_one_subject_on_kaggle_s_split(tmp_path: Path) -> None:
    table = resolve(f"diabetic_retinopathy@{transfer.eyepacs(tmp_path)}")
    assert (len(table.rows("train")), len(table.rows("test")), table.split_by) == (20, 10, "source")
    people = table.frame.groupby("subject")
    assert people.size().tolist() == [2] * 15
    assert all(sorted(sides) == ["L", "R"] for _, sides in people["laterality"])
    assert people["split"].nunique().max() == 1
    assert table.labels("grade")[:4].tolist() == [0, 1, 1, 2]
    assert (table.labels("referable") == (table.labels("grade") >= 2)).all()


def test_tasks(tmp_path: Path) -> None:
    root = transfer.eyepacs(tmp_path)
    assert [resolve(f"eyepacs@{root}:{task}").require_task().kind for task in eyepacs.TASKS] == ["ordinal", "classes", "binary"]


def test_kaggle_s_solution_and_a_packed_table(tmp_path: Path) -> None:
    root = transfer.eyepacs(tmp_path / "a", solution="retinopathy_solution.csv")
    with zipfile.ZipFile(root / "trainLabels.csv.zip", "w") as archive:
        archive.write(root / "trainLabels.csv", "trainLabels.csv")
    (root / "trainLabels.csv").unlink()
    table = resolve(f"eyepacs@{root}")
    assert table.fingerprint() == resolve(f"eyepacs@{transfer.eyepacs(tmp_path / 'b')}").fingerprint()
    assert table.frame["meta.usage"].dropna().unique().tolist() == ["Private"]


def test_without_the_test_s_grades_its_photographs_are_left_out(tmp_path: Path) -> None:
    root = transfer.eyepacs(tmp_path, solution="")
    table = resolve(f"eyepacs@{root}")
    assert len(table) == 20
    assert table.warnings == ["10 photographs that are there are not graded (there is no testLabels.csv or retinopathy_solution.csv); they are left out."]
    (root / "train" / "10_left.jpeg").unlink()
    (root / "train.zip.001").touch()
    table = resolve(f"eyepacs@{root}")
    assert table.missing == ("10_left",)
    assert table.warnings[:2] == [
        "1 of 20 photographs that the tables list are not there; they are left out.",
        "1 archives are there, which may hold them: `vesalius data unpack` unpacks what is not.",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "30 photographs and no grades"),
        ("image,level\n10_left,5\n", "Row 0 of trainLabels.csv holds the label"),
        ("image,grade\n10_left,1\n", "has no column 'level'"),
        ("image,level\nten,1\n", "names 'ten'"),
        ("image,level\n9_left,1\n", "None of the 1 photographs"),
    ],
)
def test_what_is_wrong_is_one_paragraph(text: str | None, words: str, tmp_path: Path) -> None:
    transfer.eyepacs(tmp_path)
    (tmp_path / "testLabels.csv").unlink()
    (tmp_path / "trainLabels.csv").unlink()
    if text is not None:
        (tmp_path / "trainLabels.csv").write_text(text)
    with pytest.raises(UserError, match=words) as raised:
        resolve(f"eyepacs@{tmp_path}")
    assert "\n" not in str(raised.value)
