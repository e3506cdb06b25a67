"""What a prediction's columns are, by number for programs and by name for people."""

import numpy as np
import pytest
import torch

from vesalius.data.task import TaskSpec
from vesalius.tasks.predictions import answers, answers_by_name, frame

NUMBERS = np.array([[0.2, 0.8], [0.9, 0.1]], np.float32)
BINARY = TaskSpec("t", "binary", ("t",), ("no", "yes"))
SEVERAL = TaskSpec("t", "multilabel", ("x", "y"), ("x", "y"))
AGE = TaskSpec("age", "regression", ("age",))


def test_by_name() -> None:
    assert list(answers_by_name(BINARY, NUMBERS)["prediction"]) == ["yes", "no"]
    assert list(answers_by_name(SEVERAL, NUMBERS)) == ["prob_x", "prob_y"]
    assert list(answers_by_name(AGE, NUMBERS[:, :1])["prediction"]) == pytest.approx([0.2, 0.9])


def test_by_number() -> None:
    assert list(answers(BINARY, torch.from_numpy(NUMBERS))) == ["prob_0", "prob_1"]
    assert list(answers(AGE, torch.from_numpy(NUMBERS[:, :1]))) == ["prediction"]


def test_rows_say_what_was_known() -> None:
    ids, labels = np.array([1, 2], np.uint64), torch.tensor([1.0, float("nan")])
    found = frame(BINARY, ids, "test", labels, torch.from_numpy(NUMBERS), np.array(["a", "b"], dtype=object))
    assert found.columns.tolist() == ["id", "subject", "split", "label", "prob_0", "prob_1"]
    assert found["id"][0] == "0000000000000001"
    assert found["label"].isna().tolist() == [False, True]
    several = frame(SEVERAL, ids, "val", torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.from_numpy(NUMBERS), None)
    assert several.columns.tolist() == ["id", "split", "label_0", "label_1", "prob_0", "prob_1"]
    assert several["label_1"].tolist() == [0, 1]
