"""A cell judged: every measure with an interval, repeats apart from subjects, temperature and thresholds from held-out answers alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from tests.evaluate.made import Drawn
from vesalius.errors import UserError
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.judged import judging, resampling, subgroups, tempering
from vesalius.evaluate.judged.resampling import Resampling
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.measures import metrics
from vesalius.measures.every import SENSITIVITY


def softened(pair: Drawn, part: str, sharpness: float, seed: int = 0) -> torch.Tensor:
    """Answers that know the class but for noise, with logits too sharp by ``sharpness``."""
    labels = pair.split(part).labels
    noise = torch.tensor(np.random.default_rng(seed).normal(size=(len(labels), pair.classes)))
    if pair.kind == "multilabel":
        return (sharpness * (2 * labels.nan_to_num() - 1 + noise)).sigmoid().float()
    one_hot = torch.nn.functional.one_hot(labels.long(), pair.classes)
    return (sharpness * (1.5 * one_hot + noise)).softmax(1).float()


@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel", "ordinal"])
def test_every_measure_has_a_value_and_an_interval_around_it(kind):
    pair = Drawn(kind, 2 if kind == "binary" else 3, counts=(200, 150, 260))
    answers, choosing = softened(pair, "test", 4.0)[None], softened(pair, "val", 4.0, 1)[None]
    found = judging.judged(Measured(answers, choosing), pair)
    assert next(iter(found.values)) == found.metric == pair.task.metric
    assert ("kappa" in found.values) == (kind == "ordinal")
    assert SENSITIVITY in found.values
    for name, value in found.values.items():
        low, high = found.intervals[name]
        assert low <= value.value <= high, name
        assert value.replicates is not None
        assert len(value.replicates) == 100
        if name in metrics.EVERY:
            alone = float(metrics.measure(name, pair.kind, pair.split("test").labels, answers[0])[0])
            assert value.value == pytest.approx(alone, abs=1e-6), name
    assert found.calibration is not None
    assert found.calibration["temperature"] > 1.5
    assert found.values["nll_calibrated"].value < found.values["nll"].value
    assert found.values["ece_calibrated"].value < found.values["ece"].value
    assert (found.n, found.units) == (260, 130)


def test_repeats_are_averaged_and_their_spread_is_apart():
    pair = Drawn(counts=(100, 60, 200))
    several = torch.stack([softened(pair, "test", 1.0, seed) for seed in (1, 2, 1)])
    found = judging.judged(Measured(several), pair).values["roc_auc"]
    each = [judging.judged(Measured(one[None]), pair).values["roc_auc"] for one in several]
    assert found.value == pytest.approx(np.mean([one.value for one in each]))
    assert found.repeats is not None
    assert found.repeats.tolist() == pytest.approx([one.value for one in each])
    assert found.repeats[0] == found.repeats[2]
    assert torch.allclose(found.replicates, torch.stack([one.replicates for one in each]).mean(0))


def test_without_held_out_answers_there_is_no_temperature_and_no_threshold():
    pair = Drawn()
    found = judging.judged(Measured(softened(pair, "test", 1.0)[None]), pair)
    assert SENSITIVITY not in found.values
    assert not any(name.endswith("_calibrated") for name in found.values)
    assert found.calibration is None


def test_held_out_answers_may_be_of_the_pool():
    pair = Drawn(counts=(200, 100, 100))
    divisions = folds.folds(pair, 0)
    pooled = torch.cat([softened(pair, "train", 3.0), softened(pair, "val", 3.0, 1)])
    held = folds.held_out(pair, divisions[:2], [pooled[fold.choose] for fold in divisions[:2]])
    labels, there = folds.pooled(pair)[0], ~held.isnan().any(1)
    found = judging.judged(Measured(softened(pair, "test", 3.0)[None], held[None]), pair)
    alone = tempering.fitted("classes", labels[there], pooled[there])
    assert found.calibration is not None
    assert found.calibration["temperature"] == pytest.approx(alone.temperature)


def test_numbers_of_a_protocols_own_keep_their_replicates():
    own = Value(0.5, torch.linspace(0.4, 0.6, 101))
    found = judging.judged(Measured(values={"map_at_5": own}), Drawn())
    assert found.metric == "map_at_5"
    assert found.intervals["map_at_5"] == pytest.approx((0.405, 0.595))


def test_rare_classes_are_drawn_apart_and_their_intervals_corrected():
    labels = torch.tensor([0.0] * 300 + [1.0] * 8)
    few = Resampling.of("binary", labels, np.arange(308), 200, 1, 2)
    assert few.method == "BCa, expanded, stratified by class"
    assert few.rarest == 8
    assert torch.cat(list(few.weights()), 1)[300:].sum(0).unique().tolist() == [8.0]  # in every replicate as many
    many = Resampling.of("binary", torch.tensor([0.0, 1.0] * 200), np.arange(400), 200, 1, 2)
    assert many.method == "percentile"
    left = torch.cat(list(few.left_out()), 1)
    assert left.shape == (308, 308)
    assert torch.equal(left, 1 - torch.eye(308))


def test_groups_of_a_column_are_scored_apart_with_their_gap():
    pair = Drawn("binary", 2, counts=(60, 60, 400))
    sex = np.where(np.arange(400) // 2 % 4 < 2, "F", "M")
    age = np.where(np.arange(400) < 10, 5, 30 + np.arange(400) % 50)
    frame = pd.DataFrame({"meta.sex": sex, "meta.age": age, "view": "AP"})
    pair._splits["test"] = replace(pair.split("test"), frame=frame)
    pair.asked.subgroups = ("sex", "age", "view", "site")
    answers = softened(pair, "test", 1.0)
    answers[torch.from_numpy(sex == "M")] = 0.5 + 0.01 * torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    rows, gaps = subgroups.found(pair, answers[None], resampling.of(pair), "roc_auc")
    by_sex = {row["group"]: row for row in rows if row["column"] == "sex"}
    labels = pair.split("test").labels
    for group, row in by_sex.items():
        mine = torch.from_numpy(sex == group)
        assert row["value"] == pytest.approx(float(metrics.measure("roc_auc", "binary", labels[mine], answers[mine])[0]))
        assert (row["n"], row["units"]) == (200, 100)
    gap = next(row for row in gaps if row["column"] == "sex")
    assert (gap["most"], gap["least"]) == ("F", "M")
    assert gap["low"] > 0.1
    assert gap["value"] == pytest.approx(by_sex["F"]["value"] - by_sex["M"]["value"])
    ages = {row["group"]: row for row in rows if row["column"] == "age"}
    assert list(ages) == ["below 18", "18 to 39", "40 to 59", "60 to 79"]
    assert np.isnan(ages["below 18"]["value"])  # five subjects: named, without a value
    assert ages["below 18"]["n"] == 10
    assert "below 18" not in {row[end] for row in gaps for end in ("most", "least")}
    assert {row["column"] for row in gaps} == {"sex", "age"}


def test_numbers_of_many_values_come_in_quarters_and_unknown_ones_in_none():
    weight = pd.Series([None, *range(100)], dtype=object)
    found = subgroups.bands(weight, "weight")
    assert found[0] == ""
    assert [int((found == group).sum()) for group in dict.fromkeys(found[1:])] == [25, 25, 25, 25]


def test_a_column_that_nobody_has_is_refused_with_the_nearest():
    table = SimpleNamespace(frame=pd.DataFrame({"meta.sex": ["F"], "uri": ["a"]}))
    subgroups.refuse_unknown(["sex"], [table])
    with pytest.raises(UserError, match=r"'sexe'.*Did you mean sex\?"):
        subgroups.refuse_unknown(["sexe"], [table])
