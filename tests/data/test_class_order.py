from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vesalius.data.class_order import as_told
from vesalius.data.encoding import encode
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError

WORDS = ["none", "mild", "severe", "mild", None, "none"]


def table(values: list[object]) -> SampleTable:
    codes, classes, task = encode(pd.DataFrame({"grade": values}), ["grade"], None)
    uris = [f"{i}.png" for i in range(len(values))]
    return SampleTable.of("test", "", uris, {"label.grade": codes["grade"]}, class_names=classes, task=task)


def test_classes_in_the_order_that_is_told() -> None:
    found = as_told(table(WORDS), "ordinal", ["none", "mild", "severe"])
    task = found.require_task()
    assert (task.kind, task.classes, task.metric) == ("ordinal", ("none", "mild", "severe"), "accuracy")
    np.testing.assert_array_equal(found.labels("grade"), [0, 1, 2, 1, np.nan, 0])
    assert found.class_names["grade"] == ["none", "mild", "severe"]
    assert not found.warnings


def test_words_without_an_order_are_warned_of_and_numbers_are_not() -> None:
    assert "none" in as_told(table(WORDS), "ordinal", None).warnings[0]
    assert as_told(table([0, 1, 2, 1, 0, 2]), "ordinal", None).warnings == []


def test_nothing_told_changes_nothing() -> None:
    given = table(WORDS)
    assert as_told(given, None, None) is given
    assert as_told(given, "classes", None) is given


@pytest.mark.parametrize(
    ("kind", "classes", "words"),
    [
        ("ordinal", ["none", "mild"], "the classes of 'grade' are mild, none, severe"),
        ("binary", None, "cannot be of kind 'binary': it is 3 classes"),
        ("regression", None, "cannot be of kind 'regression'"),
    ],
)
def test_refusals(kind: str, classes: list[str] | None, words: str) -> None:
    with pytest.raises(UserError, match=words):
        as_told(table(WORDS), kind, classes)  # type: ignore[arg-type]


def test_soft_targets_have_no_order() -> None:
    values = {"label.edema": [0.0, 1.0, 0.7]}
    table = SampleTable.of("made-up", "/data", ["a", "b", "c"], values, task=TaskSpec("edema", "binary", ("edema",), ("no", "yes")))
    with pytest.raises(UserError, match="soft targets, which have no order"):
        as_told(table, "ordinal", None)
