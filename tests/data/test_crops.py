"""Crops and tiles as samples: whose they are, which part they are in, what is left out; and the pixels that are cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.boxes import written
from tests.data_sets import require
from vesalius.data import crops, store
from vesalius.data.boxes.found import Found
from vesalius.data.boxes.sizes import size_of, sizes_of
from vesalius.data.references import resolve
from vesalius.data.settings import StoreSettings
from vesalius.data.splits import split
from vesalius.data.table import SampleTable
from vesalius.errors import UserError


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def images(tmp_path: Path) -> SampleTable:
    written.pictures(tmp_path / "data" / "images")
    return resolve(tmp_path / "data")


def found(*boxes: tuple[str, float, float, float, float, str], classes: tuple[str, ...] = ("cell", "debris")) -> Found:
    out = Found(classes=list(classes))
    for name, *sides, kind in boxes:
        out.add(f"images/{name}.png", sides, kind)
    return out


ALL = tuple((name, *box) for name, several in written.BOXES.items() for box in several)


def test_a_crop_is_a_row_with_its_image_as_parent(images: SampleTable) -> None:
    table = crops.crops(images, found(*ALL))
    assert len(table) == 6
    names = images.frame.set_index("id")["uri"]
    assert [names[parent] for parent in table.frame["parent"].to_numpy()] == table.frame["uri"].tolist()
    assert table.class_names == {"class": ["cell", "debris"]}
    assert table.labels("class").tolist() == [0, 1, 0, 0, 0, 1]
    assert table.frame[["width", "height"]].to_numpy().tolist()[0] == [10, 8]
    assert table.require_task().kind == "binary"
    rows = crops.owners(table, images)
    assert (images.ids[rows] == table.frame["parent"].to_numpy(np.uint64)).all()
    assert crops.counted(table, images).tolist() == [[1, 1], [1, 0], [0, 0], [2, 1]]
    with pytest.raises(UserError, match="of images that are not among those"):
        crops.owners(table, images.subset([1, 2]))


def test_the_pixels_are_those_of_the_box(images: SampleTable) -> None:
    table = crops.crops(images, found(*ALL), padding=0.5)
    made = store.build(table, StoreSettings("native", 3))
    for row in range(len(table)):
        x, y, w, h = table.frame["box"].iloc[row]
        whole = np.asarray(Image.open(Path(table.root) / table.frame["uri"].iloc[row]))
        record = int(made.rows(table.ids[[row]])[0])
        assert np.array_equal(np.moveaxis(made.array(record), 0, -1), whole[y : y + h, x : x + w])
    assert table.frame["box"].iloc[0] == (0, 1, 15, 12), "10 x 8 at (2, 3), a quarter more to each side, cut at the border"
    assert table.frame["box"].iloc[2] == (0, 0, 40, 30)


def test_ids_depend_on_image_and_box_alone(images: SampleTable) -> None:
    whole = crops.crops(images, found(*ALL))
    again = crops.crops(images.subset([3, 0]), found(*reversed(ALL)))
    assert set(again.ids) < set(whole.ids)
    assert len(again) == 5
    assert not set(crops.crops(images, found(*ALL), padding=0.1).ids) & set(whole.ids[[0, 1, 3, 4, 5]])


def test_bad_boxes_are_counted_and_named(images: SampleTable) -> None:
    nan = float("nan")
    bad = found(
        ("a", 2, 2, 5, 5, "cell"), ("a", 2, 2, 5, 5, "debris"), ("a", 2, 2, 0, 5, "cell"), ("a", 50, 2, 5, 5, "cell"), ("a", nan, 2, 5, 5, "cell"),
        ("a", 35, 25, 20, 20, "cell"), ("gone", 1, 1, 2, 2, "cell"), ("b", -4, -4, 4, 4, "cell"), ("b", 1, 1, 3, 9, "debris"), ("c", 1, 1, 9, -3, "cell"),
    )  # fmt: skip
    bad.lose("of an unknown class", "images/b.png, class 9")
    table = crops.crops(images, bad, least=4)
    assert table.frame["box"].tolist() == [(2, 2, 5, 5), (35, 25, 5, 5)]
    assert (
        "9 of 11 boxes were left out: 1 of an unknown class, 1 of images that are not there, 1 without four numbers, 2 without an area,"
        " 2 outside their image, 1 smaller than 4 px, 1 that repeat another."
    ) in table.warnings
    assert "1 boxes reach beyond their image and were cut to it." in table.warnings
    assert not any(".png" in said for said in table.warnings), "names are for the terminal alone"
    named = " ".join(table.asides)
    assert all(name in named for name in ("images/a.png", "images/gone.png", "images/b.png, class 9", "images/c.png"))


def test_nothing_left_is_one_paragraph(images: SampleTable) -> None:
    with pytest.raises(UserError, match=r"No box is left to cut out\. 1 of 1 boxes was left out: 1 outside their image\. Boxes outside .*images/a.png"):
        crops.crops(images, found(("a", 90, 90, 5, 5, "cell")))
    with pytest.raises(UserError, match="padding is -1"):
        crops.crops(images, found(*ALL), padding=-1)
    with pytest.raises(UserError, match="least size"):
        crops.crops(images, found(*ALL), least=0)


@pytest.mark.parametrize("whose", ["nobody", "everybody", "some"])
def test_crops_of_one_image_stay_together(whose: str, tmp_path: Path) -> None:
    names = [f"p{number // 2}_{number}" for number in range(24)]
    written.pictures(tmp_path / "data", names, (12, 12))
    pattern = {"nobody": None, "everybody": "(p[0-9]+)_", "some": "(p[0-9])_"}[whose]
    images = resolve(tmp_path / "data", subject=pattern)
    boxes = Found(classes=["x", "y"])
    for name in names:
        for at in range(4):
            boxes.add(f"{name}.png", (at, at, 5, 5), "xy"[at % 2])
    table = split(crops.crops(images, boxes), 0.2, 0.2, seed=3)
    parts = table.frame.groupby("parent")["split"].nunique()
    assert parts.max() == 1
    assert set(table.frame["split"]) == {"train", "val", "test"}
    if whose == "everybody":
        person = table.frame["uri"].str.extract("(p[0-9]+)_")[0]
        assert table.frame.groupby(person)["split"].nunique().max() == 1
    assert (crops.BY_IMAGE in table.warnings) == (whose != "everybody")


def test_what_is_known_of_the_image_is_known_of_the_crop(images: SampleTable) -> None:
    known = images.with_columns(split=["train", "val", "test", "train"], **{"meta.site": list("wxyz"), "label.grade": [1.0, 0.0, 1.0, 0.0]})
    known.split_by = "source"
    boxes = found(*ALL)
    boxes.splits = {"images/a.png": "test"}
    table = crops.crops(known, boxes)
    assert table.frame["split"].tolist() == ["train", "train", "val", "train", "train", "train"], "the images' own split holds"
    assert table.frame["meta.site"].tolist() == list("wwxzzz")
    assert table.label_names == ["class"]
    assert table.split_by == "source"
    assert crops.crops(images, boxes).frame["split"].tolist()[:2] == ["test", "test"]


def test_relative_boxes_and_turned_images(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(folder / "plain.jpg")
    (folder / "broken.jpg").write_bytes(b"not an image")
    assert [size_of(folder / name) for name in ("turned.jpg", "plain.jpg", "broken.jpg", "gone.jpg")] == [(30, 40), (40, 30), (0, 0), (0, 0)]
    images = resolve(folder)
    boxes = Found(classes=["x"], relative=True)
    for name in ("turned", "plain", "broken"):
        boxes.add(f"{name}.jpg", (0.5, 0.5, 0.5, 0.5), "x")
    table = crops.crops(images, boxes)
    assert dict(zip(table.frame["uri"], table.frame["box"], strict=True)) == {"turned.jpg": (15, 20, 15, 20), "plain.jpg": (20, 15, 20, 15)}
    assert "1 of 3 boxes was left out: 1 of images that cannot be read." in table.warnings
    assert table.task is None, "one class is no task"


def test_tiles(images: SampleTable) -> None:
    table = crops.tiles(images, 2, 3, overlap=0.25)
    assert len(table) == 24
    assert table.frame["meta.tile"].tolist() == [*range(6)] * 4
    assert (np.bincount(crops.owners(table, images)) == 6).all()
    assert table.require_task is not None
    with pytest.raises(UserError, match="grid of 0 x 3"):
        crops.tiles(images, 0, 3)
    with pytest.raises(UserError, match="overlap of tiles is 1"):
        crops.tiles(images, 2, 2, overlap=1.0)


def test_tiles_of_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = {f"{part}_{what}": rng.integers(0, 2 if what == "labels" else 255, (6, 1) if what == "labels" else (6, 28, 28)).astype(np.uint8)
             for part in ("train", "val", "test") for what in ("images", "labels")}  # fmt: skip
    np.savez(tmp_path / "pneumoniamnist.npz", **parts)
    images = resolve(tmp_path / "pneumoniamnist.npz")
    assert sizes_of(images).tolist() == [[28, 28]] * 18
    table = crops.tiles(images, 2, 2)
    assert table.frame["split"].value_counts().to_dict() == {"train": 24, "val": 24, "test": 24}
    made = store.build(table, StoreSettings("native", 1))
    assert np.array_equal(made.array(int(made.rows(table.ids[[1]])[0]))[0], parts["train_images"][0][:14, 14:])


@pytest.mark.data
def test_bccd() -> None:
    """4,888 boxes over 364 images; two are points, none lies outside, none is repeated."""
    root = require("bccd")
    images, table = resolve(root), resolve(f"crops@{root}")
    assert len(images) == 364
    assert len(table) == 4886
    assert table.class_names["class"] == ["Platelets", "RBC", "WBC"]
    assert crops.counted(table, images).sum(0).tolist() == [361, 4153, 372]
    assert "2 of 4,888 boxes were left out: 2 without an area." in table.warnings
    assert table.asides == ("Boxes without an area: JPEGImages/BloodImage_00338.jpg, JPEGImages/BloodImage_00343.jpg",)
    assert table.frame["split"].value_counts().to_dict() == {"train": 2804, "val": 1137, "test": 945}
    assert table.frame["subject"].nunique() == 364
    padded = resolve(f"crops@{root}:padding=0.2")
    grown = np.array(padded.frame["box"].tolist())[:, 2:] / np.array(table.frame["box"].tolist())[:, 2:]
    assert np.median(grown) == pytest.approx(1.2, abs=0.02)


def test_padding_is_lightlys(tmp_path: Path) -> None:
    """The corners of ``lightly-crop`` (lightly 1.6) for the same text files, to the pixel that it cuts off."""
    from lightly.utils.cropping.read_yolo_label_file import read_yolo_label_file

    root = written.yolo(tmp_path / "data")
    table = resolve(f"crops@{root}:padding=0.3")
    ours = {(Path(uri).stem, tuple(box)) for uri, box in zip(table.frame["uri"], table.frame["box"], strict=True)}
    width, height = written.SIZE
    for name, boxes in written.BOXES.items():
        _, theirs = read_yolo_label_file(str(root / "labels" / "train" / f"{name}.txt"), 0.3)
        assert len(theirs) == len(boxes)
        for box in theirs:
            corners = np.array([box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height])
            near = [one for stem, one in ours if stem == name and np.abs(np.array([*one[:2], one[0] + one[2], one[1] + one[3]]) - corners).max() < 1]
            assert len(near) == 1, (name, corners)
