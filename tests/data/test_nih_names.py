from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trees.rsna import mapping, names
from vesalius.data.nih_names import people
from vesalius.data.subjects import public
from vesalius.errors import UserError

FILES = ["00000013_005.png", "00000013_006.png", "00030805_000.png"]


@pytest.mark.parametrize("form", ["json", "csv", "columns swapped", "no header"])
def test_every_form_of_the_mapping(form: str, tmp_path: Path) -> None:
    called = names(3)
    file = tmp_path / ("mapping.json" if form == "json" else "mapping.csv")
    rows = {
        "csv": ["patientId,img_id", *(f"{a},{b}" for a, b in zip(called, FILES))],
        "columns swapped": ["x,Image Index,subset_img_id", *(f"0,{b},{a}" for a, b in zip(called, FILES))],
        "no header": [f"{a}, {b}" for a, b in zip(called, FILES)],
    }
    file.write_text(json.dumps(mapping(called, FILES)) if form == "json" else "\n".join(rows[form]))
    found, said = people(file, [called[2], called[0], called[1]])
    assert found == public("nih-chestxray14", ["30805", "13", "13"])
    assert said == []
    found, said = people(file, [called[0], "another"])
    assert found == [*public("nih-chestxray14", ["13"]), None]
    assert said == [
        "subjects unknown: one patient's images may be on both sides. The mapping does not name NIH's file for 1 of 2 images."
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a": 1}', "is JSON, but no list of entries"),
        ('[{"img_id": "00000013_005.png"}]', "is JSON, but no list of entries"),
        ("[1, 2", "is JSON, but no list of entries"),
        ("a,b\n1,2\n", "has no two columns, one of them NIH's file names"),
        ("patientId,img_id\nq,00000013_005.png\n", "names NIH's file for none of the 1 images"),
        ("", "has no two columns"),
    ],
)
def test_what_is_no_mapping_is_one_paragraph(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(content)
    with pytest.raises(UserError, match=words):
        people(tmp_path / "m.csv", ["p"])
    with pytest.raises(UserError, match="There is no mapping"):
        people(tmp_path / "absent.csv", ["p"])
