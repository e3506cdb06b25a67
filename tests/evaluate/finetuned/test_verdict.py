"""What is said of a fine-tuned model follows from its scores and their paired differences."""

from typing import Any

import pytest

from vesalius.data.task import TaskSpec
from vesalius.evaluate.finetuned.verdict import over_seeds, sentences

TASK = TaskSpec("sick", "binary", ("sick",), ("no", "yes"))
OTHER = "logistic regression on the same features"


def results(value: float | None, low: float | None, high: float | None, metric: str = "roc_auc") -> dict[str, Any]:
    def row(model: str, reached: float) -> dict[str, Any]:
        return {"model": model, "metric": metric, "value": reached, "low": reached - 0.01, "high": reached + 0.01, "n": 624, "unit": "images", "split": "test"}

    def apart(b: str, *numbers: float | None) -> dict[str, Any]:
        return {"a": "fine-tuned", "b": b, "metric": metric, "split": "test", **dict(zip(("value", "low", "high"), numbers, strict=True))}

    return {
        "scores": [row("fine-tuned", 0.95), row("majority", 0.5), row(OTHER, 0.94)],
        "differences": [apart("majority", 0.45, 0.4, 0.5), apart(OTHER, value, low, high)],
    }


@pytest.mark.parametrize(
    ("numbers", "frozen", "said"),
    [
        ((0.0, 0.0, 0.0), True, "The encoder is frozen, so this is logistic regression"),
        ((5e-6, -2e-5, 3e-5), True, "The encoder is frozen, so this is logistic regression"),
        ((5e-6, -2e-5, 3e-5), False, "It cannot be told from logistic regression"),
        ((0.03, 0.01, 0.05), False, "It is better than logistic regression on the same features by +0.030"),
        ((-0.03, -0.05, -0.01), False, "It is worse than logistic regression"),
        ((None, None, None), False, "The difference from logistic regression on the same features is not defined here."),
    ],
)
def test_the_second_sentence(numbers: tuple[float | None, ...], frozen: bool, said: str) -> None:
    found = sentences(results(*numbers), frozen, TASK)
    assert found[0] == "It reaches ROC-AUC 0.950 (0.940 to 0.960) on 624 test images; answering the shares of the training labels gives 0.500."
    assert found[1].startswith(said)


def test_less_error_is_better() -> None:
    task = TaskSpec("age", "regression", ("age",), metric="mean_absolute_error")
    assert sentences(results(-0.3, -0.5, -0.1, "mean_absolute_error"), False, task)[1].startswith("It is better than")


def test_calibration_is_said_as_it_is() -> None:
    found = sentences({**results(0.0, 0.0, 0.0), "calibration": {"before": {"ece": 0.054}, "after": {"ece": 0.055}}}, True, TASK)
    assert found[2].startswith("Its confidence is off by 0.055 on average (0.054 before temperature scaling).")


def test_mistakes_are_pointed_to_where_the_page_shows_some() -> None:
    assert sentences(results(0.0, 0.0, 0.0), True, TASK)[2].startswith("Look at the mistakes in the report, then use it on new images")
    assert sentences(results(0.0, 0.0, 0.0), True, TASK, mistakes=False)[2] == "Use it on new images with `vesalius predict`."


def test_repeated_runs() -> None:
    scores = [
        {"model": "fine-tuned", "metric": "roc_auc", "value": 0.95, "spread": 0.004, "split": "test"},
        {"model": "majority", "metric": "roc_auc", "value": 0.5, "spread": 0.0, "split": "test"},
    ]
    assert over_seeds(scores, "roc_auc", 3) == ["Over 3 seeds it reaches ROC-AUC 0.950 ± 0.004 on test.", "Beside it: majority 0.500 ± 0.000."]
