from __future__ import annotations

import json
from pathlib import Path

import pytest

from vesalius.data.lightly_files import Broken, folder, listed, read_each
from vesalius.errors import UserError


def test_files_stand_beside_the_images_in_a_folder_of_their_own() -> None:
    assert folder("/data/", "metadata") == "/data/.lightly/metadata"
    assert folder("s3://bucket/x", "predictions", "t") == "s3://bucket/x/.lightly/predictions/t"


def test_a_missing_file_is_none_and_a_broken_one_is_named(tmp_path: Path) -> None:
    assert listed(str(tmp_path / "no.json")) is None
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert listed(str(tmp_path / "a.json")) == {"a": 1}
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(UserError, match=r"b\.json cannot be used: it is no JSON at line 1"):
        listed(str(tmp_path / "b.json"))


def test_each_image_gets_its_file_and_frames_that_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.json").write_text(json.dumps({"file_name": "x/a.png", "n": 1}))
    found = read_each(str(tmp_path), ["x/a.png", "x/b.png", "x/a.png#3"], lambda row, content: (row, content["n"]), "metadata")
    assert found == [(0, 1), None, (2, 1)]


def test_of_images_that_differ_by_suffix_the_file_says_which_it_is_of(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"file_name": "a.png", "n": 7}))
    assert read_each(str(tmp_path), ["a.png", "a.jpg"], lambda row, content: content["n"], "metadata") == [7, None]


def test_one_broken_file_refuses_all(tmp_path: Path) -> None:
    def parse(row: int, content: object) -> int:
        raise Broken("it has no colour")

    (tmp_path / "a.json").write_text('{"file_name": "a.png"}')
    with pytest.raises(UserError, match="it has no colour"):
        read_each(str(tmp_path), ["a.png"], parse, "metadata")


def test_a_file_of_another_image_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"file_name": "b.png", "n": 7}))
    with pytest.raises(UserError, match=r"a\.json: its file_name is b\.png, another image"):
        read_each(str(tmp_path), ["a.png", "b.png"], lambda row, content: content["n"], "metadata")
    (tmp_path / "a.json").write_text(json.dumps({"file_name": "folder/a.jpg", "n": 7}))  # converted since
    assert read_each(str(tmp_path), ["a.png"], lambda row, content: content["n"], "metadata") == [7]
