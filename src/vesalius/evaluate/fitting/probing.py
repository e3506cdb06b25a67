"""The linear probe of frozen features: its strength chosen on samples it was not fitted to, then fitted again to all of them.

Every division's path is walked in step with the others', weakest strength first, and a strength is judged by all held-out answers
together. Chosen by log loss, which along the path falls and then rises, the walk ends where it has risen for a while.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vesalius.errors import UserError
from vesalius.evaluate.fitting.folds import Fold
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import logistic, metrics
from vesalius.measures.metrics import Kind

PATIENCE = 8
"""Strengths in a row (two decades of 45) that were worse by log loss than the best, before the rest are left out."""

TOLERANCE = 1e-4
"""Largest entry of the gradient, as a share of what it is without weights, at which a fit ends."""
_MANY = 1 << 20
"""Numbers in the features above which sums in single precision save time worth having."""


@dataclass(frozen=True)
class Rule:
    """How a probe is fitted and chosen. ``metric``: the measure that chooses, of equal strengths the largest; empty: log loss, of equal ones
    the smallest.
    """

    kind: Kind
    classes: int
    strengths: Sequence[float]
    standardise: bool = True
    balanced: bool = False
    metric: str = ""


@dataclass(frozen=True, eq=False)
class Choice:
    """The ``c`` that was chosen, the ``probes`` of each division with it and their ``answers`` for the samples held out; ``tried``: how many
    strengths were fitted. ``end``: ``lowest`` or ``highest`` where it is that end of the grid, else empty.
    """

    c: float
    probes: Sequence[logistic.Probe]
    answers: Sequence[Tensor]
    tried: int
    end: str


def choose(vectors: Float[Tensor, "pool dim"], labels: Float[Tensor, "pool ..."], divisions: Sequence[Fold], rule: Rule) -> Choice:
    """The strength whose fits answer best for what they were not fitted to. Raises UserError where a part to fit has one class."""
    parts = []
    for division in divisions:
        fit, held = (torch.from_numpy(rows).to(vectors.device) for rows in (division.fit, division.choose))
        parts.append((vectors[fit], labels[fit], vectors[held], labels[held]))
        if rule.kind != "multilabel" and bool((labels[fit] == labels[fit][0]).all()) and bool((labels != labels[0]).any()):
            raise UserError(
                f"With {len(held)} of {len(labels)} samples held out to choose a strength by, those left to fit are all of one class: the other is in too "
                "few subjects to be on both sides. Label more images of it, or leave linear probes out."
            )
    truth = torch.cat([part[3] for part in parts])
    best: tuple[float, int, list[logistic.Probe], list[Tensor]] | None = None
    tried = 0
    for probes in zip(*(_path(x, y, rule.strengths, rule) for x, y, _, _ in parts), strict=True):
        answers = [probe.logits(part[2]) for probe, part in zip(probes, parts, strict=True)]
        badness = _badness(torch.cat(answers), truth, rule)
        if best is None or badness < best[0] or (rule.metric and badness == best[0]):
            best = badness, tried, list(probes), answers
        tried += 1
        if not rule.metric and tried - best[1] > PATIENCE:
            break
    assert best is not None
    _, at, chosen, logits = best
    end = "lowest" if at == 0 else "highest" if at == len(rule.strengths) - 1 else ""
    return Choice(chosen[0].c, chosen, [_shares(one, rule.kind) for one in logits], tried, end)


def fitted(
    vectors: Float[Tensor, "samples dim"], labels: Float[Tensor, "samples ..."], c: float, rule: Rule, start: logistic.Probe | None = None
) -> logistic.Probe:
    """The probe of one strength, from ``start`` where there is one; the solution is the same."""
    *_, probe = _path(vectors, labels, _towards(c) if start is None else [c], rule, start)
    return probe


def finite(pair: Pair, vectors: Float[Tensor, "samples dim"]) -> Float[Tensor, "samples dim"]:
    """``vectors`` as they are. Raises UserError where some are not finite."""
    bad = int((~vectors.isfinite()).any(1).sum())
    if bad:
        raise UserError(
            f"{bad} of {len(vectors)} feature vectors of {pair.encoder.name} on {pair.dataset} are not finite, so that nothing can be fitted to "
            "them. Its weights or the precision may be at fault: try --precision fp32, or look at the run that made the encoder."
        )
    return vectors


def _towards(c: float) -> list[float]:
    """A few strengths on the way to ``c``: a path is quicker than a leap."""
    way = [c]
    while way[-1] > 1e-3:
        way.append(way[-1] / 30)
    return way[::-1]


def _path(vectors: Tensor, labels: Tensor, strengths: Sequence[float], rule: Rule, start: logistic.Probe | None = None) -> Iterator[logistic.Probe]:
    return logistic.path(
        vectors,
        labels,
        strengths,
        kind=rule.kind,
        classes=rule.classes,
        standardise=rule.standardise,
        balanced=rule.balanced,
        tolerance=TOLERANCE,
        relative=True,
        dtype=torch.float32 if vectors.numel() > _MANY else None,
        start=start,
    )


def _badness(logits: Tensor, truth: Tensor, rule: Rule) -> float:
    if not rule.metric:
        return logistic.loss_of(logits, truth, rule.kind)
    return -float(metrics.measure(rule.metric, rule.kind, truth, _shares(logits, rule.kind))[0])


def _shares(logits: Tensor, kind: Kind) -> Tensor:
    return logits.sigmoid() if kind == "multilabel" else logits.softmax(1)
