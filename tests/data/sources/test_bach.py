from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.trees import transfer
from vesalius.data.checking import check
from vesalius.data.references import resolve
from vesalius.data.sources import bach
from vesalius.errors import UserError


@pytest.mark.parametrize("layout", ["ICIAR2018_BACH_Challenge/Photos", "Photos", "a/b/c"])
def test_every_layout_is_the_same_table(tmp_path: Path, layout: str) -> None:
    table = resolve(f"bach@{transfer.bach(tmp_path / 'one', layout=layout, table=layout == 'Photos')}")
    assert table.fingerprint() == resolve(f"bach@{transfer.bach(tmp_path / 'two')}").fingerprint()
    assert table.labels("class").tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0]
    assert not table.private


def test_tasks(tmp_path: Path) -> None:
    root = transfer.bach(tmp_path)
    assert [resolve(f"bach@{root}:{task}").require_task().kind for task in bach.TASKS] == ["classes", "ordinal", "binary"]
    table = resolve(f"bach@{root}:carcinoma")
    assert ((table.labels("class") >= 2) == (table.labels("carcinoma") == 1)).all()


def test_the_test_part_is_eva_s() -> None:
    names = [f"{prefix}{number:03d}" for prefix in ("b", "is", "iv", "n") for number in range(1, 101)]
    test = [name for name in names if bach._part(name) == "test"]
    assert len(test) == 132
    assert (test[0], test[-1]) == ("b042", "n068")
    assert {name: bach._part(name) for name in ("b041", "b059", "b060", "b061", "is039", "is040", "iv059", "iv060", "n045", "n046")} == {
        "b041": "train", "b059": "test", "b060": "train", "b061": "test", "is039": "train", "is040": "test", "iv059": "train", "iv060": "train",
        "n045": "train", "n046": "test",
    }  # fmt: skip


def test_a_table_that_says_otherwise_is_taken_and_counted(tmp_path: Path) -> None:
    root = transfer.bach(tmp_path)
    csv = next(root.rglob("*.csv"))
    csv.write_text(csv.read_text().replace("b041.tif,Benign", "b041.tif,Normal").replace("n042.tif,Normal\n", "") + "iv099.tif,Invasive\n")
    found = check(f"bach@{root}", decode=False)
    said = " ".join(found["warnings"])
    assert "1 of 12 images are labelled otherwise by microscopy_ground_truth.csv than by their file name" in said
    assert "1 of 12 images are not in microscopy_ground_truth.csv" in said
    assert "1 of 12 images that microscopy_ground_truth.csv lists are not there" in said
    assert "b041" not in said
    assert any("b041" in text for text in found["asides"])
    assert found["labels"]["class"] == {"Normal": 4, "Benign": 2, "InSitu": 3, "Invasive": 3}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("readme.txt", "", "holds no image of BACH.*Get ICIAR2018_BACH_Challenge.zip at https://zenodo"),
        ("ICIAR2018_BACH_Challenge.zip", "", "holds ICIAR2018_BACH_Challenge.zip: `vesalius data unpack bach@FOLDER`"),
        ("Photos/microscopy_ground_truth.csv", "b001.tif;Benign", "is not the table of BACH"),
        ("Photos/microscopy_ground_truth.csv", "b001.tif,Malign", "holds the class 'Malign'"),
    ],
)
def test_what_is_wrong_is_one_paragraph(tmp_path: Path, name: str, text: str, words: str) -> None:
    if name.endswith(".csv"):
        transfer.bach(tmp_path, layout="Photos")
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError) as raised:
        resolve(f"bach@{tmp_path}")
    assert re.search(words, str(raised.value))
    assert "\n" not in str(raised.value)
