"""Which measures each kind of task has, and their values for any number of weightings of the samples."""

from __future__ import annotations

import torch
from torch import Tensor

from vesalius.data.task import Kind
from vesalius.errors import UserError
from vesalius.measures import agreement, metrics, regression

_LOWER_IS_BETTER = ("loss", "mean_absolute_error", "root_mean_squared_error", "perceptual_distance", "feature_error", *metrics.LOWER_IS_BETTER)


def measured(kind: Kind) -> metrics.Kind:
    """A kind with classes as the measures of ``metrics`` know it."""
    return "multilabel" if kind == "multilabel" else "binary" if kind == "binary" else "classes"


def names(kind: Kind) -> tuple[str, ...]:
    """The measures of a task of ``kind``."""
    if kind == "regression":
        return regression.NAMES
    return (*metrics.NAMES, "quadratic_kappa") if kind == "ordinal" else metrics.NAMES


def higher_is_better(name: str) -> bool:
    """Whether more of ``name`` is better."""
    return name.partition("@")[0] not in _LOWER_IS_BETTER


def check(name: str, kind: Kind) -> str:
    """``name`` itself. Raises UserError where tasks of ``kind`` have no such measure."""
    if name not in (*names(kind), "loss"):
        raise UserError(f"There is no metric {name!r} for a task of kind {kind}. Known: {', '.join(names(kind))}, loss.")
    return name


def measure(name: str, kind: Kind, labels: Tensor, outputs: Tensor, weights: Tensor | None = None) -> Tensor:
    """``name`` of probabilities (N, outputs), or of quantities (N, 1), for each weighting (N, R): (R,).

    R = 1 without weights. NaN labels are left out; undefined values are NaN.
    """
    if kind == "regression":
        return regression.measure(name, labels, outputs[:, 0], weights)
    if name == "quadratic_kappa":
        return agreement.quadratic_kappa(labels, outputs, weights)
    return metrics.measure(name, measured(kind), labels, outputs, weights)


def every(kind: Kind, labels: Tensor, outputs: Tensor) -> dict[str, float]:
    """All measures of ``outputs`` (n, outputs) for ``labels`` (n,) or (n, labels) once; NaN where nothing is labelled."""
    if not bool((~labels.isnan()).any()):
        return dict.fromkeys(names(kind), float("nan"))
    with torch.no_grad():
        return {name: float(measure(name, kind, labels, outputs)[0]) for name in names(kind)}
