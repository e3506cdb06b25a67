"""Montgomery and Shenzhen."""

# Proves data.sources.montgomerycxr too: see mirrors.yaml.

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trees import transfer
from vesalius.data.references import resolve
from vesalius.data.tuberculosis import _age, _read, _sex
from vesalius.errors import UserError

SETS = {
    "montgomery": (transfer.montgomery, "montgomery_metadata.csv", "MontgomerySet"),
    "shenzhen": (transfer.shenzhen, "shenzhencxr_metadata.csv", "ChinaSet_AllFiles"),
}


@pytest.mark.parametrize("name", SETS)
def test_every_layout_is_the_same_table(name: str, tmp_path: Path) -> None:
    write, csv, _ = SETS[name]
    tables = [
        resolve(f"{name}@{write(tmp_path / 'a')}"),
        resolve(f"{name}cxr@{write(tmp_path / 'b', outer=False)}"),
        resolve(f"{name}@{write(tmp_path / 'c', table=csv)}"),
        resolve(f"{name}@{write(tmp_path / 'd', readings=False, table=csv)}"),
        resolve(f"{name}@{write(tmp_path / 'e', readings=False)}"),
    ]
    assert len({table.fingerprint() for table in tables}) == 1
    part = f"12 of the set's {138 if name == 'montgomery' else 662} images are there."
    assert all(len(table) == 12 and table.warnings == [part] for table in tables)
    for table in tables[:4]:
        assert table.frame["meta.age"].tolist() == [number + (20 if name == "montgomery" else 30) for number in range(1, 13)]
        assert table.frame["meta.sex"].tolist() == ["M", "F"] * 6
    assert tables[4].frame["meta.age"].isna().all()
    assert tables[0].labels("tuberculosis").sum() == (4 if name == "montgomery" else 6)
    assert len(set(tables[0].subjects)) == 12  # type: ignore[arg-type]


def test_the_two_sets_have_no_person_in_common(tmp_path: Path) -> None:
    one, two = (resolve(f"{name}@{SETS[name][0](tmp_path / name)}") for name in SETS)
    assert not set(one.subjects) & set(two.subjects)  # type: ignore[arg-type]
    assert not set(one.ids.tolist()) & set(two.ids.tolist())


@pytest.mark.parametrize("name", SETS)
def test_contradictions_are_counted_and_the_table_s_label_is_taken(name: str, tmp_path: Path) -> None:
    write, csv, home = SETS[name]
    root = write(tmp_path, table=csv)
    text = (root / csv).read_text().splitlines()
    stem = text[1].partition(".png")[0]
    text[1] = text[1].rpartition(",")[0] + ",cavity"
    (root / csv).write_text("\n".join(text) + "\n")
    table = resolve(f"{name}@{root}")
    assert table.labels("tuberculosis")[0] == 1
    assert table.warnings[0] == f"1 of 12 images are labelled otherwise by {csv} than by their file name; the table's label is taken."
    assert table.warnings[1] == "Of 1 of 12 images the clinical reading contradicts the label, which is kept."
    assert any(stem in text for text in table.asides)
    assert not any(stem in text for text in table.warnings)
    (root / csv).unlink()
    (root / home / "ClinicalReadings" / f"{stem}.txt").write_text("male 40yrs\r\ncavity in the left apex\r\n")
    table = resolve(f"{name}@{root}")
    assert table.labels("tuberculosis")[0] == 0
    assert table.warnings[:-1] == ["Of 1 of 12 images the clinical reading contradicts the label, which is kept."]


@pytest.mark.parametrize(
    ("text", "age", "sex", "label"),
    [
        ("Patient's Sex: F\r\nPatient's Age: 027Y\r\nnormal\r\n", 27, "F", 0),
        ("Patient's Sex: M\nPatient's Age: 004Y\nStable, minimal residual bilateral TB", 4, "M", 1),
        ("male 45yrs\nnormal", 45, "M", 0),
        ("Female, 29yrs\nbilateral PTB\n", 29, "F", 1),
        ("male  6 months\n\n Normal \n", 0.5, "M", 0),
    ],
)
def test_readings(text: str, age: float, sex: str, label: float, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text)
    found = _read(tmp_path / "a.txt")
    assert (found.age, found.sex, found.label) == (age, sex, label)
    assert _sex("nothing") is None
    assert _age("nothing") != _age("nothing"), "NaN"


def test_where_to_ask_and_what_is_packed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no radiograph called MCUCXR_0001_0\.png.*Ask for NLM-MontgomeryCXRSet\.zip at https://openi\.nlm\.nih\.gov/faq"):
        resolve(f"montgomery@{tmp_path}")
    with pytest.raises(UserError, match="There is no folder"):
        resolve(f"montgomery@{tmp_path / 'nowhere'}")
    (tmp_path / "ChinaSet_AllFiles.zip").touch()
    with pytest.raises(UserError, match="vesalius data unpack shenzhencxr@FOLDER"):
        resolve(f"shenzhen@{tmp_path}")
    transfer.shenzhen(tmp_path, table="shenzhen_metadata.csv")
    (tmp_path / "shenzhen_metadata.csv").write_text("file,findings\na,b\n")
    with pytest.raises(UserError, match="has 2 columns"):
        resolve(f"shenzhen@{tmp_path}")
