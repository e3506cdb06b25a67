from __future__ import annotations

import importlib

import pandas as pd
import pytest
import torch

import vesalius
from tests import labelled
from tests.evaluate.made import Drawn
from vesalius.errors import UserError
from vesalius.evaluate.protocols import retrieval
from vesalius.evaluate.protocols.retrieval import Config
from vesalius.measures import bootstrap
from vesalius.measures import retrieval as measures


def test_means_over_the_queries_with_replicates_over_their_subjects():
    pair = Drawn()
    found = retrieval.measure(Config(gallery="train"), pair)
    assert next(iter(found.values)) == "map_at_10"
    test, train = pair.split("test"), pair.split("train")
    subjects = {"query_subject": torch.from_numpy(test.subject), "gallery_subject": torch.from_numpy(train.subject)}
    each = measures.measure(pair.features("test"), pair.features("train"), test.labels, train.labels, (5,), **subjects)["precision_at_5"]
    mine = found.values["precision_at_5"]
    assert mine.value == pytest.approx(float(each.mean()))
    (weights,) = bootstrap.weights(test.groups, 100, 1)
    torch.testing.assert_close(mine.replicates, (each.double() @ weights.double()) / 90)


def test_a_part_is_searched_for_itself_without_the_subject_that_is_asked():
    pair = Drawn()
    pair._vectors["test"] = pair._vectors["test"].repeat_interleave(2, 0)[:90]  # both images of a subject are the same
    honest = retrieval.measure(Config(gallery="test"), pair).values["map_at_1"].value
    pair._splits["test"].subject[:] = range(90)
    assert retrieval.measure(Config(gallery="test"), pair).values["map_at_1"].value == 1 > honest


def test_nothing_relevant_is_said():
    pair = Drawn()
    pair._splits["train"].labels[:] = 0
    pair._splits["test"].labels[:] = 1
    with pytest.raises(UserError, match="bears a label of a test image of another subject"):
        retrieval.measure(Config(gallery="train"), pair)


def test_a_data_set_without_a_training_part_is_searched_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")
    table = labelled.images(tmp_path / "images", count=40)
    pd.read_csv(table).assign(split="test").to_csv(table, index=False)
    fields = {"labels": "ill", "subject": "patient", "replicates": 100, "device": "cpu", "quiet": True, "shot": 2, "queries": 3}
    encoder = str(labelled.encoder(tmp_path / "a"))
    found = vesalius.evaluate("retrieval,few-shot", encoder=encoder, data=str(table), out=tmp_path / "run", **fields).results
    chosen = next(row for row in found["retrieval"]["chosen"] if row["encoder"] == "a")
    assert (chosen["gallery"], chosen["searched"], chosen["asked"]) == ("test", 40, 40)
    assert {row["n"] for row in found["few_shot"]["cells"]} == {40}
