"""The objects of selected images as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.boxes import written
from vesalius.data.references import resolve
from vesalius.errors import UserError
from vesalius.select.candidates import Candidates, Objects
from vesalius.select.handing import crops
from vesalius.select.picks import Picks
from vesalius.select.pool import names_of
from vesalius.select.selected import Selected


def selected(root: Path, *rows: int, tasks: tuple[str, ...] = ()) -> Selected:
    table = resolve(root, least=1)
    objects = {task: Objects(np.zeros((0, 2), np.float32), np.zeros(0, np.int64)) for task in tasks}
    candidates = Candidates(names_of(table), objects=objects, frame=table.frame, root=table.root)
    return Selected("mine", candidates, Picks.of(rows, [1.0] * len(rows)), table=table)


def test_every_object_of_every_selected_image(tmp_path: Path) -> None:
    root = written.voc(tmp_path / "data")
    handed = crops.write(selected(root, 3, 0, 2), tmp_path / "out")
    names = sorted(file.relative_to(tmp_path / "out").as_posix() for file in handed.files)
    assert names == [f"{kind}/JPEGImages-{name}-{number:03d}.png" for kind, name, number in
                     [("cell", "a", 0), ("cell", "d", 0), ("cell", "d", 1), ("debris", "a", 1), ("debris", "d", 2)]]  # fmt: skip
    whole = np.asarray(Image.open(root / "JPEGImages" / "a.png"))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / "debris" / "JPEGImages-a-001.png")), whole[10:25, 20:32])


def test_of_several_kinds_those_selected_by(tmp_path: Path) -> None:
    root = written.lightly(written.coco(tmp_path / "data"), task="found")
    assert {file.parent.parent.name for file in crops.write(selected(root, 0), tmp_path / "both").files} == {"instances", "found"}
    assert {file.parent.parent.name for file in crops.write(selected(root, 0, tasks=("found",)), tmp_path / "one").files} == {"one"}


def test_deep_grey_stays_deep(tmp_path: Path) -> None:
    root = written.voc(tmp_path / "data", {"a": [(2, 3, 10, 8, "cell")]})
    deep = np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50
    Image.fromarray(deep).save(root / "JPEGImages" / "a.png")
    (file,) = crops.write(selected(root, 0), tmp_path / "out").files
    assert np.array_equal(np.asarray(Image.open(file)), deep[3:11, 2:12])


def test_nothing_to_cut_is_said(tmp_path: Path) -> None:
    written.pictures(tmp_path / "data")
    with pytest.raises(UserError, match="no boxes lie beside the images"):
        crops.write(selected(tmp_path / "data", 0), tmp_path / "out")
