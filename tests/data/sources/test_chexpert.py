from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.trees import chexpert
from vesalius.data.references import resolve
from vesalius.data.sources import chexpert as source
from vesalius.data.subjects import public
from vesalius.errors import UserError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chexpert.write(tmp_path_factory.mktemp("chexpert"), 10, side=16)


def test_the_folder_itself_the_one_above_and_any_prefix_are_the_same_table(home: Path, tmp_path: Path) -> None:
    table = resolve(f"chexpert@{home}", filter="all")
    above = resolve(f"chexpert@{home.parent}", filter="all")
    assert table.fingerprint() == above.fingerprint()
    for prefix in ("", "CheXpert-v1.0/", "/some/where/else/"):
        other = chexpert.write(tmp_path / f"p{len(prefix)}", 10, side=16, version="CheXpert-v1.0", prefix=prefix)
        assert resolve(f"chexpert@{other}", filter="all").fingerprint() == table.fingerprint()
    for found, root in ((table, home), (above, home.parent)):
        assert all((root / uri).is_file() for uri in found.frame["uri"])


def test_the_full_set_unpacks_into_four_folders(tmp_path: Path) -> None:
    home = chexpert.write(tmp_path, 10, side=16, version="CheXpert-v1.0 batch 1 (validate & csv)", prefix="CheXpert-v1.0/")
    for number in range(1, 9):
        batch = tmp_path / f"CheXpert-v1.0 batch {2 + number % 3} (train {1 + number % 3})"
        batch.mkdir(exist_ok=True)
        shutil.move(home / "train" / f"patient{number:05d}", batch / f"patient{number:05d}")
    (home / "train").rmdir()
    table = resolve(f"chexpert@{tmp_path}")
    assert not table.missing
    assert all((tmp_path / uri).is_file() for uri in table.frame["uri"])


def test_what_is_known_of_an_image(home: Path) -> None:
    table = resolve(f"chexpert@{home}", filter="all", keep_uncertain=True)
    row = table.frame[table.frame["uri"] == "train/patient00001/study2/view2_lateral.jpg"].iloc[0]
    subject = public("chexpert", ["patient00001"])[0]
    assert (row["subject"], row["study"], row["view"]) == (subject, f"{subject}/study2", "lateral")
    assert (row["meta.age"], row["meta.sex"]) == (41, "F")
    assert set(table.frame["meta.projection"].dropna()) == {"AP", "PA"}
    values = np.stack([table.labels(name) for name in source.FINDINGS])
    assert set(values[~np.isnan(values)]) == {-1.0, 0.0, 1.0}
    assert np.isnan(values).any()


def test_frontal_images_unless_something_else_is_said(home: Path) -> None:
    everything = resolve(f"chexpert@{home}", filter="all")
    frontal, lateral = resolve(f"chexpert@{home}"), resolve(f"chexpert@{home}", filter="lateral")
    assert set(frontal.frame["view"]) == {"frontal"}
    assert len(frontal) + len(lateral) == len(everything)
    assert frontal.rows_meant == f"view=frontal ({len(frontal)} of {len(everything)} images)"
    assert set(resolve(f"chexpert@{home}", filter="sex=F").frame["view"]) == {"frontal"}, "another column leaves it on"


def test_the_radiologists_part_is_the_test_part_until_there_is_a_better(home: Path, tmp_path: Path) -> None:
    table = resolve(f"chexpert@{home}")
    assert {name: len(table.rows(name)) > 0 for name in ("train", "val", "test", "")} == {"train": True, "val": False, "test": True, "": False}
    assert all(uri.startswith("valid/") for uri in table.frame["uri"].iloc[table.rows("test")])
    table = resolve(f"chexpert@{chexpert.write(tmp_path, 10, side=16, test=True)}")
    for part, folder in (("train", "train/"), ("val", "valid/"), ("test", "test/")):
        assert all(uri.startswith(folder) for uri in table.frame["uri"].iloc[table.rows(part)])


def test_patients_that_are_not_there_are_counted(tmp_path: Path) -> None:
    home = chexpert.write(tmp_path, 10, side=16)
    shutil.rmtree(home / "train" / "patient00002")
    table, listed = resolve(f"chexpert@{home}"), sum(len((home / f"{part}.csv").read_text().splitlines()) - 1 for part in ("train", "valid"))
    assert table.missing
    assert all(name.startswith("train/patient00002/") for name in table.missing)
    assert table.warnings == [f"{len(table.missing)} of {listed} images that the tables list are not there; they are left out."]


def test_tasks(home: Path) -> None:
    assert resolve(f"chexpert@{home}").require_task().labels == source.FINDINGS
    assert resolve(f"chexpert@{home}:five").require_task().labels == source.FIVE
    one = resolve(f"chexpert@{home}", task="pleural-effusion").require_task()
    assert (one.kind, one.labels, one.classes) == ("binary", ("Pleural Effusion",), ("no", "yes"))


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("train.csv", None, "There is no train.csv in .*CheXpert-v1.0-small"),
        ("train.csv", "Path,Sex\n", "has no column 'No Finding'"),
        ("train.csv", ",".join(chexpert.HEADER) + "\nhere.jpg" + "," * 18 + "\n", "no path of CheXpert's form"),
        ("train.csv", ",".join(chexpert.HEADER) + "\ntrain/patient1/study1/a.jpg,F,1,Frontal,AP,2" + "," * 13 + "\n", "holds '2' for No"),
        ("train.csv", ",".join(chexpert.HEADER) + "\ntrain/patient1/study1/a.jpg,F,1,Frontal,AP,yes" + "," * 13 + "\n", "holds 'yes' for No"),
    ],
)
def test_what_is_wrong_is_said_in_one_paragraph(tmp_path: Path, file: str, content: str | None, said: str) -> None:
    home = chexpert.write(tmp_path, 6, side=16)
    if content is None:
        (home / file).unlink()
    else:
        (home / file).write_text(content)
    with pytest.raises(UserError, match=said) as error:
        resolve(f"chexpert@{home}")
    assert "\n" not in str(error.value)


def test_two_versions_side_by_side_are_not_guessed_between(tmp_path: Path) -> None:
    for version in ("CheXpert-v1.0", "CheXpert-v1.0-small"):
        chexpert.write(tmp_path, 6, side=16, version=version)
    with pytest.raises(UserError, match=r"holds 2 folders with a train.csv: CheXpert-v1.0, CheXpert-v1.0-small"):
        resolve(f"chexpert@{tmp_path}")


def test_images_that_are_not_unpacked(tmp_path: Path) -> None:
    home = chexpert.write(tmp_path, 6, side=16)
    shutil.rmtree(home / "train")
    shutil.rmtree(home / "valid")
    with pytest.raises(UserError, match=r"None of the .* images that the tables"):
        resolve(f"chexpert@{home}")
