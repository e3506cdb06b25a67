"""Three sentences about a fine-tuned model: what it reaches, whether training was worth it, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.data.task import TaskSpec
from vesalius.evaluate.pretrained.verdict import interval, signed
from vesalius.tasks.scoring import higher_is_better


def sentences(results: Mapping[str, Any], frozen: bool, task: TaskSpec, *, mistakes: bool = True) -> list[str]:
    """The verdict from ``scores``, ``differences`` and ``calibration`` of the results. ``mistakes``: whether the page shows some."""
    split = results["scores"][0]["split"]
    rows = {row["model"]: row for row in results["scores"] if row["metric"] == task.metric and row["split"] == split}
    own, constant = rows["fine-tuned"], rows["majority"]
    name = metric_in_words(task.metric)
    if own["value"] is None:
        return [f"{name} is not defined on the {split} labels.", "See the other measures below.", _next(None, mistakes)]
    first = f"It reaches {name} {interval(own)} on {own['n']:,} {split} {own['unit']}"
    if constant["value"] is not None:
        what = "the mean of the training labels" if task.kind == "regression" else "the shares of the training labels"
        first += f"; answering {what} gives {constant['value']:.3f}"
    apart = {row["b"]: row for row in results["differences"] if row["metric"] == task.metric and row["split"] == split}
    beside = next(row for row in apart.values() if row["b"] != "majority")
    return [f"{first}.", _second(beside, frozen, task), _next(results.get("calibration"), mistakes)]


def metric_in_words(metric: str) -> str:
    """``roc_auc`` as a person writes it."""
    return metric.replace("_", " ").replace("roc auc", "ROC-AUC").replace("pr auc", "PR-AUC")


def _second(beside: Mapping[str, Any], frozen: bool, task: TaskSpec) -> str:
    other = beside["b"]
    if frozen and beside["value"] is not None and abs(beside["value"]) < 5e-4:  # two solvers, one optimum
        return f"The encoder is frozen, so this is {other}; --encoder.freeze false trains it too."
    if beside["value"] is None or beside["low"] is None:
        return f"The difference from {other} is not defined here."
    better = 1 if higher_is_better(task.metric) else -1
    worst, best = sorted((better * beside["low"], better * beside["high"]))
    if worst > 0:
        return f"It is better than {other} by {signed(beside)}."
    if best < 0:
        return f"It is worse than {other}, by {signed(beside)}: freeze the encoder, or train with a lower --encoder.lr_factor."
    return f"It cannot be told from {other}: {signed(beside)}."


def _next(calibration: Mapping[str, Any] | None, mistakes: bool) -> str:
    said = ""
    if calibration is not None:
        before, after = calibration["before"]["ece"], calibration["after"]["ece"]
        said = f"Its confidence is off by {after:.3f} on average ({before:.3f} before temperature scaling). "
    look = "Look at the mistakes in the report, then use it" if mistakes else "Use it"
    return f"{said}{look} on new images with `vesalius predict`."


def over_seeds(scores: Sequence[Mapping[str, Any]], metric: str, seeds: int) -> list[str]:
    """The verdict of a run that was repeated."""
    rows = {row["model"]: row for row in scores if row["metric"] == metric and row["split"] == scores[0]["split"]}
    own = rows["fine-tuned"]
    if own["value"] is None:
        return [f"{metric_in_words(metric)} is not defined in every repetition."]
    first = f"Over {seeds} seeds it reaches {metric_in_words(metric)} {own['value']:.3f} ± {own['spread']:.3f} on {own['split']}."
    others = [f"{model} {row['value']:.3f} ± {row['spread']:.3f}" for model, row in rows.items() if model != "fine-tuned" and row["value"] is not None]
    return [first, f"Beside it: {'; '.join(others)}."]
