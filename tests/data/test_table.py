from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.data.containers import SourceContainer
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError


def table(n: int = 4, columns: dict[str, Any] | None = None, **rest: Any) -> SampleTable:
    return SampleTable.of("test", "/data", [f"{i}.png" for i in range(n)], columns, **rest)


def everything() -> SampleTable:
    columns: dict[str, Any] = {
        "parent": pd.array([2**63 + 1, None, None, 5], dtype="UInt64"),
        "pair": ["a", None, None, "b"],
        "mask": ["m.png", None, None, None],
        "subject": ["s1", "s1", "s2", None],
        "study": ["1"] * 4,
        "series": ["2"] * 4,
        "view": ["PA"] * 4,
        "laterality": ["L"] * 4,
        "split": ["train", "train", "test", None],
        "label.class": [0.0, 1.0, np.nan, 1.0],
        "label.age": [3.5, 1.0, np.nan, 1.0],
        "meta.text": ["ä", None, "", "x"],
        "meta.number": [1, 2, 3, 4],
        "score.entropy": [0.5, np.nan, 1.0, 2.0],
        "width": [10, 20, None, 5],
        "height": [10, 20, None, 5],
        "depth": [None] * 4,
        "spacing": [(0.5, 0.5), None, (1.0, 2.0), None],
    }
    return table(
        4, columns, frames=[0, 1, 2, 3], boxes=[(0, 0, 5, 5), None, (1, 2, 3, 4), None],
        class_names={"class": ["no", "yes"]}, task=classification("t", "class", ["no", "yes"]), warnings=["careful"],
        container=SourceContainer("fashion-mnist", "/data"), licence="MIT", split_by="source",
    )  # fmt: skip


def test_parquet_keeps_everything(tmp_path: Path) -> None:
    before = everything()
    after = SampleTable.load(before.save(tmp_path / "t.parquet"))
    pd.testing.assert_frame_equal(before.frame, after.frame)
    for name in ("source", "root", "class_names", "warnings", "task", "container", "licence", "split_by", "private"):
        assert getattr(before, name) == getattr(after, name), name
    assert before.fingerprint() == after.fingerprint()


def test_other_programs_read_the_file(tmp_path: Path) -> None:
    frame = pd.read_parquet(everything().save(tmp_path / "t.parquet"))
    assert frame["box"].iloc[2].tolist() == [1, 2, 3, 4]
    assert frame["id"].dtype == np.uint64


def test_a_private_table_is_for_its_user_alone(tmp_path: Path) -> None:
    path = table(private=True).save(tmp_path / "t.parquet")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert table(private=True).ids.tolist() != table().ids.tolist()


