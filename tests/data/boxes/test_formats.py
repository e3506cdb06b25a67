"""Each format of boxes, as its tools write it, gives the same boxes; what is odd in it is counted and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.boxes import written
from vesalius.data.boxes import reading
from vesalius.data.boxes.formats import voc
from vesalius.data.boxes.found import Found, Images
from vesalius.data.listing import list_images
from vesalius.errors import UserError

Write = Callable[..., Path]
WRITERS: dict[str, tuple[Write, str]] = {
    "voc": (written.voc, "voc"), "coco": (written.coco, "instances"), "yolo": (written.yolo, "yolo"), "lightly": (written.lightly, "cells"),
}  # fmt: skip


def images_of(root: Path) -> Images:
    return Images(list_images(root).uris)


def read(root: Path, task: str | None = None) -> Found:
    return reading.read(root, images_of(root), task)


def plain(found: Found) -> set[tuple[str, tuple[float, ...], str]]:
    """Name of the image, sides in px, class."""
    sides = found.corners * (np.tile(written.SIZE, 2) if found.relative else 1)
    return {
        (Path(uri).stem, tuple(np.round(box, 3).tolist()), name) for uri, box, name in zip(found.uris, sides, found.names, strict=True)
    }


EXPECTED = {(name, tuple(map(float, box[:4])), box[4]) for name, several in written.BOXES.items() for box in several}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_boxes(name: str, tmp_path: Path) -> None:
    write, task = WRITERS[name]
    root = write(tmp_path)
    assert reading.tasks(root, images_of(root)) == {task: name}
    found = read(root)
    assert {(stem, tuple(np.round(box).tolist()), kind) for stem, box, kind in plain(found)} == EXPECTED
    assert found.classes == written.CLASSES
    assert not found.lost
    assert {Path(uri).stem for uri in found.images} == set(written.BOXES), "images without a box are known too"
    scores = {"lightly": [0.75]}.get(name, [])
    assert sorted({score for score in found.scores if not np.isnan(score)}) == scores


BOX = st.tuples(st.integers(0, 30), st.integers(0, 20), st.integers(1, 10), st.integers(1, 10), st.sampled_from(written.CLASSES))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boxes=st.lists(BOX, max_size=5, unique=True))
@pytest.mark.parametrize("name", WRITERS)
def test_round_trips(name: str, boxes: list[tuple[int, int, int, int, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    write, task = WRITERS[name]
    root = write(tmp_path_factory.mktemp(name), {"a": boxes, "b": [(1, 1, 3, 3, "cell")]})
    expected = {("a", tuple(map(float, box[:4])), box[4]) for box in boxes} | {("b", (1.0, 1.0, 3.0, 3.0), "cell")}
    assert {(stem, tuple(np.round(box).tolist()), kind) for stem, box, kind in plain(read(root, task))} == expected


def labelformat_input(name: str, root: Path) -> object:
    pytest.importorskip("labelformat")
    if name == "voc":
        from labelformat.formats.pascalvoc import PascalVOCObjectDetectionInput

        return PascalVOCObjectDetectionInput(root / "Annotations", "cell,debris")
    if name == "coco":
        from labelformat.formats.coco import COCOObjectDetectionInput

        return COCOObjectDetectionInput(root / "annotations" / "instances_train.json")
    if name == "yolo":
        from labelformat.formats.yolov8 import YOLOv8ObjectDetectionInput

        return YOLOv8ObjectDetectionInput(root / "data.yaml", "train")
    from labelformat.formats.lightly import LightlyObjectDetectionInput

    return LightlyObjectDetectionInput(root / ".lightly" / "predictions" / "cells", "../../../")


@pytest.mark.parametrize("name", WRITERS)
def test_labelformat_reads_the_same(name: str, tmp_path: Path) -> None:
    write, task = WRITERS[name]
    root = write(tmp_path)
    theirs = {
        (Path(label.image.filename).stem, (one.box.xmin, one.box.ymin, one.box.xmax - one.box.xmin, one.box.ymax - one.box.ymin), one.category.name)
        for label in labelformat_input(name, root).get_labels()  # type: ignore[attr-defined]
        for one in label.objects
    }
    assert {(a, tuple(np.round(b, 2).tolist()), c) for a, b, c in theirs} == {(a, tuple(np.round(b, 2).tolist()), c) for a, b, c in plain(read(root, task))}


@pytest.mark.parametrize(("name", "target"), [("coco", "out.json"), ("voc", "Annotations"), ("lightly", ".lightly/predictions/cells")])
def test_what_labelformat_writes_is_read(name: str, target: str, tmp_path: Path) -> None:
    pytest.importorskip("labelformat")
    from labelformat.formats.coco import COCOObjectDetectionInput, COCOObjectDetectionOutput
    from labelformat.formats.lightly import LightlyObjectDetectionOutput
    from labelformat.formats.pascalvoc import PascalVOCObjectDetectionOutput

    outputs = {"coco": COCOObjectDetectionOutput, "voc": PascalVOCObjectDetectionOutput, "lightly": LightlyObjectDetectionOutput}
    source = written.coco(tmp_path / "source")
    written.pictures(tmp_path / "made" / ("" if name == "lightly" else "JPEGImages"))
    outputs[name](tmp_path / "made" / target).save(COCOObjectDetectionInput(source / "annotations" / "instances_train.json"))
    if name == "lightly":
        (tmp_path / "made" / ".lightly" / "predictions" / "tasks.json").write_text('["cells"]')
    assert plain(read(tmp_path / "made")) == EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><annotation><filename>&y;</filename></annotation>',
        '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]><annotation><filename>&f;</filename></annotation>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><annotation/>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_declares_entities_is_refused_and_named(text: str, encoding: str, tmp_path: Path) -> None:
    root = written.voc(tmp_path)
    (root / "Annotations" / "a.xml").write_bytes(text.replace('version="1.0"', f'version="1.0" encoding="{encoding}"').encode(encoding))
    with pytest.raises(ValueError, match="document type"):
        voc.parsed((root / "Annotations" / "a.xml").read_bytes())
    found = read(root)
    assert found.lost == {"of annotations that cannot be read (it declares a document type, which no annotation needs)": ["a.xml"]}
    assert {Path(uri).stem for uri in found.uris} == {"b", "d"}


def test_broken_and_orphaned_annotations(tmp_path: Path) -> None:
    root = written.voc(tmp_path, splits={"train": ["a", "b"], "val": ["c"], "test": ["d"], "trainval": ["a", "b", "c"]})
    (root / "Annotations" / "b.xml").write_text("<annotation><object>")
    (root / "JPEGImages" / "d.png").unlink()
    found = read(root)
    assert {why: len(names) for why, names in found.lost.items()} == {
        "of annotations that cannot be read (it is no XML at line 1)": 1, "of images that are not there": 3,
    }  # fmt: skip
    assert found.splits == {"JPEGImages/a.png": "train", "JPEGImages/b.png": "train", "JPEGImages/c.png": "val"}


def test_coco_counts_what_it_cannot_use(tmp_path: Path) -> None:
    root = written.coco(tmp_path, scores=True)
    file = root / "annotations" / "instances_train.json"
    content = json.loads(file.read_text())
    add = content["annotations"].append
    add({"image_id": 99, "category_id": 5, "bbox": [0, 0, 1, 1]})
    add({"image_id": 10, "category_id": 99, "bbox": [0, 0, 1, 1]})
    add({"image_id": "10", "category_id": [5], "bbox": [0, 0, 1, 1]})
    add({"image_id": 10, "category_id": 5, "bbox": [0, 0, 1]})
    add({"image_id": 10, "category_id": 5, "bbox": [0, 0, 9, 9], "iscrowd": 1})
    file.write_text(json.dumps(content))
    found = read(root)
    assert found.lost == {
        "of images that are not there": ["image_id 99 of instances_train.json"],
        "of an unknown class": ["images/a.png (category_id 99)", "images/a.png (category_id [5])"],
        "without four numbers": ["images/a.png"],
        "around crowds, which are no object": ["images/a.png"],
    }
    assert set(found.splits.values()) == {"train"}
    assert set(found.scores) == {0.5}


def test_coco_of_one_file_a_split_is_one_task(tmp_path: Path) -> None:
    for split in ("train", "val"):
        written.pictures(tmp_path / f"{split}2017", ("a", "b"))
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / f"instances_{split}2017.json").write_text(json.dumps(written.coco_content({"a": written.BOXES["a"]})))
    found = read(tmp_path)
    assert reading.tasks(tmp_path, images_of(tmp_path)) == {"instances": "coco"}
    assert found.splits == {"train2017/a.png": "train", "val2017/a.png": "val"}, "the same name in two folders is told apart by the file's"
    roboflow = tmp_path / "roboflow"
    for split in ("train", "valid"):
        written.pictures(roboflow / split, ("a",))
        (roboflow / split / "_annotations.coco.json").write_text(json.dumps(written.coco_content({"a": written.BOXES["a"]})))
    assert read(roboflow).splits == {"train/a.png": "train", "valid/a.png": "val"}


@pytest.mark.parametrize(
    "text",
    ['{"images": 3, "annotations": [], "categories": []}', '{"images": [], "annotations": [], "categories": [1]}', '{"images" "annotations" "categories"'],
)
def test_what_is_not_cocos_says_so(text: str, tmp_path: Path) -> None:
    written.pictures(tmp_path)
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(UserError, match=r"labels.json is not COCO's JSON"):
        read(tmp_path)


def test_yolo_of_every_kind(tmp_path: Path) -> None:
    root = written.yolo(tmp_path, names="classes.txt")
    (root / "labels" / "train" / "a.txt").write_text(
        "0 0.5 0.5 0.5 0.5 0.9\n1 0.1 0.1 0.3 0.1 0.3 0.4\n7 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1\nx 0.5 0.5 0.1 0.1\n\n"
    )
    (root / "labels" / "train" / "gone.txt").write_text("0 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1 0.2\n")
    found = read(root)
    of_a = [at for at, uri in enumerate(found.uris) if uri.endswith("a.png")]
    assert found.corners[of_a].round(6).tolist() == [[0.25, 0.25, 0.5, 0.5], [0.1, 0.1, 0.2, 0.3]], "a score follows, or a polygon's corners"
    assert found.scores[of_a[0]] == 0.9
    assert found.lost == {
        "of an unknown class": ["images/train/a.png (line 3), class 7"], "without four numbers": ["images/train/a.png (line 4)"],
        "that are no numbers": ["images/train/a.png (line 5)"], "of images that are not there": ["labels/train/gone.txt"] * 2,
    }  # fmt: skip
    assert set(found.splits.values()) == {"train"}
    (root / "classes.txt").unlink()
    assert read(root).classes == ["0", "1", "7"], "classes that nothing names go by their numbers"


def test_yolo_side_by_side_and_names_by_number(tmp_path: Path) -> None:
    written.pictures(tmp_path, ("a",))
    (tmp_path / "a.txt").write_text("3 0.5 0.5 0.5 0.5\n")
    (tmp_path / "data.yaml").write_text("names: {1: cell, 3: debris}\n")
    found = read(tmp_path)
    assert (found.names, found.classes) == (["debris"], ["cell", "debris"])
    (tmp_path / "data.yaml").write_text("names: [")
    with pytest.raises(UserError, match="no YAML"):
        read(tmp_path)


def test_lightlys_segmentations_have_the_box_around_them(tmp_path: Path) -> None:
    root = written.lightly(tmp_path)
    folder = root / ".lightly" / "predictions" / "cells"
    schema = json.loads((folder / "schema.json").read_text())
    (folder / "schema.json").write_text(json.dumps({**schema, "task_type": "instance-segmentation"}))
    mask = np.zeros((30, 40), int)
    mask[4:9, 7:20] = 1
    flat = mask.reshape(-1)
    edges = np.flatnonzero(np.diff(np.r_[0, flat, 0]))
    runs = np.diff(np.r_[0, edges, flat.size]).tolist()
    for name in written.BOXES:
        (folder / "images" / f"{name}.json").write_text(json.dumps({"predictions": []}))
    of_a = [{"category_id": 5, "segmentation": segmentation} for segmentation in (runs, [1199, 1, 3], [1200])]
    (folder / "images" / "a.json").write_text(json.dumps({"predictions": of_a}))
    found = read(root)
    assert found.sides == [[7, 4, 13, 5]]
    assert set(found.lost) == {"of segmentations of another size than their image", "without an area"}
    (folder / "schema.json").write_text(json.dumps({**schema, "task_type": "classification"}))
    (folder / "images" / "a.json").write_text(json.dumps({"predictions": [{"category_id": 5}]}))
    with pytest.raises(UserError, match="classes of whole images"):
        read(root)


def test_no_boxes_several_and_a_wrong_name(tmp_path: Path) -> None:
    written.pictures(tmp_path)
    with pytest.raises(UserError, match=r"There are no boxes beside the images .* docs/object-crops.md"):
        read(tmp_path)
    written.voc(tmp_path / "more")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "a.xml").write_text("<annotation/>")
    (tmp_path / "found.json").write_text(json.dumps(written.coco_content(written.BOXES)))
    with pytest.raises(UserError, match=r"Several kinds of boxes .*: found, voc. Name one, as crops@FOLDER:found"):
        read(tmp_path)
    with pytest.raises(UserError, match=r"No boxes called 'fond' .* Did you mean found\?"):
        read(tmp_path, "fond")
    assert read(tmp_path, "found").classes == written.CLASSES


def test_images_by_other_names() -> None:
    images = Images(["x/a.png", "x/b.png", "train/c.png", "val/c.png"])
    assert images.named("a.png", "x") == images.named("a.png") == images.named("./x/a.png") == images.named("C:\\data\\x\\a.png") == "x/a.png"
    assert images.named("c.png") is None
    assert images.named("c.png", "", ("val",)) == "val/c.png"
    assert images.stem("b") == "x/b.png"
    assert images.stem("c") is None
    assert images.named("d.png") is None
