"""iChallenge-AMD and iChallenge-PM."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from tests.trees import transfer
from vesalius.data.references import resolve
from vesalius.errors import UserError


@pytest.mark.parametrize(("folders", "table"), [(True, False), (False, False), (True, True)])
def test_amd_by_folder_by_name_or_by_table(tmp_path: Path, folders: bool, table: bool) -> None:
    found = resolve(f"ichallenge_amd@{transfer.amd(tmp_path, folders=folders, table=table)}")
    assert found.labels("amd").tolist() == [1] * 4 + [0] * 4
    assert not any("Mask" in uri for uri in found.frame["uri"]), "outlines bear the names of photographs"
    assert any("subjects unknown" in text for text in found.warnings)


@pytest.mark.parametrize(("nested", "table"), [(True, False), (False, False), (True, True)])
def test_pm_by_name_or_by_table(tmp_path: Path, nested: bool, table: bool) -> None:
    root = transfer.pm(tmp_path, 2, nested=nested, table=table)
    assert resolve(f"ichallenge_pm@{root}").require_task().name == "pathological"
    found = resolve(f"ichallenge_pm@{root}:myopia")
    assert [uri.rpartition("/")[2][0] for uri in found.frame["uri"]] == list("HHNNPP")
    assert found.labels("pathological").tolist() == [0, 0, 0, 0, 1, 1]
    assert found.labels("myopia").tolist() == [1, 1, 0, 0, 1, 1]
    assert found.labels("grade").tolist() == [1, 1, 0, 0, 2, 2]
    assert resolve(f"ichallenge-pm@{root}:grade").require_task().kind == "ordinal"


def test_a_spreadsheet_in_place_of_the_csv(tmp_path: Path) -> None:
    root = transfer.pm(tmp_path, 2, table=True)
    csv = root / "PALM-Training400" / "fovea_location_csv.csv"
    if importlib.util.find_spec("openpyxl") is None:
        csv.unlink()
        with zipfile.ZipFile(csv.with_suffix(".xlsx"), "w") as archive:
            archive.writestr("xl/workbook.xml", "<workbook/>")
        with pytest.raises(UserError, match="pip install openpyxl, or save it as CSV"):
            resolve(f"ichallenge_pm@{root}")
        return
    frame = pd.read_csv(csv)
    frame.loc[0, "label"] = 2
    frame.to_excel(csv.with_suffix(".xlsx"), index=False)
    csv.unlink()
    found = resolve(f"ichallenge_pm@{root}")
    assert found.labels("pathological").sum() == 3
    assert "labelled otherwise by fovea_location_csv.xlsx" in " ".join(found.warnings)


@pytest.mark.parametrize(
    ("name", "csv", "text", "words"),
    [
        ("ichallenge_amd", "", "", "Register at https://amd.grand-challenge.org"),
        ("ichallenge_pm", "", "", "Register at https://palm.grand-challenge.org"),
        ("ichallenge_amd", "amd_labels.csv", "image,label\nA0001,3\n", "Row 0 of amd_labels.csv holds the label"),
        ("ichallenge_amd", "amd_labels.csv", "image\nA0001\n", "has 1 columns"),
        ("ichallenge_pm", "fovea_location_csv.csv", "ID,imgName,Fovea_X,Fovea_Y\n1,N0001.jpg,0,0\n", "has 4 columns"),
        ("ichallenge_pm", "fovea_location_csv.csv", "", "cannot be read as a table"),
    ],
)
def test_what_is_wrong_is_one_paragraph(tmp_path: Path, name: str, csv: str, text: str, words: str) -> None:
    if csv:
        (transfer.amd if name.endswith("amd") else transfer.pm)(tmp_path, 2)
        (tmp_path / csv).write_text(text)
    with pytest.raises(UserError, match=words) as raised:
        resolve(f"{name}@{tmp_path}")
    assert "\n" not in str(raised.value)
