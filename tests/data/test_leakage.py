from __future__ import annotations

from pathlib import Path

import numpy as np

from vesalius.data.leakage import overlap
from vesalius.data.table import SampleTable


def folder(root: Path, files: dict[str, bytes], subjects: list[str] | None = None) -> SampleTable:
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    return SampleTable.of("folder", root, list(files), {} if subjects is None else {"subject": subjects})


def test_the_same_bytes_under_another_name_are_the_same_image(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", {"1.png": b"one", "2.png": b"two", "3.png": b"three"})
    b = folder(tmp_path / "b", {"x.png": b"two", "y.png": b"six", "z.png": b"something else"})
    found = overlap(a, b)
    assert (found.images, found.of_images, found.compared_by) == (1, 3, "content")
    assert (found.subjects, found.of_subjects) == (None, None)
    assert found.warning == "1 of 3 images of the monitoring data are also in the training data."
    assert overlap(b, a).images == 1


def test_missing_files_are_nobodys_twins(tmp_path: Path) -> None:
    a = SampleTable.of("folder", tmp_path / "nothing", ["1.png", "2.png"])
    assert overlap(a, a).images == 0


def test_other_frames_and_boxes_are_other_images(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", {"1.tif": b"pages"})
    frames = SampleTable.of("folder", tmp_path / "a", ["1.tif", "1.tif"], frames=[0, 1])
    boxed = SampleTable.of("folder", tmp_path / "a", ["1.tif"], boxes=[(0, 0, 2, 2)])
    assert overlap(a, frames).images == 1
    assert overlap(a, boxed).images == 0


def test_people(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", {"1.png": b"1", "2.png": b"2"}, ["p", "q"])
    b = folder(tmp_path / "b", {"1.png": b"3", "2.png": b"4", "3.png": b"5"}, ["q", "q", "r"])
    found = overlap(a, b)
    assert (found.subjects, found.of_subjects, found.images) == (1, 2, 0)
    assert found.as_dict()["subjects"] == 1
    assert overlap(a, b.subset([2])).warning is None


def arrays(values: list[int]) -> SampleTable:
    stack = np.stack([np.full((3, 3), value, np.uint8) for value in values])
    return SampleTable.of("test", "/", ["x"] * len(values), frames=range(len(values)), container=lambda uri: stack)


def test_rows_of_arrays(tmp_path: Path) -> None:
    assert overlap(arrays([1, 2, 3]), arrays([3, 4, 3, 1])).images == 3
    mixed = overlap(arrays([1]), folder(tmp_path / "a", {"1.png": b"1"}))
    assert (mixed.images, mixed.compared_by) == (0, "nothing")


def test_digests_of_stores_go_before_everything() -> None:
    found = overlap(arrays([1, 2]), arrays([5, 6]), digests=(["aa", "bb"], ["bb", "cc"]))
    assert (found.images, found.compared_by) == (1, "stored pixels")
