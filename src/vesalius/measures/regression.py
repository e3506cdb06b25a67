"""How near predicted quantities are: r2, mean absolute error, root mean squared error; weighted, as ``metrics``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

NAMES = ("r2", "mean_absolute_error", "root_mean_squared_error")

Labels = Float[Tensor, " samples"]
Weights = Float[Tensor, "samples replicates"]
Values = Float[Tensor, " replicates"]


def measure(name: str, labels: Labels, values: Labels, weights: Weights | None = None) -> Values:
    """``name`` (see ``NAMES``) of predicted ``values`` for each weighting (R,); NaN labels are left out."""
    known = ~labels.isnan()
    y, x = labels[known].double(), values[known].double()
    w = torch.ones(len(y), 1, dtype=torch.float64, device=y.device) if weights is None else weights[known].double()
    return _MEASURES[name](y, x, w)


def r2(y: Tensor, x: Tensor, w: Tensor) -> Tensor:
    """1 - squared error of ``x`` (n,) / squared distance of ``y`` (n,) from its mean, for each of the weightings ``w`` (n, R): (R,).

    NaN where the labels are all equal.
    """
    middle = (y @ w) / w.sum(0)
    spread = (w * (y[:, None] - middle) ** 2).sum(0)
    return torch.where(spread > 0, 1 - ((y - x) ** 2 @ w) / spread, torch.nan)


def mean_absolute_error(y: Tensor, x: Tensor, w: Tensor) -> Tensor:
    """Of ``x`` (n,) as ``y`` (n,), for each of the weightings ``w`` (n, R): (R,), in the label's own units."""
    return ((y - x).abs() @ w) / w.sum(0)


def root_mean_squared_error(y: Tensor, x: Tensor, w: Tensor) -> Tensor:
    """Of ``x`` (n,) as ``y`` (n,), for each of the weightings ``w`` (n, R): (R,), in the label's own units."""
    return (((y - x) ** 2 @ w) / w.sum(0)).sqrt()


_MEASURES: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "r2": r2,
    "mean_absolute_error": mean_absolute_error,
    "root_mean_squared_error": root_mean_squared_error,
}
