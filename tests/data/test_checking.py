from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.sources.native import npz
from vesalius.data.checking import check


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5), value, np.uint8)).save(path)


def test_a_folder_in_numbers(tmp_path: Path) -> None:
    for i in range(4):
        picture(tmp_path / "train" / "ab"[i % 2] / f"{i}.png", i)
        picture(tmp_path / "test" / "ab"[i % 2] / f"{i}.png", i if i < 1 else 100 + i)
    found = check(str(tmp_path), subject=r"/(\d)\.png")
    assert found["splits"] == {"train": 4, "test": 4}
    assert found["labels"] == {"class": {"a": 4, "b": 4}}
    assert (found["images"], found["files"], found["subjects"]) == (8, 8, 4)
    assert found["shared_subjects"] == {"train/test": 4}
    assert found["task"]["kind"] == "binary"
    assert "unreadable" not in found
    json.dumps(found)


def test_decoding_finds_what_cannot_be_read_and_what_is_there_twice(tmp_path: Path) -> None:
    for i in range(3):
        picture(tmp_path / "train" / f"{i}.png", i)
    picture(tmp_path / "test" / "copy.png", 2)
    (tmp_path / "test" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "test" / "empty.png").touch()
    told: list[tuple[int, int]] = []
    found = check(str(tmp_path), decode=True, progress=lambda done, total: told.append((done, total)))
    assert len(found["unreadable"]) == 2
    assert all(len(entry["id"]) == 16 and entry["reason"] for entry in found["unreadable"])
    assert "png" not in str(found["unreadable"])
    assert any(line.startswith("test/empty.png: ") for line in found["asides"])
    assert sum("broken.png" in line for line in found["asides"]) == 1
    assert found["same_images"] == {"train/test": 1}
    assert told[-1] == (6, 6)


def test_a_file_of_arrays(tmp_path: Path) -> None:
    npz(tmp_path / "chestmnist.npz", labels=14)
    found = check(str(tmp_path / "chestmnist.npz"), decode=True)
    assert found["splits"] == {"train": 8, "val": 2, "test": 3}
    assert len(found["labels"]) == 14
    assert sum(found["labels"]["hernia"].values()) == 13
    assert (found["unreadable"], found["subjects"]) == ([], None)
    assert found["same_images"] == {"train/val": 0, "train/test": 0, "val/test": 0}


def test_unknown_labels_and_quantities(tmp_path: Path) -> None:
    for i in range(60):
        picture(tmp_path / f"{i}.png", i)
    rows = "".join(f"{i}.png,{i / 2 if i else ''}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("path,age\n" + rows)
    found = check(str(tmp_path / "t.csv"), labels=["age"])
    assert found["labels"]["age"] == {"least": 0.5, "mean": 15.0, "most": 29.5, "unknown": 1}
    assert found["splits"] == {"not assigned": 60}
