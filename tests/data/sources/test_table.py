from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vesalius.data.references import resolve
from vesalius.errors import UserError


def write(root: Path, columns: dict[str, Any], name: str = "t.csv") -> Path:
    for file in ("a.png", "b.png", "sub/c.png"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    frame = pd.DataFrame(columns)
    if name.endswith(".parquet"):
        frame.to_parquet(root / name)
    else:
        frame.to_csv(root / name, index=False, sep="\t" if name.endswith(".tsv") else ",")
    return root / name


FILES = ["a.png", "./b.png", "sub\\c.png"]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet"])
@pytest.mark.parametrize("column", ["path", "File", "File Name", "image", "uri", "whatever"])
def test_the_column_of_files_is_found(tmp_path: Path, name: str, column: str) -> None:
    table = resolve(write(tmp_path, {"age": [1, 2, 3], column: FILES}, name))
    assert table.frame["uri"].tolist() == ["a.png", "b.png", "sub/c.png"]
    assert table.frame["meta.age"].tolist() == [1, 2, 3]
    assert all(table.path(uri).is_file() for uri in table.frame["uri"])


def test_labels_by_name(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"path": FILES, "finding": ["yes", "no", None], "grade": [0, 2, 1], "label": ["x", "y", "x"]}
    )
    assert resolve(path).require_task().labels == ("label",)
    table = resolve(path, labels="finding")
    assert table.class_names == {"finding": ["no", "yes"]}
    np.testing.assert_array_equal(table.labels("finding"), [1, 0, np.nan])
    assert "meta.grade" in table.frame
    assert "meta.finding" not in table.frame
    assert resolve(path, labels=["grade"], kind="ordinal").require_task().kind == "ordinal"
    assert resolve(path, labels=False).task is None
    assert resolve(path, labels=["finding", "grade"][:1], kind="binary").require_task().kind == "binary"
    with pytest.raises(UserError, match=r"no column 'findings' to be a label. Did you mean 'finding'"):
        resolve(path, labels=["findings"])
    with pytest.raises(UserError, match=r"could be labels: .*grade"):
        resolve(path, labels=["zzz"])


def test_several_labels(tmp_path: Path) -> None:
    path = write(tmp_path, {"path": FILES, "a": [1, 0, -1], "b": [0, 1, 1]})
    table = resolve(path, labels=["a", "b"])
    np.testing.assert_array_equal(table.targets(), [[1, 0], [0, 1], [np.nan, 1]])
    assert table.require_task().kind == "multilabel"


def test_subjects_and_splits(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"path": FILES, "Patient ID": ["Anna", "Anna", "Bob"], "split": ["training", "train", "TEST"]}
    )
    table = resolve(path)
    assert table.subjects is not None
    assert table.subjects[0] == table.subjects[1] != table.subjects[2]
    assert "Anna" not in table.subjects
    assert table.frame["meta.Patient ID"].tolist() == ["Anna", "Anna", "Bob"]
    assert table.split_by == "source"
    with pytest.raises(UserError, match=r"no column 'Patient' of subjects\. Did you mean 'Patient ID'"):
        resolve(path, subject="Patient")
    by_path = resolve(path, subject="([abc])\\.png")
    assert by_path.subjects is not None
    assert len(set(by_path.subjects)) == 3


def test_a_subject_on_both_sides_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"path": FILES, "subject": ["1", "1", "2"], "split": ["train", "test", "test"]})
    with pytest.raises(UserError, match="1 of 2 subjects of table occur in more than one"):
        resolve(path)
    assert any("was allowed" in warning for warning in resolve(path, allow_leakage=True).warnings)


def test_rows_without_a_subject_are_counted(tmp_path: Path) -> None:
    table = resolve(write(tmp_path, {"path": FILES, "subject": ["1", None, "2"]}))
    assert table.warnings == ["1 of 3 rows name no subject."]


def test_frames_and_boxes(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"path": ["a.png", "a.png", "b.png"], "frame": [0, 1, 0], "box": ["0 0 5 5", "(1, 2, 3.4, 4)", None]}
    )
    table = resolve(path)
    assert table.frame["frame"].tolist() == [0, 1, 0]
    assert table.frame["box"].tolist() == [(0, 0, 5, 5), (1, 2, 3, 4), None]
    with pytest.raises(UserError, match=r"holds '1 2' in row 0\. Write a box"):
        resolve(write(tmp_path, {"path": FILES, "box": ["1 2", None, None]}))
    with pytest.raises(UserError, match="Frames are numbered from 0"):
        resolve(write(tmp_path, {"path": FILES, "frame": [0, -1, 0]}))


def test_paths_begin_at_the_table_or_at_a_root(tmp_path: Path) -> None:
    write(tmp_path / "images", {"x": [1]})
    table = tmp_path / "t.csv"
    pd.DataFrame({"path": ["a.png", str(tmp_path / "images" / "b.png")]}).to_csv(table, index=False)
    assert resolve(table, root=tmp_path / "images").frame["uri"].tolist() == ["a.png", "b.png"]
    assert resolve(table).frame["uri"].tolist() == ["a.png", "images/b.png"]
    pd.DataFrame({"path": ["no.png", "nor.png"]}).to_csv(table, index=False)
    with pytest.raises(
        UserError, match=r"None of the first 2 files .* exists: .*no\.png is the first\. Give the folder"
    ):
        resolve(table)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read"),
        ("path\n", "has no rows"),
        ("name,age\nAnna,3\n", "has no column of image files: it has name, age"),
        ("path,x\na.png,1\n,2\n", "Row 1 .* names no file"),
        ("path\na.png\na.png\n", "rows 0, 1 are the same file"),
        ('path,"x\na.png', "cannot be read"),
    ],
)
def test_bad_tables(tmp_path: Path, content: str, said: str) -> None:
    path = write(tmp_path, {"x": [1]})
    path.write_text(content)
    with pytest.raises(UserError, match=said) as error:
        resolve(path)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, {"x": [1]})
    path.write_bytes(b"path\n\xff\xfe\xfa.png\n")
    with pytest.raises(UserError, match="cannot be read"):
        resolve(path)


def test_a_saved_sample_table_is_itself(tmp_path: Path) -> None:
    table = resolve(write(tmp_path, {"path": FILES, "label": [0, 1, 1]}))
    again = resolve(table.save(tmp_path / "saved.parquet"))
    assert again.fingerprint() == table.fingerprint()
    assert again.task == table.task
