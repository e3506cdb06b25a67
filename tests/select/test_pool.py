"""The images by name, in order, whatever the data's kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.recipes.tiny import images
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.select.config import configured
from vesalius.select.pool import names_of, pool_of
from vesalius.terminal import Terminal


def _pool(data: Path, **fields: Any) -> Any:
    config, _ = configured(data=str(data), n=1, **fields)
    return pool_of(config, Terminal(quiet=True))


def test_a_folder_is_sorted_by_relative_paths(tmp_path: Path) -> None:
    images(tmp_path / "b", 2)
    images(tmp_path / "a", 2)
    pool = _pool(tmp_path)
    assert pool.names.tolist() == ["a/0000.png", "a/0001.png", "b/0000.png", "b/0001.png"]
    assert names_of(pool.table).tolist() == pool.names.tolist()


def test_frames_and_boxes_are_part_of_the_name() -> None:
    table = SampleTable.of("x", "/root", ["i.tif", "i.tif"], frames=[0, 3])
    assert names_of(table).tolist() == ["i.tif#0", "i.tif#3"]
    boxed = SampleTable.of("x", "/root", ["i.png", "/root/i.png"], boxes=[None, (1, 2, 30, 4)])
    assert names_of(boxed).tolist() == ["i.png", "i.png#1,2,30,4"]


def test_training_images_are_meant_where_the_data_are_divided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images(tmp_path, 4)
    pd.DataFrame({"uri": [f"{i:04d}.png" for i in range(4)], "split": ["train", "test", "train", "val"]}).to_csv(tmp_path / "t.csv", index=False)
    assert _pool(tmp_path / "t.csv").names.tolist() == ["0000.png", "0002.png"]
    assert _pool(tmp_path / "t.csv", split="test").names.tolist() == ["0001.png"]
    with pytest.raises(UserError, match="Its images are not divided: leave --split out"):
        _pool(tmp_path, split="val")
    with pytest.raises(UserError, match="It has train, val, test: name one"):
        _pool(tmp_path / "t.csv", split="valid")


def test_the_datas_own_test_split_comes_along_unless_it_is_selected_from(tmp_path: Path) -> None:
    images(tmp_path, 4)
    pd.DataFrame({"uri": [f"{i:04d}.png" for i in range(4)], "split": ["train", "test", "train", "val"]}).to_csv(tmp_path / "t.csv", index=False)
    assert _pool(tmp_path / "t.csv").test.frame["uri"].tolist() == ["0001.png"]
    assert _pool(tmp_path / "t.csv", split="test").test is None
    assert _pool(tmp_path).test is None


def test_rows_may_be_taken_by_mask_or_number(tmp_path: Path) -> None:
    pool = _pool(images(tmp_path, 3))
    assert pool.take(np.asarray([True, False, True])).names.tolist() == pool.take(np.asarray([2, 0])).names.tolist() == ["0000.png", "0002.png"]


def test_relevant_files_alone(tmp_path: Path) -> None:
    images(tmp_path / "d", 3)
    (tmp_path / "files.txt").write_text("0001.png\n")
    assert _pool(tmp_path / "d", relevant_filenames_file=str(tmp_path / "files.txt")).names.tolist() == ["0001.png"]
