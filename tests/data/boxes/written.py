"""The same boxes in each format, as its tools write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Boxes = Mapping[str, Sequence[tuple[float, float, float, float, str]]]
"""x, y, width, height and class of each box, by the image's name without suffix."""

SIZE = (40, 30)
CLASSES = ["cell", "debris"]
BOXES: Boxes = {
    "a": [(2, 3, 10, 8, "cell"), (20, 10, 12, 15, "debris")],
    "b": [(0, 0, 40, 30, "cell")],
    "c": [],
    "d": [(5, 5, 6, 6, "cell"), (30, 20, 10, 10, "cell"), (12, 0, 9, 9, "debris")],
}


def pictures(folder: Path, names: Sequence[str] = tuple(BOXES), size: tuple[int, int] = SIZE, suffix: str = "png") -> None:
    """Images of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.{suffix}")


def voc(root: Path, boxes: Boxes = BOXES, size: tuple[int, int] = SIZE, splits: Mapping[str, Sequence[str]] = {}) -> Path:
    """``JPEGImages``, ``Annotations``, ``ImageSets/Main``."""
    pictures(root / "JPEGImages", tuple(boxes), size)
    (root / "Annotations").mkdir(parents=True)
    for name, several in boxes.items():
        objects = "".join(
            f"<object><name>{kind}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
            for x, y, w, h, kind in several
        )
        (root / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename><size><width>{size[0]}</width><height>{size[1]}</height></size>{objects}</annotation>"
        )
    for split, names in splits.items():
        (root / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
    return root


def coco(root: Path, boxes: Boxes = BOXES, size: tuple[int, int] = SIZE, name: str = "annotations/instances_train.json", scores: bool = False) -> Path:
    """``images/`` and one JSON file."""
    pictures(root / "images", tuple(boxes), size)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps(coco_content(boxes, size, scores)))
    return root


def coco_content(boxes: Boxes, size: tuple[int, int] = SIZE, scores: bool = False) -> dict[str, list[dict[str, object]]]:
    images = [{"id": 10 + at, "file_name": f"{name}.png", "width": size[0], "height": size[1]} for at, name in enumerate(boxes)]
    flat = [(10 + at, box) for at, several in enumerate(boxes.values()) for box in several]
    annotations = [
        {"id": number, "image_id": image, "category_id": 5 + CLASSES.index(box[4]), "bbox": list(box[:4]), "iscrowd": 0, **({"score": 0.5} if scores else {})}
        for number, (image, box) in enumerate(flat)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 5 + at, "name": name} for at, name in enumerate(CLASSES)]}


def yolo(root: Path, boxes: Boxes = BOXES, size: tuple[int, int] = SIZE, names: str = "data.yaml") -> Path:
    """``images/train``, ``labels/train`` and the names of classes."""
    pictures(root / "images" / "train", tuple(boxes), size)
    (root / "labels" / "train").mkdir(parents=True)
    for name, several in boxes.items():
        lines = [f"{CLASSES.index(k)} {(x + w / 2) / size[0]:.6f} {(y + h / 2) / size[1]:.6f} {w / size[0]:.6f} {h / size[1]:.6f}" for x, y, w, h, k in several]
        (root / "labels" / "train" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    (root / names).write_text(
        "train: images/train\nval: images/train\nnc: 2\nnames: [cell, debris]\n" if names.endswith("yaml") else "cell\ndebris\n"
    )
    return root


def lightly(root: Path, boxes: Boxes = BOXES, size: tuple[int, int] = SIZE, task: str = "cells") -> Path:
    """Images and ``.lightly/predictions/TASK``."""
    pictures(root / "images", tuple(boxes), size)
    folder = root / ".lightly" / "predictions"
    (folder / task / "images").mkdir(parents=True)
    (folder / "tasks.json").write_text(json.dumps([task]))
    categories = [{"id": 5 + at, "name": name} for at, name in enumerate(CLASSES)]
    (folder / task / "schema.json").write_text(json.dumps({"task_type": "object-detection", "categories": categories}))
    for name, several in boxes.items():
        said = [{"category_id": 5 + CLASSES.index(box[4]), "bbox": list(box[:4]), "score": 0.75} for box in several]
        (folder / task / "images" / f"{name}.json").write_text(json.dumps({"file_name": f"images/{name}.png", "predictions": said}))
    return root
