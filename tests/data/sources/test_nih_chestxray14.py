from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.trees import nih
from vesalius.data.references import resolve
from vesalius.data.sources import nih_chestxray14 as source
from vesalius.data.subjects import public
from vesalius.errors import UserError


@pytest.mark.parametrize("layout", ["folders", "images", "flat"])
@pytest.mark.parametrize("csv", source.TABLES)
def test_every_layout_is_the_same_table(tmp_path: Path, layout: str, csv: str) -> None:
    root = nih.write(tmp_path, 8, layout=layout, csv=csv, side=16)
    table = resolve(f"nih-chestxray14@{root}")
    assert len(table) == 16
    assert all((root / uri).is_file() for uri in table.frame["uri"])
    assert table.fingerprint() == resolve(f"nih-chestxray14@{nih.write(tmp_path / 'other', 8, side=16)}").fingerprint()


def test_what_is_known_of_an_image(tmp_path: Path) -> None:
    table = resolve(f"nih-chestxray14@{nih.write(tmp_path, 8, side=16)}")
    row = table.frame[table.frame["uri"].str.endswith("00000003_001.png")].iloc[0]
    assert (row["view"], row["meta.follow_up"], row["meta.age"], row["meta.sex"]) == ("AP", 1, 33, "F")
    assert row["subject"] == public("nih-chestxray14", [3])[0] != "3"
    assert {name for name in source.FINDINGS if row[f"label.{name}"] == 1} == {"Infiltration", "Consolidation"}
    assert np.isnan(row["label.single7"])
    healthy = table.frame[table.frame["subject"] == public("nih-chestxray14", ["4"])[0]]
    assert (healthy[[f"label.{name}" for name in source.FINDINGS]] == 0).all(axis=None)


def test_the_official_lists_are_the_split(tmp_path: Path) -> None:
    root = nih.write(tmp_path, 8, side=16)
    table = resolve(f"nih-chestxray14@{root}")
    assert set(table.frame["subject"].iloc[table.rows("test")]) == set(public("nih-chestxray14", [7, 8]))
    assert (len(table.rows("train")), len(table.rows("test")), table.split_by) == (12, 4, "source")
    (root / "test_list.txt").unlink()
    assert resolve(f"nih-chestxray14@{root}").fingerprint() == table.fingerprint(), "one list says what the other says"
    (root / "train_val_list.txt").unlink()
    table = resolve(f"nih-chestxray14@{root}")
    assert ("split" in table.frame, table.split_by) == (False, "")


def test_a_part_of_the_download_is_used_and_the_rest_counted(tmp_path: Path) -> None:
    root = nih.write(tmp_path, 8, side=16)
    gone = nih.missing(root, 5)
    (root / "images_001" / "images" / "unlisted.png").touch()
    table = resolve(f"nih-chestxray14@{root}")
    assert len(table) == 11
    assert sorted(table.missing) == gone
    assert "5 of 16 images" in table.warnings[0]
    assert table.warnings[1].startswith("1 images that are there are not in")
    assert not any(name in warning for name in gone for warning in table.warnings), "warnings are written into runs"


def test_tasks(tmp_path: Path) -> None:
    root = nih.write(tmp_path, 28, follow_ups=1, side=16)
    assert resolve(f"nih-chestxray14@{root}").require_task().labels == source.FINDINGS
    one = resolve(f"nih-chestxray14@{root}:pleural-thickening").require_task()
    assert (one.kind, one.labels) == ("binary", ("Pleural_Thickening",))
    single = resolve(f"nih-chestxray14@{root}", task="single7")
    assert 0 < len(single) < 28
    findings = np.stack([single.labels(name) for name in source.FINDINGS])
    assert (findings.sum(0) == 1).all()
    names = [source.SINGLE[int(number)] for number in single.targets()[:, 0]]
    assert [source.FINDINGS[int(row)] for row in findings.argmax(0)] == names
    with pytest.raises(UserError, match="Did you mean pneumonia"):
        resolve(f"nih-chestxray14@{root}:pneumona")


def test_the_first_edition_wrote_ages_with_a_letter_and_held_some_nobody_has(tmp_path: Path) -> None:
    root = nih.write(tmp_path, 2, side=16)
    text = (root / "Data_Entry_2017.csv").read_text().replace(",31,F,PA", ",031Y,F,PA").replace(",32,M,PA", ",412Y,M,PA")
    (root / "Data_Entry_2017.csv").write_text(text)
    ages = resolve(f"nih-chestxray14@{root}").frame["meta.age"]
    assert ages.isna().tolist() == [False, False, True, False]
    assert ages.iloc[0] == 31


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "Data_Entry_2017.csv").unlink(), "holds neither Data_Entry_2017.csv nor .*nihcc.app.box.com"),
        (lambda root: nih.missing(root, 4), "None of the 4 images .* Unpack images_001.tar.gz"),
        (lambda root: (root / "Data_Entry_2017.csv").write_text("a,b\n1,2\n"), "has no column 'Image Index'"),
        (lambda root: (root / "Data_Entry_2017.csv").write_text(nih.HEADER + "\nx.png,Gout,0,1,1,M,PA,1,1,1,1\n"), "finding 'Gout'"),
    ],
)
def test_what_is_wrong_is_said_in_one_paragraph(tmp_path: Path, change: object, said: str) -> None:
    root = nih.write(tmp_path, 2, side=16)
    change(root)  # type: ignore[operator]
    with pytest.raises(UserError, match=said) as error:
        resolve(f"nih-chestxray14@{root}")
    assert "\n" not in str(error.value)
