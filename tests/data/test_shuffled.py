"""The divisions of Anton et al., against their own lines of pandas and numpy, and the leakage that they cause."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from docs.radiograph_splits import published

from tests.trees import chexpert as chexpert_tree
from tests.trees import nih as nih_tree
from tests.trees import transfer
from vesalius.data import shuffled
from vesalius.data.references import resolve
from vesalius.data.sources import (
    bach,
    chexpert,
    eyepacs,
    ichallenge_pm,
    montgomerycxr,
    nih_chestxray14,
    shenzhencxr,
    stoic,
)


def theirs(frame: pd.DataFrame, split_index: int) -> dict[str, list[int]]:
    """Their lines: shuffle, cut, and of the training part a fifth held out by position."""
    mixed = frame.sample(frac=1, random_state=42).reset_index(drop=True)
    train, test = mixed.iloc[:split_index, :], mixed.iloc[split_index:, :]
    indices = list(range(len(train)))
    split = int(np.floor(0.2 * len(train)))
    np.random.seed(0)
    np.random.shuffle(indices)
    names = train["name"].tolist()
    return {"val": [names[i] for i in indices[:split]], "train": [names[i] for i in indices[split:]], "test": test["name"].tolist()}


@pytest.mark.parametrize("n", [5, 12, 138, 400, 662, 2000])
def test_the_order_the_cut_and_the_fifth_are_theirs(n: int) -> None:
    found = shuffled.parts(n)
    expected = theirs(pd.DataFrame({"name": np.arange(n)}), math.floor(0.8 * n))
    assert {name: sorted(np.flatnonzero(found == name)) for name in expected} == {name: sorted(rows) for name, rows in expected.items()}


def test_what_is_not_kept_is_dropped_after_the_division() -> None:
    kept = np.arange(50) % 3 == 0
    found, whole = shuffled.parts(50, kept=kept), shuffled.parts(50)
    assert (found == "").tolist() == (~kept).tolist()
    assert ((found == "test") == ((whole == "test") & kept)).all()
    assert (found == "val").sum() == (found != "test")[kept].sum() // 5


@pytest.mark.parametrize(
    ("module", "write", "name"),
    [(bach, lambda root: transfer.bach(root, 5), "bach"), (ichallenge_pm, lambda root: transfer.pm(root, 5, table=True), "ichallenge_pm"),
     (montgomerycxr, lambda root: transfer.montgomery(root, 15, table="montgomery_metadata.csv"), "montgomery"),
     (stoic, lambda root: transfer.stoic(root, 15), "stoic")],
)  # fmt: skip
def test_small_sets_are_divided_80_to_20_by_image(module, write, name: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    table = resolve(f"{name}@{write(tmp_path)}")
    found = module.compat_ssl_medicalimaging(table)
    n = len(table)
    held = int(0.2 * int(0.8 * n))
    assert [len(found.rows(part)) for part in ("train", "val", "test")] == [int(0.8 * n) - held, held, n - int(0.8 * n)]
    assert shuffled.SAID in found.warnings
    assert shuffled.UNORDERED not in found.warnings
    assert shuffled.SAID not in table.warnings
    assert found.split_by == "image"


def test_without_its_table_the_order_is_said_to_be_another(tmp_path: Path) -> None:
    found = montgomerycxr.compat_ssl_medicalimaging(resolve(f"montgomery@{transfer.montgomery(tmp_path)}"))
    assert shuffled.UNORDERED in found.warnings


def test_the_rows_follow_the_table_and_missing_images_move_nobody(tmp_path: Path) -> None:
    root = transfer.shenzhen(tmp_path / "a", 30, table="shenzhen_metadata.csv")
    csv = root / "shenzhen_metadata.csv"
    head, *rows = csv.read_text().splitlines()
    csv.write_text("\n".join([head, *rows[::-1]]) + "\n")
    listed = [row.partition(".png")[0] for row in rows[::-1]]
    expected = theirs(pd.DataFrame({"name": listed}), 24)
    (root / f"ChinaSet_AllFiles/CXR_png/{listed[3]}.png").unlink()
    found = shenzhencxr.compat_ssl_medicalimaging(resolve(f"shenzhen@{root}"))
    names = np.array(shuffled.stems_of(found))
    for part, those in expected.items():
        assert sorted(names[found.rows(part)]) == sorted(set(those) - {listed[3]})


def test_chestx_is_divided_before_its_classes_are_chosen(tmp_path: Path) -> None:
    root = nih_tree.write(tmp_path, 56, side=8)
    found = nih_chestxray14.compat_ssl_medicalimaging(resolve(f"nih-chestxray14@{root}"))
    again = nih_chestxray14.compat_ssl_medicalimaging(resolve(f"chestx@{root}"), "single7")
    assert found.fingerprint() == again.fingerprint()
    assert found.require_task().name == "single7"
    frame = nih_chestxray14.read_labels(root / "Data_Entry_2017.csv")
    mixed = frame.sample(frac=1, random_state=42).iloc[int(0.8 * len(frame)) :]
    assert len(found.rows("test")) == mixed["label.single7"].notna().sum()


def test_chexpert_s_lateral_and_unmentioned_images_are_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chexpert, "TRAINING", 20)
    home = chexpert_tree.write(tmp_path, 20, side=8)
    table = resolve(f"chexpert@{home}", filter="all", uncertain="ones")
    found = chexpert.compat_ssl_medicalimaging(table)
    assert set(found.frame["view"]) == {"frontal", "lateral"}
    assert len(found.rows("train")) + len(found.rows("val")) == 20
    assert len(found) == len(pd.read_csv(home / "train.csv")), "valid.csv is not used"
    assert not np.isnan(found.targets()).any()
    kept = resolve(f"chexpert@{home}", filter="all", keep_uncertain=True)
    zeros = chexpert.compat_ssl_medicalimaging(kept, "edema").labels("Edema")
    assert set(zeros) == {0.0, 1.0}
    assert (zeros == 1).sum() == (kept.subset(kept.frame["split"] == "train").labels("Edema") == 1).sum()


def test_eyepacs_keeps_kaggle_s_division_and_parts_the_two_eyes(tmp_path: Path) -> None:
    table = resolve(f"eyepacs@{transfer.eyepacs(tmp_path, 30)}")
    found = eyepacs.compat_ssl_medicalimaging(table)
    assert [len(found.rows(part)) for part in ("train", "val", "test")] == [48, 12, 10]
    assert found.require_task().kind == "classes"
    assert any("occur in more than one of train, val and test" in text for text in found.warnings)


def test_what_their_division_leaks_on_the_published_tables() -> None:
    """The tables that torchxrayvision ships: how many test images show a patient of those who trained."""
    cx, nih = published("chexpert"), published("nih-chestxray14")
    if cx is None or nih is None:
        if os.environ.get("VESALIUS_REQUIRE_DATA") == "1":
            pytest.fail("torchxrayvision is missing")
        pytest.skip("torchxrayvision is not installed")
    part = shuffled.parts(len(cx), chexpert.TRAINING)
    test, people, studies = part == "test", cx["subject"], cx["study"]
    assert (len(cx), test.sum()) == (223_414, 89_365)
    assert round(100 * people[test].isin(set(people[~test])).mean(), 1) == 81.2
    assert round(100 * studies[test].isin(set(studies[~test])).mean(), 1) == 19.4
    effusion = cx["label.Pleural Effusion"].fillna(0).replace(-1, 0)
    known = [effusion[~test].groupby(column[~test]).mean() for column in (studies, people)]
    guess = studies[test].map(known[0]).fillna(people[test].map(known[1])).fillna(effusion[~test].mean())
    assert round(100 * ((guess > 0.5) == (effusion[test] > 0.5)).mean(), 1) == 76.0
    part = shuffled.parts(len(nih), kept=nih["label.single7"].notna().to_numpy())
    test, train, people = part == "test", (part == "train") | (part == "val"), nih["subject"]
    assert (train.sum(), test.sum()) == (20_702, 5_146)
    assert round(100 * people[test].isin(set(people[train])).mean(), 1) == 71.1
