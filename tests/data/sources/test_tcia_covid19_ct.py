from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.trees import tcia
from vesalius.data.references import resolve
from vesalius.data.sources import tcia_covid19_ct as source
from vesalius.errors import UserError


def test_nested_as_downloaded_and_flattened_are_one_table(tmp_path: Path) -> None:
    native = resolve(f"tcia-covid19-ct@{tcia.write(tmp_path / 'native', empty=True)}")
    flat = resolve(f"tcia-covid19-ct@{tcia.write(tmp_path / 'flat', layout='flat', empty=True)}")
    assert native.fingerprint() == flat.fingerprint()
    assert len(native) == len(tcia.NAMES)
    assert native.dims == 3
    assert all((tmp_path / "native" / uri).is_file() for uri in native.frame["uri"])
    assert "12 of the collection's 771" in native.warnings[0]


def test_no_person_is_on_both_sides(tmp_path: Path) -> None:
    names = [f"A-{n:04}{tail}" for n in range(60) for tail in (("_0", "_1") if n % 3 else ("",))]
    table = resolve(f"tcia-covid19-ct@{tcia.write(tmp_path, names, empty=True)}")
    train, val = (set(table.frame["subject"].to_numpy()[table.rows(part)]) for part in ("train", "val"))
    assert not train & val
    assert len(train | val) == 60
    assert 0.1 < len(val) / 60 < 0.35
    assert table.split_by == "subject"


def test_the_names_of_the_whole_collection(tmp_path: Path) -> None:
    listed = tcia.listed()
    names = [entry["image"] for part in ("training", "validation") for entry in listed[part]]
    table = resolve(f"tcia-covid19-ct@{tcia.write(tmp_path, names, layout='flat', empty=True)}")
    assert len(table) == source.COUNT
    assert table.frame["subject"].nunique() == 661
    assert not table.warnings


def test_a_volume_that_lies_there_twice_is_one(tmp_path: Path) -> None:
    root = tcia.write(tmp_path, empty=True)
    (root / "data").mkdir()
    file = next(root.rglob("*A-0001.nii.gz"))
    shutil.copy(file, root / "data" / file.name)
    table = resolve(f"tcia-covid19-ct@{root}")
    assert len(table) == len(tcia.NAMES)
    assert f"data/{file.name}" in set(table.frame["uri"])


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no volume of CT Images in COVID-19"):
        resolve(f"tcia-covid19-ct@{tmp_path}")


def test_the_tutorials_numbers_but_one_orientation() -> None:
    plan = source.plan()
    assert (plan.modality, plan.orientation, plan.spacing, plan.patch) == ("ct", "RAS", (2, 2, 2), (96, 96, 96))
    assert (plan.intensity.rule, plan.intensity.low, plan.intensity.high, plan.intensity.clip) == (
        "window",
        -57,
        164,
        True,
    )
