from __future__ import annotations

import json

import numpy as np

from vesalius.data.task import TaskSpec
from vesalius.tasks.distribution import distribution

TWO = TaskSpec("ill", "binary", ("ill",), ("no", "yes"))


def test_classes_are_counted_and_confidence_is_binned() -> None:
    found = distribution(TWO, np.array([[0.95, 0.05], [0.4, 0.6], [0.45, 0.55], [0.0, 1.0]], np.float32))
    assert found["classes"] == [{"name": "no", "count": 1}, {"name": "yes", "count": 3}]
    assert found["sure"] == 0.5
    assert (found["histogram"]["low"], found["histogram"]["high"]) == (0.5, 1.0)
    assert sum(found["histogram"]["counts"]) == found["images"] == 4
    assert found["histogram"]["counts"][-1] == 1


def test_several_labels_have_a_mean_each() -> None:
    found = distribution(TaskSpec("t", "multilabel", ("x", "y"), ("x", "y")), np.array([[0.9, 0.2], [0.7, 0.6]], np.float32))
    assert [row["count"] for row in found["classes"]] == [2, 1]
    np.testing.assert_allclose([row["mean"] for row in found["classes"]], [0.8, 0.4], atol=1e-6)


def test_quantities_leave_out_what_is_not_finite() -> None:
    found = distribution(TaskSpec("age", "regression", ("age",)), np.array([[10.0], [30.0], [np.nan]], np.float32))
    assert (found["histogram"]["low"], found["histogram"]["high"], sum(found["histogram"]["counts"])) == (10.0, 30.0, 2)


def test_no_image_gives_plain_json() -> None:
    json.dumps(distribution(TWO, np.zeros((0, 2), np.float32)), allow_nan=False)
