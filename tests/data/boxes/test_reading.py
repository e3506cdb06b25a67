from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.boxes.written import BOXES, coco, voc, yolo
from vesalius.data.boxes.found import Images
from vesalius.data.boxes.reading import read, read_file, tasks
from vesalius.errors import UserError

COUNT = sum(len(several) for several in BOXES.values())


def test_the_only_boxes_need_no_name(tmp_path: Path) -> None:
    root = coco(tmp_path)
    images = Images([f"images/{name}.png" for name in BOXES])
    assert tasks(root, images) == {"instances": "coco"}
    assert len(read(root, images).uris) == COUNT


def test_of_several_one_is_named_and_a_slip_is_answered(tmp_path: Path) -> None:
    coco(tmp_path)
    yolo(tmp_path)
    images = Images([*(f"images/{name}.png" for name in BOXES), *(f"images/train/{name}.png" for name in BOXES)])
    assert set(tasks(tmp_path, images)) == {"instances", "yolo"}
    with pytest.raises(UserError, match="Several kinds of boxes"):
        read(tmp_path, images)
    with pytest.raises(UserError, match="Did you mean instances"):
        read(tmp_path, images, "instance")


def test_boxes_that_lie_elsewhere_are_named(tmp_path: Path) -> None:
    coco(tmp_path / "there")
    (tmp_path / "here").mkdir()
    images = Images([f"{name}.png" for name in BOXES])
    found = read_file(tmp_path / "there" / "annotations" / "instances_train.json", tmp_path / "here", images)
    assert len(found.uris) == COUNT
    with pytest.raises(UserError, match="no boxes at"):
        read_file(tmp_path / "nowhere.json", tmp_path, images)


def test_a_folder_without_boxes_says_what_would_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"COCO's JSON.*Pascal VOC"):
        read(tmp_path, Images(["a.png"]))
    root = voc(tmp_path)
    assert len(read(root, Images([f"JPEGImages/{name}.png" for name in BOXES])).uris) == COUNT
