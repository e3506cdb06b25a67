from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.data.boxes.written import pictures
from vesalius.data import named_images
from vesalius.errors import UserError

RULE = re.compile(r"[AN]\d{4}")


def test_images_are_found_by_name_wherever_they_lie_and_masks_are_not(tmp_path: Path) -> None:
    pictures(tmp_path / "deep" / "down", ["A0001", "other"])
    pictures(tmp_path, ["A0001", "N0002"])
    pictures(tmp_path / "Disc_Masks", ["A0003"])
    (tmp_path / "Labels.CSV").write_text("x")
    found = named_images.look(tmp_path, RULE)
    assert found.places == {"A0001": "A0001.png", "N0002": "N0002.png"}  # the nearer one of two
    assert named_images.first_of(found, ["no.csv", "labels.csv"]) == "Labels.CSV"
    assert named_images.table_in(tmp_path, ["labels.csv"]) == tmp_path / "Labels.CSV"
    with pytest.raises(UserError, match="There is no folder"):
        named_images.look(tmp_path / "no", RULE)


def test_what_is_packed_is_to_be_unpacked(tmp_path: Path) -> None:
    for name in ("train.zip.001", "more.tar.gz", "read.me"):
        (tmp_path / name).touch()
    found = named_images.look(tmp_path, RULE)
    assert named_images.packed(found) == ["more.tar.gz", "train.zip.001"]
    said = named_images.nothing("amd", tmp_path, found, "photograph", "Get it.")
    assert isinstance(said, named_images.Packed)
    assert "vesalius data unpack amd@FOLDER" in str(said)
    assert "Get it." in str(named_images.nothing("amd", tmp_path, named_images.Found(), "photograph", "Get it."))


def test_a_table_is_compared_with_the_names() -> None:
    told = named_images.told(["a", "b", "c"], {"a": 1, "b": 0}, ["a", "c", "gone"], [0, 1, 1], "labels.csv")
    np.testing.assert_array_equal(told.values, [0, 0, 1])
    assert [text[:2] for text in told.warnings] == ["1 ", "1 ", "1 "]
    assert told.asides == ["labels.csv contradicts the file name: a"]
    assert told.missing == ("gone",)


def test_tables_made_by_hand_are_read_with_care(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("name , label\nx/A1.png,1\n")
    frame = named_images.read_rows(file, 2, "amd")
    assert list(frame.columns) == ["name", "label"]
    assert named_images.stems(frame["name"]) == ["A1"]
    with pytest.raises(UserError, match="has 2 columns"):
        named_images.read_rows(file, 3, "amd")
    with pytest.raises(UserError, match=r"Row 1 of t.csv holds the label 7"):
        named_images.numbers(pd.Series([1, 7]), float, (0, 1), "t.csv")
    assert np.isnan(named_images.numbers(pd.Series([None, 1]), float, (0, 1), "t.csv")[0])


def test_a_part_of_a_set_is_said_to_be_one() -> None:
    assert named_images.fewer(3, 400) == ["3 of the set's 400 images are there."]
    assert named_images.fewer(400, 400) == []
