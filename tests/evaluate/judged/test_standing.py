"""Encoders beside each other: paired differences, Holm's correction, ties, and a verdict that a person can read."""

# Proves evaluate.judged.sentences too: see mirrors.yaml.

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vesalius.evaluate.judged import differences, standing
from vesalius.evaluate.judged.judging import Judged
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.measures import bootstrap
from vesalius.measures.families import holm

GENERATOR = torch.Generator().manual_seed(0)
SHARED = 0.02 * torch.randn(2000, generator=GENERATOR, dtype=torch.float64)


def cell(value: float, noise: float = 0.002, metric: str = "roc_auc", shared: float = 1.0, **more) -> Judged:
    """Replicates that move with the subjects, as those of every encoder do, and a little alone."""
    replicates = value + shared * SHARED + noise * torch.randn(2000, generator=GENERATOR, dtype=torch.float64)
    values = {metric: Value(value, replicates), "ece": Value(1 - value, 1 - replicates)}
    return Judged(metric, values, 100, 50, "subjects", Measured(), {name: bootstrap.interval(v.replicates) for name, v in values.items()}, **more)


def asked(baselines=("random init", "pixel PCA")):
    return SimpleNamespace(examinee=lambda name: SimpleNamespace(baseline=name in baselines))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_step_down_rule(values):
    found = holm(values)
    order = np.argsort(values, kind="stable")
    worst = 0.0
    for rank, place in enumerate(order):
        worst = max(worst, min(1.0, values[place] * (len(values) - rank)))
        assert found[place] == pytest.approx(worst)


def test_undefined_p_values_do_not_count():
    assert holm([0.01, float("nan"), 0.04])[0] == pytest.approx(0.02)


def test_a_p_value_is_twice_the_rarer_side_and_never_0():
    assert differences.p_value(torch.linspace(0.1, 1, 999)) == pytest.approx(2 / 1000)
    assert differences.p_value(torch.linspace(-1, 1, 1000)) == pytest.approx(1.0, abs=0.01)
    assert differences.p_value(torch.zeros(100)) == 1.0


def test_many_pairs_can_still_be_told_apart():
    """78 pairs of 13 encoders: 2 / 2001 times 78 would never be below 0.05."""
    far = 1 + 0.1 * torch.randn(2000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert 0 < differences.p_value(far) < 1e-15
    assert holm([differences.p_value(far)] * 78)[0] < 0.05
    assert differences.p_value(far, 10) > differences.p_value(far)  # of ten subjects nothing is as sure
    assert differences.p_value(torch.ones(2000)) == pytest.approx(2 / 2001)


def test_pairs_are_told_apart_where_their_intervals_overlap():
    cells = {("A", "d"): cell(0.90), ("B", "d"): cell(0.88), ("C", "d"): cell(0.8995), ("random init", "d"): cell(0.7)}
    results, rows, verdict = standing.of("linear", cells, asked())
    found = {(row["a"], row["b"]): row for row in results["differences"]}
    assert set(found) == {("A", "B"), ("A", "C"), ("B", "C"), *((name, "random init") for name in "ABC")}
    a, b = (next(row for row in results["cells"] if row["encoder"] == name and row["primary"]) for name in "AB")
    assert a["low"] < b["high"]  # the intervals overlap, yet
    assert found["A", "B"]["low"] > 0
    assert found["A", "B"]["p_holm"] < 0.05
    assert found["A", "C"]["p_holm"] > 0.05
    assert found["A", "random init"]["baseline"] is True
    assert {row["metric"]: (row["best"], row["tied"]) for row in results["ties"]} == {"roc_auc": ("A", ["C"]), "ece": ("A", ["C"])}
    text = " ".join(verdict)
    assert text.startswith("linear on d: A reaches ROC-AUC 0.900 (")
    assert "better than B by +0.020" in text
    assert "no difference from C could be shown" in text
    assert "A is better than random init: +0.200" in text
    assert {row["table"] for row in rows} == {"cells", "differences"}


def test_a_worse_baseline_a_lower_measure_and_nothing_to_compare_are_said():
    _, _, verdict = standing.of("linear", {("A", "d"): cell(0.6), ("pixel PCA", "d"): cell(0.8)}, asked())
    assert "A is worse than pixel PCA: -0.200" in " ".join(verdict)
    assert "best of" not in " ".join(verdict)
    _, _, verdict = standing.of("linear", {("A", "d"): cell(0.6), ("random init", "d"): cell(0.6)}, asked())
    assert "cannot be told from random init" in " ".join(verdict)
    results, _, verdict = standing.of("x", {("A", "d"): cell(0.2, metric="nll", shared=0.1), ("B", "d"): cell(0.5, metric="nll", shared=0.1)}, asked())
    assert results["ties"][0]["best"] == "A"
    assert "better than B by -0.300" in " ".join(verdict)


def test_numbers_without_replicates_are_not_compared():
    bare = Judged("rankme", {"rankme": Value(12.0)}, 10, 10, "images", Measured())
    results, _, verdict = standing.of("rank", {("A", "d"): bare, ("B", "d"): bare}, asked())
    assert results["differences"] == []
    assert results["ties"] == []
    assert results["cells"][0]["low"] is None
    assert verdict == []
    assert len(standing.of("x", {("A", "d"): Judged("map", {"map": Value(0.5)}, 10, 10, "images", Measured())}, asked())[2]) == 1


def test_two_of_one_truth_are_seldom_told_apart():
    """Simulated: 200 pairs of encoders that are equally good; about one in twenty is called different."""
    rng, called = np.random.default_rng(0), 0
    for _ in range(200):
        truth = rng.random((2, 60)) < 0.7
        weights = next(bootstrap.weights(np.arange(60), 500, int(rng.integers(1 << 30))))
        apart = torch.tensor(truth[0].astype(np.float32) - truth[1].astype(np.float32)) @ weights / 60
        called += differences.p_value(apart) < 0.05
    assert 3 <= called <= 20
