"""The example of a strategy: found by its name, from a folder outside the package, and what it selects."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesalius.select.verb import select

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_strategy.py"


def test_one_of_every_camera_before_a_second_of_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    shutil.copy(EXAMPLE, tmp_path / "my_strategy.py")
    (tmp_path / "images").mkdir()
    for camera, count in ((1, 6), (2, 3), (3, 2)):
        for number in range(count):
            pixels = np.full((12, 12), 10 * camera + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / f"cam{camera}-{number}.png")
    done = select(
        data=str(tmp_path / "images"), n=6, strategy="round-robin:camera", path_regex="(?P<camera>cam[0-9]+)",
        plugins=[str(tmp_path / "my_strategy.py")], quiet=True,
    )  # fmt: skip
    cameras = [name.partition("-")[0] for name in done.names]
    assert sorted(cameras[:3]) == sorted(cameras[3:]) == ["cam1", "cam2", "cam3"]
    turns = done.table["reasons"].str.extract(r'"turn": (\d)')[0].astype(int)
    assert turns.tolist() == [1, 1, 1, 2, 2, 2]
    again = select(resume=done.path, quiet=True)
    assert again.names == done.names
