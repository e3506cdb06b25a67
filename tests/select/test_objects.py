"""The objects that a selection looks at."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.data.boxes import written
from vesalius.data.references import resolve
from vesalius.errors import UserError
from vesalius.select.config import TilingConfig
from vesalius.select.objects import counted, crops_of, owners, tasks_of


def test_objects_of_a_task_and_tiles_of_a_grid(tmp_path: Path) -> None:
    images = resolve(written.lightly(tmp_path)).subset([3, 0, 1])
    grid = TilingConfig(name="grid", num_rows=2, num_cols=2, overlap=0.5)
    assert tasks_of(images, [grid]) == ["grid", "cells"]
    objects = crops_of(images, "cells", padding=0.2)
    assert sorted(owners(objects, images).tolist()) == [0, 0, 0, 1, 1, 2]
    assert counted(objects, images).sum(1).tolist() == [3, 2, 1]
    tiles = crops_of(images, "grid", tiling=grid)
    assert owners(tiles, images).tolist() == [0] * 4 + [1] * 4 + [2] * 4
    with pytest.raises(UserError, match=r"No boxes called 'cell' .* Did you mean cells\?"):
        crops_of(images, "cell")


def test_other_formats_are_tasks_too(tmp_path: Path) -> None:
    images = resolve(written.yolo(tmp_path))
    assert tasks_of(images) == ["yolo"]
    objects = crops_of(images, "yolo")
    assert len(objects) == 6
    assert "split" not in objects.frame, "which images are meant, the selection has said"


def test_what_is_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from vesalius.terminal import Terminal

    root = written.voc(tmp_path, {**written.BOXES, "c": [(3, 3, 0, 4, "cell")]})
    crops_of(resolve(root), "voc", terminal=Terminal())
    said = " ".join(io.StringIO("".join(capsys.readouterr())).read().split())
    assert "1 of 7 boxes was left out: 1 without an area." in said
    assert "Boxes without an area: JPEGImages/c.png" in said


def test_arrays_have_tiles_but_no_boxes(tmp_path: Path) -> None:
    import numpy as np

    np.savez(tmp_path / "x.npz", **{f"{part}_{kind}": np.zeros((3, 8, 8) if kind == "images" else (3, 1), np.uint8)
                                    for part in ("train", "val", "test") for kind in ("images", "labels")})  # fmt: skip
    images = resolve(tmp_path / "x.npz")
    assert len(crops_of(images, "g", tiling=TilingConfig(name="g", num_rows=2, num_cols=1))) == 18
    assert tasks_of(images) == []
    with pytest.raises(UserError, match="lie in no folder on this machine"):
        crops_of(images, "cells")
