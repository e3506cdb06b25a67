"""What needs no image: controls of a data set, judged as encoders are."""

# Proves evaluate.pairs.pixels too: see mirrors.yaml.

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.evaluate.made import Drawn
from vesalius.evaluate.cells import Cells
from vesalius.evaluate.judged import controls


@pytest.fixture
def pair(tmp_path) -> Drawn:
    """Two classes; the sex says much of the label, the site nothing; people are on one side alone."""
    made = Drawn("binary", 2, counts=(300, 100, 200), apart=3.0)
    rng = np.random.default_rng(0)
    for name in ("train", "val", "test"):
        split = made.split(name)
        ill = split.labels.numpy() == 1
        sex = np.where(rng.random(len(ill)) < 0.85, np.where(ill, "F", "M"), np.where(ill, "M", "F"))
        frame = pd.DataFrame({"subject": [f"p{one}" for one in split.subject], "meta.sex": sex, "meta.age": rng.integers(20, 90, len(ill)), "view": "AP"})
        made._splits[name] = replace(split, frame=frame)
    frames = pd.concat([made.split(name).frame for name in ("train", "val", "test")], ignore_index=True)
    start = {"train": 0, "val": 300, "test": 400}
    for name, first in start.items():
        made._splits[name] = replace(made.split(name), rows=first + np.arange(len(made.split(name))))
    table = SimpleNamespace(frame=frames, subjects=frames["subject"].to_numpy(object), fingerprint=lambda: "x")
    made.data = SimpleNamespace(table=table, table_rows=lambda rows: rows, rows=lambda name: made.split(name).rows)
    made.asked.cells = Cells(tmp_path)
    made.asked.precision = "fp32"
    return made


def test_controls_are_what_they_say(pair):
    found = {(row["control"], row["metric"]): row for row in controls.of(pair)}
    assert {name for name, _ in found} == {"majority", "metadata", "lookup", "shuffled labels"}
    assert found["majority", "roc_auc"]["value"] == 0.5
    assert found["lookup", "roc_auc"]["value"] == 0.5  # nobody is on both sides
    assert 0.7 < found["metadata", "roc_auc"]["value"] < 0.95
    assert found["metadata", "roc_auc"]["low"] < found["metadata", "roc_auc"]["value"] < found["metadata", "roc_auc"]["high"]
    assert found["metadata", "roc_auc"]["note"] == "a linear probe on sex, age alone, without the image"
    assert found["shuffled labels", "roc_auc"]["value"] == pytest.approx(0.5, abs=0.25)  # in one telling direction a shuffling is right or wrong as a whole
    assert found["shuffled labels", "roc_auc"]["repeats"] == 10
    assert found["shuffled labels", "roc_auc"]["spread"] > 0.02
    assert found["shuffled labels", "roc_auc"]["note"].startswith("the linear probe of drawn")


def test_a_person_on_both_sides_is_looked_up(pair):
    pair.data.table.subjects[400:] = pair.data.table.subjects[:200]
    labels = pair.split("train").labels[:200]
    pair._splits["test"] = replace(pair.split("test"), labels=labels)
    found = {row["control"]: row["value"] for row in controls.of(pair) if row["metric"] == "roc_auc"}
    assert found["lookup"] == 1.0


def test_controls_are_kept_in_cells(pair):
    controls.of(pair)
    computed = pair.asked.cells.computed
    controls.of(pair)
    assert pair.asked.cells.computed == computed == 4
