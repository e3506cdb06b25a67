"""Which samples are probed, and what a constant answer is."""

import numpy as np
import pytest
import torch

from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.evaluate.labelled import labelled_splits, majority, measured_kind

NAN = float("nan")
BINARY = TaskSpec("sick", "binary", ("sick",), ("no", "yes"))


def test_unlabelled_samples_are_left_out_and_subjects_numbered() -> None:
    labels = [torch.tensor([0.0, NAN, 1.0]), torch.tensor([1.0]), torch.tensor([NAN, 0.0, 1.0])]
    people = np.array(["b", "a", "b"], dtype=object)
    found = labelled_splits(labels, [None, None, people], BINARY)
    assert found["train"].rows.tolist() == [0, 2]
    assert found["train"].labels.tolist() == [0.0, 1.0]
    assert found["train"].subject.tolist() == [0, 1], "without subjects each image stands alone"
    assert found["test"].rows.tolist() == [1, 2]
    assert len(set(found["test"].subject.tolist())) == 2
    assert found["test"].names is not None
    assert found["test"].names.tolist() == ["a", "b"]


def test_a_multilabel_sample_with_one_known_label_counts() -> None:
    some = torch.tensor([[NAN, NAN], [1.0, NAN], [0.0, 1.0]])
    task = TaskSpec("two", "multilabel", ("x", "y"), ("x", "y"))
    assert labelled_splits([some] * 3, [None] * 3, task)["val"].rows.tolist() == [1, 2]


def test_a_split_without_labels_is_named() -> None:
    known, unknown = torch.tensor([0.0, 1.0]), torch.tensor([NAN, NAN])
    with pytest.raises(UserError, match="The val split of the monitoring data has no sample with a known label of 'sick'"):
        labelled_splits([known, unknown, known], [None] * 3, BINARY)


def test_kinds() -> None:
    assert measured_kind(TaskSpec("grade", "ordinal", ("grade",), ("0", "1", "2"))) == "classes"
    assert measured_kind(BINARY) == "binary"
    with pytest.raises(UserError, match="'age' is a regression"):
        measured_kind(TaskSpec("age", "regression", ("age",)))


def test_the_majority_is_the_shares_of_training() -> None:
    found = majority(torch.tensor([0.0, 2.0, 2.0, 2.0]), "classes", 3, 2)
    assert found.tolist() == [[0.25, 0.0, 0.75]] * 2
    several = majority(torch.tensor([[1.0, NAN], [0.0, NAN]]), "multilabel", 2, 1)
    assert several.tolist() == [[0.5, 0.0]]
