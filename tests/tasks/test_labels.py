from __future__ import annotations

import pytest
import torch

from tests.tasks.cases import TASKS
from vesalius.errors import UserError
from vesalius.tasks import labels

NAN = float("nan")


def splits(train: list[float], val: list[float], test: list[float] = []) -> dict[str, torch.Tensor]:  # noqa: B006
    return {"train": torch.tensor(train), "val": torch.tensor(val), "test": torch.tensor(test)}


def test_what_is_missing_is_said() -> None:
    said = labels.check(TASKS["classes"], splits([0, 1, 2, NAN, 1], [0, 1], [NAN, 2]))
    assert said == [
        "1 of 5 train images have no label of 'kind'; what has none is left out.",
        "1 of 2 test images have no label of 'kind'; what has none is not scored.",
        "No val image is of class c; nothing is chosen by it.",
        "No test image is of class a, b; it is not scored.",
    ]
    assert labels.check(TASKS["binary"], splits([0, 1], [0, 1])) == []


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("binary", splits([1, 1, NAN], [0, 1]), "of one class, 'yes'"),
        ("binary", splits([NAN, NAN], [0, 1]), "The train split has no image with a known label"),
        ("binary", splits([0, 1], [NAN]), "The val split has no image with a known label"),
        ("regression", splits([3.5, 3.5, NAN], [1.0, 2.0]), "are equal"),
        ("multilabel", {"train": torch.tensor([[1.0, 0.0], [1.0, NAN]]), "val": torch.ones(2, 2)}, "both yes and no"),
    ],
)
def test_what_cannot_be_learnt_is_refused(kind: str, given: dict[str, torch.Tensor], words: str) -> None:
    with pytest.raises(UserError, match=words):
        labels.check(TASKS[kind], given)


def test_one_usable_label_of_several_is_enough() -> None:
    said = labels.check(TASKS["multilabel"], {"train": torch.tensor([[1.0, 0.0], [0.0, NAN]]), "val": torch.tensor([[1.0, 0.0], [0.0, 1.0]])})
    assert said == ["In the train split two is never yes, or never no."]
