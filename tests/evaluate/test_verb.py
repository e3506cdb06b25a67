"""``vesalius evaluate`` on encoders and data sets: pairs, baselines, cells that are found again, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import vesalius
from tests import labelled
from vesalius.encoders import build_encoder, load_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.config import configured
from vesalius.evaluate.pairs.examinee import EncoderExaminee
from vesalius.evaluate.pairs.opening import opened
from vesalius.evaluate.pairs.panel import Panel
from vesalius.evaluate.verb import Evaluated
from vesalius.features import one_pass
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One store, one feature cache and one key of ids for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder := tmp_path_factory.mktemp("cache")))
        yield folder


@pytest.fixture(autouse=True)
def the_same_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(cache))


@pytest.fixture(scope="module")
def place(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables of images and three saved encoders, one of which takes three channels."""
    folder = tmp_path_factory.mktemp("place")
    labelled.images(folder / "north", count=120)
    labelled.images(folder / "south", count=90, seed=5)
    for name, seed, channels in (("a", 11, 1), ("b", 12, 1), ("colour", 13, 3)):
        encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=channels, size=(16, 16), seed=seed)
        encoder.card = encoder.card.model_copy(update={"trained_on": "a test"})
        save_encoder(encoder.eval(), folder / name)
    return folder


ASKED: dict[str, Any] = {"labels": "ill", "subject": "patient", "replicates": 100, "quiet": True, "split.test": 0.25}


@pytest.fixture(scope="module")
def both(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    data = [place / "north" / "table.csv", f"{place}/south/table.csv"]
    out = tmp_path_factory.mktemp("evaluation") / "both"
    return vesalius.evaluate("knn", encoder=[f"first={place / 'a'}", place / "b"], data=data, out=out, **ASKED)


def panel_of(place: Path, **more: Any) -> Panel:
    fields = {key: value for key, value in ASKED.items() if key != "quiet"} | more
    return opened(configured("knn", (), fields, [str(place / "a")], [str(place / "north" / "table.csv")]), Terminal(quiet=True))


def test_every_pair_and_baseline_has_its_cell(both: Evaluated) -> None:
    table = both.table
    rows = table[(table["table"] == "cells") & (table["metric"] == "roc_auc")]
    assert set(zip(rows["encoder"], rows["data"])) == {
        (encoder, data) for encoder in ("first", "b", "random init", "pixel PCA") for data in ("table", "table-2")
    }
    assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all()
    assert (both.path / "knn" / "first" / "table.safetensors").is_file()
    assert {one["name"] for one in both.results["encoders"]} == {"first", "b", "random init", "pixel PCA"}


def test_a_second_protocol_or_evaluation_forwards_nothing(place: Path, both: Evaluated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an image was forwarded again")

    monkeypatch.setattr(one_pass, "_vectors", refuse)
    again = vesalius.evaluate("knn", encoder=f"first={place / 'a'}", data=place / "north" / "table.csv", out=tmp_path / "again", **ASKED)

    def cell(found: Evaluated) -> pd.Series[Any]:
        rows = found.table
        return rows[(rows["encoder"] == "first") & (rows["data"] == "table") & (rows["metric"] == "roc_auc")].iloc[0]

    assert cell(again)["value"] == cell(both)["value"]
    assert cell(again)["low"] == cell(both)["low"]


def test_a_killed_evaluation_goes_on_with_its_cells(place: Path, both: Evaluated, tmp_path: Path) -> None:
    run = tmp_path / "killed"
    shutil.copytree(both.path, run)
    (run / "knn" / "b" / "table-2.safetensors").unlink()
    for name in ("results.json", "results.csv", "report.html"):
        (run / name).unlink()
    facts = (run / "run.json").read_text()
    (run / "run.json").write_text(facts.replace('"done"', '"running"'))
    resumed = vesalius.evaluate("", resume=run, quiet=True)
    assert resumed.results["knn"]["cells"] == both.results["knn"]["cells"]
    assert '"computed": 1' in (run / "run.json").read_text()


def test_cells_hold_the_answers_to_the_test_split(both: Evaluated) -> None:
    found = load_file(both.path / "knn" / "b" / "table.safetensors")
    row = next(one for one in both.results["knn"]["cells"] if one["encoder"] == "b" and one["data"] == "table")
    assert found["answers"].shape[1:] == (row["n"], 2)
    torch.testing.assert_close(found["answers"].sum(-1), torch.ones(found["answers"].shape[:2]))


def test_grey_images_reach_an_encoder_of_three_channels(place: Path, tmp_path: Path) -> None:
    found = vesalius.evaluate("knn", encoder=place / "colour", data=place / "north" / "table.csv", out=tmp_path / "colour", **ASKED)
    assert found.results["knn"]["cells"]


def test_sizes_are_an_axis(place: Path) -> None:
    panel = panel_of(place, image_size="16,24")
    assert [one.name for one in panel.encoders] == ["a@16", "a@24"]
    assert [one.card.size for one in panel.encoders] == [(16, 16), (24, 24)]
    assert panel.encoders[0].hash == panel.encoders[1].hash
    assert panel.encoders[0].key != panel.encoders[1].key


def test_a_capped_set_is_smaller_and_split_by_subject(place: Path) -> None:
    table = panel_of(place, max_images=60).tables["table"]
    assert 50 <= len(table) <= 70
    assert table.frame.groupby("subject")["split"].nunique().max() == 1


def test_the_twin_without_training_is_prepared_like_the_encoder(place: Path) -> None:
    panel = panel_of(place)
    (twin,) = panel.baselines(["random init"])
    assert isinstance(twin, EncoderExaminee)
    assert twin.card.preprocessing == panel.encoders[0].card.preprocessing
    assert twin.hash != panel.encoders[0].hash
    same = panel_of(place).baselines(["random init"])[0]
    assert isinstance(same, EncoderExaminee)
    assert same.hash == twin.hash


def test_twins_of_several_networks_say_whose_they_are(place: Path) -> None:
    fields = {key: value for key, value in ASKED.items() if key != "quiet"}
    given = configured("knn", (), fields, [str(place / name) for name in ("a", "b", "colour")], [str(place / "north" / "table.csv")])
    twins = opened(given, Terminal(quiet=True)).baselines(["random init"])
    assert [twin.name for twin in twins] == ["random init a", "random init colour"]


def test_features_that_are_no_numbers_are_told(place: Path, tmp_path: Path) -> None:
    encoder = load_encoder(place / "a")
    with torch.no_grad():
        next(iter(encoder.network.parameters())).fill_(torch.nan)
    save_encoder(encoder, tmp_path / "broken")
    with pytest.raises(UserError, match=r"not finite of .* images"):
        vesalius.evaluate("knn", encoder=tmp_path / "broken", data=place / "north" / "table.csv", out=tmp_path / "run", **ASKED)
    beside = vesalius.evaluate(
        "knn", encoder=[tmp_path / "broken", place / "a"], data=place / "north" / "table.csv", out=tmp_path / "beside", **ASKED
    )
    (absent,) = beside.results["knn"]["absent"]
    assert absent["encoder"] == "broken"
    assert {one["encoder"] for one in beside.results["knn"]["cells"]} == {"a", "random init", "pixel PCA"}


def test_one_class_alone_is_refused(place: Path, tmp_path: Path) -> None:
    table = labelled.changed(place / "north" / "table.csv", "one_class.csv", ill=lambda frame: "no")
    with pytest.raises(UserError):
        vesalius.evaluate("knn", encoder=place / "a", data=table, out=tmp_path / "run", **ASKED)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"encoder": []}, "--encoder"),
        ({"data": []}, "--data"),
        ({"data": ["nowhere"]}, "nowhere"),
        ({"encoder": ["no-such-encoder"]}, "no-such-encoder"),
        ({"kk": 3}, "--k"),
        ({"max_images": 2}, "max_images"),
    ],
)
def test_what_is_missing_or_unknown_is_said(place: Path, tmp_path: Path, change: dict[str, Any], says: str) -> None:
    given = {"encoder": [place / "a"], "data": [place / "north" / "table.csv"], **ASKED, **change}
    with pytest.raises(UserError, match=says):
        vesalius.evaluate("knn", out=tmp_path / "run", **given)
    assert not (tmp_path / "run").exists(), "the line can be mended and typed again"


