"""``vesalius evaluate transfer`` on two tables of images whose classes have the same names, and a third whose have not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

import vesalius
from tests import labelled
from tests.evaluate.made import Drawn
from vesalius.errors import UserError
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.pairs.crossing import Crossed
from vesalius.evaluate.protocols import transfer
from vesalius.evaluate.protocols.transfer import Config
from vesalius.measures import logistic

FIELDS = {"labels": "ill", "subject": "patient", "split.val": 0.2, "split.test": 0.25, "replicates": 100, "device": "cpu", "quiet": True}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Tables ``north`` (no; yes, ill), ``south`` with other words for the same, and ``grades`` with four classes."""
    folder = tmp_path_factory.mktemp("transfer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        patch.setattr(folds, "FOLDS", 2)
        patch.setattr(logistic, "grid", lambda: [0.01, 1.0])
        patch.setattr(folds, "repeats", lambda pair: 2)
        labelled.images(folder / "one", count=64).rename(folder / "one" / "north.csv")
        table = labelled.images(folder / "two", count=64, seed=5)
        frame = pd.read_csv(table)
        frame.assign(ill=frame["ill"].map({"no": "zero", "yes, ill": "one"})).to_csv(table.parent / "south.csv", index=False)
        frame.assign(ill=frame["grade"]).to_csv(table.parent / "grades.csv", index=False)
        labelled.encoder(folder / "a")
        yield folder


def data(place: Path, *names: str) -> list[str]:
    return [str(place / ("one" if name == "north" else "two") / f"{name}.csv") for name in names]


@pytest.fixture(scope="module")
def found(place):
    names = {"zero": "no", "one": "YES, ill"}
    three = data(place, "north", "south", "grades")
    return vesalius.evaluate("transfer", encoder=str(place / "a"), data=three, out=place / "run", names=names, **FIELDS).results


def test_every_ordered_pair_of_the_same_classes_and_each_alone(found):
    rows = {row["data"]: row for row in found["transfer"]["cells"] if row["primary"]}
    assert list(rows) == ["north", "south", "north-to-south", "south-to-north"]
    assert rows["north-to-south"]["n"] == rows["south"]["n"]
    assert 0 <= rows["north-to-south"]["value"] <= 1


def test_where_classes_differ_it_says_which(found):
    absent = {row["data"]: row["reason"] for row in found["transfer"]["absent"]}
    assert sorted(absent) == ["grades-to-north", "grades-to-south", "north-to-grades", "south-to-grades"]
    assert "no, yes, ill (binary) there, mild, none, severe, worst (classes) here" in absent["north-to-grades"]


def test_what_is_lost_is_the_paired_difference_to_the_targets_own(found):
    (lost,) = (row for row in found["transfer"]["lost"] if row["target"] == "south")
    value = {row["data"]: row["value"] for row in found["transfer"]["cells"] if row["primary"]}
    assert lost["source"] == "north"
    assert lost["value"] == pytest.approx(value["south"] - value["north-to-south"])
    assert lost["low"] <= lost["high"]
    assert any("learnt on north" in sentence for sentence in found["verdict"])


def test_one_data_set_or_none_that_match_is_refused(place):
    with pytest.raises(UserError, match=r"there is only north\. Give a second one with --data"):
        vesalius.evaluate("transfer", encoder=str(place / "a"), data=data(place, "north"), out=place / "one", **FIELDS)
    with pytest.raises(UserError, match="north to south: the classes are not the same"):
        vesalius.evaluate("transfer", encoder=str(place / "a"), data=data(place, "north", "south"), out=place / "two", **FIELDS)


def test_the_probe_knows_nothing_of_the_target():
    source, target = (Drawn(seed=1, apart=4, counts=(700, 200, 150), dim=4) for _ in range(2))
    target._vectors["train"][:] = torch.nan
    crossed, probes = Crossed(source, target, (1, 2, 0)), {}
    alone, across = transfer.measure(Config(), source, probes), transfer.measure(Config(), crossed, probes)
    assert len(probes) == 1
    assert torch.equal(across.answers[..., [1, 2, 0]], alone.answers)
    assert torch.equal(across.choosing[..., [1, 2, 0]].nan_to_num(), alone.choosing.nan_to_num())
    assert alone.facts["c_of_repeats"] == across.facts["c_of_repeats"]
    assert torch.equal(folds.pooled(source)[0], source.split("all").labels[:900])
