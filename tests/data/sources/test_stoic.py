from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.trees import transfer
from vesalius.data import store
from vesalius.data.checking import check
from vesalius.data.references import resolve
from vesalius.data.settings import StoreSettings
from vesalius.data.slices import chosen
from vesalius.data.sources import stoic
from vesalius.data.table import SampleTable
from vesalius.errors import UserError


def grey(hu: np.ndarray) -> np.ndarray:
    """The original's lines."""
    low, high = -1000, 250
    return ((np.clip(hu, low, high) - low) / (high - low) * 255).astype(np.uint8)


def hu(person: int, z: int) -> np.ndarray:
    """The slice z of the tree's volume, rows to the back and columns to the left."""
    y, x = np.meshgrid(np.arange(10), np.arange(12), indexing="ij")
    values = -400 + 50 * z + 4 * y + x + 10 * person
    if z == 2:
        values[2:8, 2:10] = -800
    return values


@pytest.mark.parametrize(("task", "slices"), [("covid", [4]), ("covid-lung", [2]), ("covid-slices", [2, 3, 3, 4, 5, 6, 6])])
def test_slices_are_the_volume_s(task: str, slices: list[int], tmp_path: Path) -> None:
    table = resolve(f"stoic@{transfer.stoic(tmp_path, 2)}:{task}")
    assert len(table) == 2 * len(slices)
    built = store.build(table, StoreSettings(channels=1))
    for row, person in enumerate(np.repeat([0, 1], len(slices))):
        found = built.array(int(built.rows(table.ids[row : row + 1])[0]))
        np.testing.assert_array_equal(found[0], grey(hu(int(person), slices[row % len(slices)])))


def test_the_middle_is_the_original_s() -> None:
    for depth in (9, 10, 375):
        assert chosen(np.zeros((8, 8, depth)), "middle") == [int(np.floor(depth * 0.5))]
    assert chosen(np.zeros((8, 8, 9)), "lung") == [4], "without lung it is the middle"


def test_labels_people_and_tasks(tmp_path: Path) -> None:
    root = transfer.stoic(tmp_path)
    table = resolve(f"stoic@{root}")
    assert table.labels("covid").tolist() == [0, 1] * 3
    assert resolve(f"stoic@{root}:severe").targets()[:, 0].tolist() == [0, 0, 0, 1, 0, 0]
    many = resolve(f"stoic@{root}:severe-slices")
    assert many.frame.groupby("subject").size().tolist() == [7] * 6
    assert set(many.subjects) == set(table.subjects)  # type: ignore[arg-type]
    volumes = resolve(f"stoic@{root}:covid-volumes", dims=3)
    assert (volumes.dims, len(volumes), volumes.container) == (3, 6, None)
    assert stoic.plan().modality == "ct"
    table.save(tmp_path / "table.parquet")
    assert SampleTable.load(tmp_path / "table.parquet").container == table.container


def test_a_damaged_volume_is_left_out_and_told(tmp_path: Path) -> None:
    root = transfer.stoic(tmp_path)
    (root / "data/mha/7.mha").write_bytes(b"ObjectType = Image\nNDims = 3\n")
    (root / "data/mha/9.mha").unlink()
    found = check(f"stoic@{root}", decode=True)
    assert len(found["unreadable"]) == 1
    assert found["warnings"] == ["1 of 6 volumes that reference.csv lists are not there; they are left out."]
    assert len(store.build(resolve(f"stoic@{root}"), StoreSettings(), max_bad_share=0.5).left_out) == 1


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("metadata/reference.csv", None, r"holds no metadata/reference\.csv"),
        ("metadata/reference.csv", "PatientID,probCOVID\n5,1\n", "has no column 'probSevere'"),
        ("metadata/reference.csv", "PatientID,probCOVID,probSevere\n5,0.4,0\n", "Row 0 of reference.csv holds the label"),
        ("metadata/reference.csv", "PatientID,probCOVID,probSevere\n99,0,0\n", "None of the 1 volumes"),
        ("data/mha", None, "registry.opendata.aws"),
    ],
)
def test_what_is_wrong_is_one_paragraph(name: str, text: str | None, words: str, tmp_path: Path) -> None:
    root = transfer.stoic(tmp_path, 2)
    if text is not None:
        (root / name).write_text(text)
    elif name == "data/mha":
        for file in (root / name).iterdir():
            file.unlink()
    else:
        (root / name).unlink()
    with pytest.raises(UserError, match=words) as raised:
        resolve(f"stoic@{root}")
    assert "\n" not in str(raised.value)
