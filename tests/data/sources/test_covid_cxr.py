from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.trees import covid
from vesalius.data.checking import check
from vesalius.data.references import resolve
from vesalius.data.splits import split
from vesalius.errors import UserError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return covid.write(tmp_path_factory.mktemp("covid"), 12)


def test_innereye_s_layout(root: Path) -> None:
    table = resolve(f"covid-cxr@{root}")
    assert len(table) == 24
    assert (table.require_task().kind, table.require_task().classes) == ("binary", ("CVX03", "CVX12"))
    assert table.labels("cvx03-vs-cvx12")[::2].tolist() == [0, 1, 1, 0] * 3
    four = resolve(f"covid-cxr@{root}:four")
    assert four.require_task().kind == "classes"
    assert four.labels("four")[::2].tolist() == [0, 1, 2, 3] * 3
    assert table.private
    assert table.subjects is not None
    assert len(set(table.subjects)) == 12
    assert not any("P0" in str(name) for name in table.subjects)
    assert not any("Ward" in str(value) for value in table.frame.to_numpy().ravel())


def test_a_person_is_on_one_side(root: Path) -> None:
    table = split(resolve(f"covid-cxr@{root}"), 0.2, 0.2, seed=3)
    assert table.split_by == "subject"
    sides = [set(table.subjects[table.rows(part)]) for part in ("train", "val", "test")]  # type: ignore[index]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 12


def test_every_format_is_read(root: Path) -> None:
    found = check(f"covid-cxr@{root}", decode=True)
    assert found["unreadable"] == []
    assert found["labels"]["four"] == {"CVX0": 6, "CVX1": 6, "CVX2": 6, "CVX3": 6}


def test_gaps_are_said(root: Path, tmp_path: Path) -> None:
    covid.write(tmp_path, 3)
    csv = tmp_path / "dataset.csv"
    lines = csv.read_text().splitlines()
    lines[1] = lines[1].replace(",0,Ward", ",,Ward")
    lines[2] = "," + lines[2].partition(",")[2]
    csv.write_text("\n".join([*lines, "P9,not/there.png,1,Ward"]))
    table = resolve(f"covid-cxr@{tmp_path}")
    assert np.isnan(table.labels("four")[0])
    assert np.isnan(table.labels("cvx03-vs-cvx12")[0])
    assert table.missing == ("not/there.png",)
    assert table.warnings == ["1 of 7 images that dataset.csv lists are not there; they are left out.", "1 of 7 rows name no subject."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "holds no dataset.csv"),
        ("subject,filepath\na,b.png\n", "has no column 'final_label'"),
        ("subject,filepath,final_label\na,b.png,4\n", "holds the final_label 4"),
        ("subject,filepath,final_label\na,b.png,x\n", "holds the final_label x"),
        ("subject,filepath,final_label\na,,1\n", "Row 0 of dataset.csv names no file"),
        ("subject,filepath,final_label\na,b.png,1\n", "None of the 1 images"),
        ("", "cannot be read as CSV"),
    ],
)
def test_what_is_wrong_is_one_paragraph(text: str | None, words: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "dataset.csv").write_text(text)
    with pytest.raises(UserError, match=words):
        resolve(f"covid-cxr@{tmp_path}")