def test_a_table_with_its_own_reader_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="function of its own"):
        table(container=lambda uri: np.zeros((1, 2, 2), np.uint8)).save(tmp_path / "t.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet", b"a,b\n1,2\n"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        SampleTable.load(tmp_path / "t.parquet")
    with pytest.raises(UserError, match="There is no table"):
        SampleTable.load(tmp_path / "nothing.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(UserError, match="not a saved sample table"):
        SampleTable.load(tmp_path / "other.parquet")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"subjct": ["a"] * 4}, "unknown column 'subjct'. Did you mean 'subject'?"),
        ({"age": [1] * 4}, "labels are called label.NAME"),
        ({"label.": [1] * 4}, "unknown column"),
        ({"label.x": ["one", "2", "3", "4"]}, "row 0 holds 'one'"),
        ({"split": ["train", "tset", None, "val"]}, "'tset' in row 1. Did you mean 'test'?"),
        ({"width": [1.5, 2, 3, 4]}, "'width'"),
    ],
)
def test_a_wrong_column_is_named(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as error:
        table(columns=columns)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_box_is_named() -> None:
    with pytest.raises(UserError, match=r"Row 1 .* has the box \(0, 0, 0, 4\)"):
        table(boxes=[None, (0, 0, 0, 4), None, None])


def test_a_missing_column_and_a_missing_uri_are_named() -> None:
    with pytest.raises(UserError, match="no column 'box'"):
        SampleTable(table().frame.drop(columns="box"), "test")
    frame = table().frame.astype({"uri": object})
    frame.loc[2, "uri"] = None
    with pytest.raises(UserError, match=r"Row 2 .* has no uri"):
        SampleTable(frame, "test")


def test_the_same_sample_twice_is_refused_but_not_its_frames() -> None:
    with pytest.raises(UserError, match="rows 0, 2 are the same file"):
        SampleTable.of("test", "/", ["a", "b", "a"])
    assert len(SampleTable.of("test", "/", ["a", "a"], frames=[0, 1])) == 2
    assert len(SampleTable.of("test", "/", ["a", "a"], boxes=[None, (0, 0, 2, 2)])) == 2


@pytest.mark.parametrize("word", ["training", "Valid", "validation", "dev", "TEST", " train "])
def test_splits_by_other_names(word: str) -> None:
    assert table(columns={"split": [word] * 4}).frame["split"].iloc[0] in ("train", "val", "test")


def test_rows_and_labels_and_targets() -> None:
    t = everything()
    assert t.rows("train").tolist() == [0, 1]
    assert t.rows("").tolist() == [3]
    assert t.label_names == ["class", "age"]
    np.testing.assert_array_equal(t.targets(), [[0], [1], [np.nan], [1]])
    assert t.subjects is not None
    assert t.subjects.tolist() == ["s1", "s1", "s2", None]
    assert table().subjects is None
    assert table().rows("").tolist() == [0, 1, 2, 3]


def test_unknown_labels_list_what_there_is() -> None:
    with pytest.raises(UserError, match="Its labels: class, age"):
        everything().labels("clas")
    plain = table(columns={"meta.finding": ["a", "b", "a", "b"], "meta.name": [1, 1, 1, 1]})
    with pytest.raises(UserError, match=r"Columns that could be labels, as --labels finding: finding\."):
        plain.require_task()
    with pytest.raises(UserError, match="has no label 'x'"):
        table(task=TaskSpec("t", "classes", ("x",)))


def test_subset_by_mask_and_by_rows_in_order() -> None:
    t = everything()
    assert t.subset(np.array([3, 1])).ids.tolist() == t.ids[[3, 1]].tolist()
    assert t.subset(t.ids == t.ids[2]).frame["box"].tolist() == [(1, 2, 3, 4)]
    assert t.subset(np.array([], np.int64)).ids.tolist() == []


@settings(max_examples=24)
@given(st.permutations(range(4)))
def test_the_fingerprint_is_of_content_not_of_order_or_place(order: list[int]) -> None:
    t = everything()
    assert replace(t.subset(order), root="/elsewhere").fingerprint() == t.fingerprint()
    assert t.subset(order[:3]).fingerprint() != t.fingerprint()
    assert t.with_columns(**{"label.class": [0.0, 1.0, 1.0, 1.0]}).fingerprint() != t.fingerprint()
    assert t.with_columns(split=["train", "train", "test", "val"]).fingerprint() != t.fingerprint()


def test_ids_lead_back_to_files() -> None:
    t = SampleTable.of("test", "/data", ["x/a.tif", "x/a.tif", "/other/b.png"], frames=[0, 3, 0])
    hexadecimal = [f"{int(i):016x}" for i in t.ids]
    assert t.locate(hexadecimal) == ["/data/x/a.tif", "/data/x/a.tif#3", "/other/b.png"]
    assert t.locate([int(t.ids[2])]) == ["/other/b.png"]
    with pytest.raises(UserError, match="has the id 0000"):
        t.locate(["0000000000000000"])
    with pytest.raises(UserError, match="has the id zebra"):
        t.locate(["zebra"])


def test_a_changed_column_is_checked_again() -> None:
    with pytest.raises(UserError, match="holds 'somewhere'"):
        table().with_columns(split=["somewhere"] * 4)
