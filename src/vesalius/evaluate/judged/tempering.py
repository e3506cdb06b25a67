"""What is fitted to held-out answers before the test answers are judged: one temperature, and thresholds of fixed specificity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from vesalius.evaluate.fitting import folds
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import calibration, operating
from vesalius.measures.belief import LEAST
from vesalius.measures.every import at_thresholds
from vesalius.measures.metrics import Kind

SPECIFICITY = 0.95


@dataclass(frozen=True)
class Fitted:
    """``temperature``: what logits are divided by; ``thresholds`` of each class or label at a specificity of 95 %."""

    temperature: float
    thresholds: Sequence[float]


def fitted(kind: Kind, labels: Float[Tensor, "m ..."], answers: Float[Tensor, "m outputs"]) -> Fitted:
    """From held-out ``answers``; rows of NaN were not held out."""
    there = ~answers.isnan().any(1)
    y, p = labels[there].cpu(), answers[there].double().cpu()
    find = partial(operating.at_specificity, wanted=SPECIFICITY)
    return Fitted(calibration.temperature(kind, _logits(kind, p), y), at_thresholds(kind, y, p, find))


def tempered(kind: Kind, answers: Float[Tensor, "n outputs"], temperature: float) -> Float[Tensor, "n outputs"]:
    """Probabilities whose logits were divided by ``temperature``."""
    logits = _logits(kind, answers.double()) / temperature
    return logits.sigmoid() if kind == "multilabel" else logits.softmax(1)


def chosen_labels(pair: Pair, count: int) -> Float[Tensor, "m ..."]:
    """The labels of ``count`` held-out answers: those of validation, or of the pool of training and validation."""
    val = pair.split("val").labels
    return val if count == len(val) else folds.pooled(pair)[0]


def _logits(kind: Kind, p: Tensor) -> Tensor:
    inside = p.clamp(LEAST, 1 - LEAST)
    return torch.logit(inside) if kind == "multilabel" else inside.log()