def test_what_was_refused_leaves_what_was_there(place: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError):
        vesalius.evaluate("knn", encoder="no-such-encoder", data=place / "north" / "table.csv", out=tmp_path, **ASKED)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_column_of_labels_is_meant_for_the_tables_among_the_data(place: Path, tmp_path: Path) -> None:
    for number, file in enumerate(sorted((place / "south" / "png").glob("*.png"))[:20]):
        (target := tmp_path / "classes" / str(number % 2)).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    fields = {key: value for key, value in ASKED.items() if key != "quiet"}
    data = [str(place / "north" / "table.csv"), str(tmp_path / "classes")]
    tables = opened(configured("knn", (), fields, [str(place / "a")], data), Terminal(quiet=True)).tables
    assert [table.require_task().labels for table in tables.values()] == [("ill",), ("class",)]
    assert [table.subjects is None for table in tables.values()] == [False, True]
    with pytest.raises(UserError, match="at most the label 'class'"):
        opened(configured("knn", (), fields, [str(place / "a")], data[1:]), Terminal(quiet=True))


def test_what_was_named_twice_is_examined_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = {key: value for key, value in ASKED.items() if key != "quiet"}
    table = str(place / "north" / "table.csv")
    given = configured("knn", (), fields, [str(place / "a"), str(place / "a"), f"again={place / 'a'}"], [table, table])
    panel = opened(given, Terminal())
    assert [one.name for one in panel.encoders] == ["a", "again"]
    assert list(panel.tables) == ["table"]
    said = capsys.readouterr().err
    assert "was given 2 times and is examined once" in said
    assert "again has the weights of a:" in said


def test_another_evaluation_is_not_gone_on_with(both: Evaluated) -> None:
    with pytest.raises(UserError, match="would differ"):
        vesalius.evaluate("knn", resume=both.path, quiet=True, replicates=200)
    with pytest.raises(UserError, match=r"evaluates by knn, not by linear,knn. Leave the protocols out"):
        vesalius.evaluate("linear,knn", resume=both.path, quiet=True)


def test_numbers_of_subjects_agree_between_parts(place: Path) -> None:
    from vesalius.evaluate.asked import Asked
    from vesalius.evaluate.cells import Cells

    panel = panel_of(place)
    asked = Asked((), None, Cells(place), torch.device("cpu"), None, 1, 64, Terminal(quiet=True), panel=panel)  # type: ignore[arg-type]
    pair = panel.pair(panel.encoders[0], "table", asked)
    train, test = pair.split("train"), pair.split("test")
    assert not set(train.subject) & set(test.subject)
    assert np.array_equal(np.unique(test.groups), np.arange(len(set(test.subject))))
    assert test.groups[0] == 0
    names = test.frame["subject"].to_numpy()
    assert ((names[:, None] == names) == (test.groups[:, None] == test.groups)).all()
