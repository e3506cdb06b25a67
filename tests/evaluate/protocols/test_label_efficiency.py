from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import t

from tests.evaluate.made import Drawn
from vesalius.errors import UserError
from vesalius.evaluate.protocols import label_efficiency as le
from vesalius.measures import metrics


@pytest.fixture(scope="module")
def found():
    pair = Drawn(counts=(240, 60, 90), apart=1.0)
    config = le.Config(shares=(0.05, 0.3, 1.0), shots=(1, 5, 40, 100), draws=3)
    return pair, le.measure(config, pair)


def test_more_labels_are_worth_more_and_the_area_is_the_trapezoid_over_the_logarithm(found):
    _, measured = found
    rows = [row for row in measured.curve if "axis" not in row]
    assert [row["x"] for row in rows] == [0.05, 0.3, 1.0]
    assert rows[0]["value"] < rows[-1]["value"]
    x, y = np.log10([0.05, 0.3, 1.0]), [row["value"] for row in rows]
    assert measured.values["aulc"].value == pytest.approx(np.trapezoid(y, x) / (x[-1] - x[0]))
    assert next(iter(measured.values)) == "aulc"
    at = torch.stack([measured.values[f"accuracy@{s:g}"].replicates for s in (0.05, 0.3, 1.0)], 1).numpy()
    np.testing.assert_allclose(measured.values["aulc"].replicates.numpy(), np.trapezoid(at, x, axis=1) / (x[-1] - x[0]), atol=1e-12)


def test_draws_have_a_t_interval_of_their_own(found):
    _, measured = found
    value, row = measured.values["accuracy@0.05"], measured.curve[0]
    draws = value.repeats.numpy()
    assert len(draws) == 3
    assert value.value == pytest.approx(draws.mean())
    assert row["margin"] == pytest.approx(t.ppf(0.975, 2) * draws.std(ddof=1) / np.sqrt(3))
    assert row["low"] <= row["value"] <= row["high"]
    assert measured.values["accuracy@1"].repeats is None
    assert [r["labels"] for r in measured.curve[:3]] == [18, 90, 300]


def test_shots_that_a_class_has_not_are_left_out_and_said(found):
    _, measured = found
    assert [row["x"] for row in measured.curve if "axis" in row] == [1, 5, 40]
    assert "100 of each class are left out: 'c0' is in 40 training subjects." in measured.facts["note"]


def test_a_share_of_less_than_one_subject_is_named():
    measured = le.measure(le.Config(shares=(0.01, 1.0), shots=(), draws=2), Drawn(counts=(60, 30, 30)))
    assert "1 % of the 10 training subjects of 'c0' is less than one: one was taken." in measured.facts["note"]


def test_the_point_of_all_labels_is_one_fit_to_training_and_validation(found):
    pair, measured = found
    exam = le._Exam(pair)
    whole = exam._answers(exam.by_share(1.0, 0), True)
    score = float(metrics.measure("accuracy", "classes", pair.split("test").labels, whole)[0])
    assert measured.values["accuracy@1"].value == pytest.approx(score)


def test_several_labels_too():
    measured = le.measure(le.Config(shares=(0.2, 1.0), shots=(3,), draws=2), Drawn("multilabel", counts=(120, 40, 60), apart=3))
    assert 0.5 < measured.values["aulc"].value < 1


def test_shares_beyond_all_labels_are_refused():
    with pytest.raises(UserError, match="above 0 and at 1 or below"):
        le.examine(le.Config(shares=(0.1, 10)), None)
