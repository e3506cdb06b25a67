"""Logistic regression with an L2 penalty over a path of strengths, warm-started, on any device.

Objective as scikit-learn's: C * sum of losses + |weights|^2 / 2, the intercept not penalised. Two classes, and each
label of a multi-label task, are one sigmoid output; three classes or more share a softmax.

Why it is fast: the penalty does not change under rotation, so the problem is solved in the principal axes of the
features, in as many dimensions as they span, where the Hessian is nearly diagonal and its diagonal a good
preconditioner. From one C to the next the solution is extrapolated, and what L-BFGS learnt of the curvature is kept:
the two problems differ by a known quadratic. Value and gradient are made from blocks of samples that stay in the processor's
cache, so that memory is read once for both. In single precision a strength that rounding stops short is finished in double.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from vesalius.errors import UserError
from vesalius.measures.lbfgs import Minimum, Pairs, minimise
from vesalius.measures.metrics import Kind

_NULL = 1e-13
"""Eigenvalues below this share of the largest are rounding: vectors in single precision leave 4e-15."""
_ROWS = 4096
"""Samples that are standardised and rotated at a time."""
_BLOCK = 512
"""Samples whose value and gradient are made together."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted linear probe on raw vectors: ``weights`` (dim, outputs), ``bias`` (outputs,)."""

    weights: Tensor
    bias: Tensor
    kind: Kind
    c: float
    iterations: int
    converged: bool

    def logits(self, vectors: Float[Tensor, "samples dim"]) -> Float[Tensor, "samples outputs"]:
        """A column per class (two for one sigmoid: 0 and the logit), or per label for multi-label."""
        raw = vectors.to(self.weights) @ self.weights + self.bias
        return torch.cat([torch.zeros_like(raw), raw], 1) if self.kind != "multilabel" and raw.shape[1] == 1 else raw

    def probabilities(self, vectors: Float[Tensor, "samples dim"]) -> Float[Tensor, "samples outputs"]:
        """Probability of each class (rows sum to 1), or of each label."""
        logits = self.logits(vectors)
        return logits.sigmoid() if self.kind == "multilabel" else logits.softmax(1)


def grid(points: int = 45, lowest: float = 1e-6, highest: float = 1e5) -> list[float]:
    """Strengths C, equally spaced in the logarithm, weakest first; 45 from 1e-6 to 1e5 is DINOv2's grid."""
    return torch.logspace(
        torch.tensor(lowest).log10().item(), torch.tensor(highest).log10().item(), points, dtype=torch.float64
    ).tolist()


def path(
    vectors: Float[Tensor, "samples dim"],
    labels: Float[Tensor, "samples ..."],
    strengths: Sequence[float],
    *,
    kind: Kind = "classes",
    classes: int = 0,
    standardise: bool = True,
    balanced: bool = False,
    tolerance: float = 1e-4,
    max_iterations: int = 1000,
    dtype: torch.dtype | None = None,
    start: Probe | None = None,
    relative: bool = False,
) -> Iterator[Probe]:
    """A probe for each C of ``strengths``, in their order, each started from the one before (give them ascending).

    ``labels`` (N,) class numbers, or (N, L) of 0 and 1; NaN = unknown: the entry has no loss. Of two classes and of
    multi-label ones a label may lie between. ``standardise``: to zero
    mean and unit deviation first (constant features stay), by these vectors. ``balanced``: a class counts
    N / (classes * its samples). ``tolerance``: largest entry of the gradient of the mean loss and penalty by the weights of these vectors,
    standardised or as they are (scikit-learn's ``tol``); ``relative``: as a share of what it is without any weights. ``dtype``: of the
    sums, double precision by default, single on MPS; in single precision the answer is as exact, since its gradient is. ``start``: a probe to
    begin from, which changes the time and not the solution. Raises UserError for fewer than two known classes and for vectors that are not finite.
    """
    if not bool(vectors.isfinite().all()):
        raise UserError("Some feature vectors are not finite, so no linear probe can be fitted. Look at the encoder.")
    known = ~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)
    dtype = dtype or (torch.float32 if vectors.device.type == "mps" else torch.float64)
    if not bool(known.all()):
        vectors, labels = vectors[known], labels[known]
    vectors, labels = vectors.to(dtype), labels.to(dtype)
    target, weight = _targets(labels, kind, classes, balanced)
    mean = vectors.mean(0)
    scale = vectors.std(0, correction=0) if standardise else torch.ones_like(mean)
    scale = torch.where(scale > 1e-7 * mean.abs().clamp(min=1e-30), scale, torch.ones_like(scale))
    axes, rotated = _principal(vectors, mean, scale)
    del vectors
    problem = _Problem(rotated, target, weight, axes, softmax=kind != "multilabel" and target.shape[1] > 1)
    if relative:
        problem.penalise(1.0, None)
        tolerance *= max(float(problem.size(problem.value(problem.start())[1])), torch.finfo(dtype).tiny)
    point, before, pairs = problem.start(), None, None
    if start is not None:
        raw = start.weights.to(point)
        point = torch.cat([(axes.T @ (raw * scale[:, None])).T, (start.bias.to(point) + mean @ raw)[:, None]], 1)
    for c in strengths:
        pairs = problem.penalise(c, pairs)
        # The path is smooth in log C, so that the last step is a good guess of the next.
        guess = point if before is None else 2 * point - before
        result = minimise(
            problem.value,
            guess,
            problem.curvature,
            tolerance=tolerance,
            max_iterations=max_iterations,
            pairs=pairs,
            size=problem.size,
        )
        if not result.converged and result.iterations < max_iterations and dtype == torch.float32 and point.device.type != "mps":
            result = _finished(problem, result, tolerance, max_iterations)
        before, point, pairs = point, result.point, result.pairs
        weights = axes @ point[:, :-1].T / scale[:, None]
        yield Probe(weights, point[:, -1] - mean @ weights, kind, c, result.iterations, result.converged)


def search(
    probes: Iterable[Probe],
    vectors: Float[Tensor, "samples dim"],
    labels: Float[Tensor, "samples ..."],
    *,
    patience: int | None = None,
) -> Probe:
    """The probe of lowest log loss on these (validation) samples; of equal ones the first, so the strongest penalty.

    Log loss and not accuracy: it is defined for every task, does not jump with single samples, and favours
    probabilities that can be believed. ``patience``: a path is followed no further when so many probes in a row were
    worse than the best, since along it the loss falls, then rises.
    """
    best, lowest, worse = None, float("inf"), 0
    for probe in probes:
        loss = log_loss(probe, vectors, labels)
        if best is None or loss < lowest:
            best, lowest, worse = probe, loss, 0
        elif patience is not None and (worse := worse + 1) >= patience:
            break
    if best is None:
        raise ValueError("There is no probe to choose from.")
    return best


def log_loss(probe: Probe, vectors: Float[Tensor, "samples dim"], labels: Float[Tensor, "samples ..."]) -> float:
    """Mean negative log-likelihood over the known labels, in nats."""
    return loss_of(probe.logits(vectors), labels, probe.kind)


def loss_of(logits: Float[Tensor, "samples outputs"], labels: Float[Tensor, "samples ..."], kind: Kind) -> float:
    """The same of logits with a column per class, or per label."""
    known = ~labels.isnan()
    if kind == "multilabel":
        return float(F.binary_cross_entropy_with_logits(logits[known], labels[known].to(logits)))
    return float(F.cross_entropy(logits[known], labels[known].long()))


def _targets(labels: Tensor, kind: Kind, classes: int, balanced: bool) -> tuple[Tensor, Tensor]:
    """One-hot or 0/1 targets (N, outputs) and the weight of each entry (N, outputs), zero where unknown."""
    if kind == "multilabel":
        known = ~labels.isnan()
        target, weight = labels.nan_to_num(), known.to(labels)
        if balanced:
            count = known.sum(0)
            positive = target.sum(0)
            of_no, of_yes = (count / (2 * part.clamp(min=1e-12)) for part in (count - positive, positive))
            target, both = _weighed(target, of_no, of_yes)
            weight = weight * both
        return target, weight
    number = labels.round().long()  # a soft target counts as the nearer class, and is learnt as it is
    classes = max(classes, int(number.max()) + 1) if len(number) else classes
    count = torch.bincount(number, minlength=classes)
    if int((count > 0).sum()) < 2:
        raise UserError(
            "A linear probe needs labelled training samples of at least two classes, and fewer were found. "
            "Label more images, or leave the probe out."
        )
    present = count > 0
    per_class = torch.where(present, len(number) / (present.sum() * count.clamp(min=1)), 0.0).to(labels)
    if classes == 2 and balanced:
        target, weight = _weighed(labels, per_class[0], per_class[1])
        return target[:, None], weight[:, None]
    weight = per_class[number] if balanced else torch.ones_like(labels)
    if classes == 2:
        return labels[:, None], weight[:, None]
    return F.one_hot(number, classes).to(labels), weight[:, None].expand(-1, classes)


def _weighed(target: Tensor, of_no: Tensor, of_yes: Tensor) -> tuple[Tensor, Tensor]:
    """Target and weight of one entry that stand for "no" and "yes" of these weights, in the target's proportion."""
    yes = target * of_yes
    both = yes + (1 - target) * of_no
    return torch.where(both > 0, yes / both, target), both


def _principal(vectors: Tensor, mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Principal axes (dim, rank) of the vectors less ``mean``, divided by ``scale``, and these in them with a column of ones
    (N, rank + 1). No other copy of all of them is made.
    """
    count, dim = vectors.shape
    if count < dim:  # the axes of few samples follow from their products with one another
        centred = (vectors - mean) / scale
        square, left = torch.linalg.eigh(_gram([centred.T]))
        keep = _above_rounding(square)
        axes = centred.T @ left[:, keep].to(centred) / square[keep].sqrt().to(centred)
    else:
        square, right = torch.linalg.eigh(_gram((part - mean) / scale for part in torch.split(vectors, _ROWS)))
        axes = right[:, _above_rounding(square)].to(vectors)
    rotated = vectors.new_ones(count, axes.shape[1] + 1)
    for part, place in zip(torch.split(vectors, _ROWS), torch.split(rotated, _ROWS), strict=True):
        place[:, :-1] = ((part - mean) / scale) @ axes
    return axes, rotated


def _above_rounding(square: Tensor) -> Tensor:
    return square > _NULL * square[-1].clamp(min=torch.finfo(square.dtype).tiny)


def _gram(parts: Iterable[Tensor]) -> Tensor:
    """The sum of ``part.T @ part``, in double precision where the device has it."""
    gram: Tensor | None = None
    for rows in parts:
        wide = rows if rows.device.type == "mps" else rows.double()
        gram = wide.T @ wide if gram is None else gram.addmm_(wide.T, wide)
    assert gram is not None
    return gram


def _finished(problem: _Problem, found: Minimum, tolerance: float, max_iterations: int) -> Minimum:
    """``found``, where single precision could not go on, taken to the tolerance in double."""
    wide, point = problem.wide(), found.point.double()
    end = minimise(wide.value, point, wide.curvature, tolerance=tolerance, max_iterations=max_iterations, size=wide.size)
    return Minimum(end.point.to(found.point), found.iterations + end.iterations, end.converged, found.pairs)


class _Problem:
    """Mean loss + penalty in the principal axes; points are (outputs, rank + 1), the last column the intercepts.

    Outputs come first everywhere: products of (outputs, N) with (N, rank) are several times as fast as the other way.
    """

    def __init__(self, samples: Tensor, target: Tensor, weight: Tensor, axes: Tensor, softmax: bool) -> None:
        self.samples, self.axes, self.softmax = samples, axes, softmax
        self.target, self.weight = target.T.contiguous(), weight.T.contiguous()
        self.total = len(samples)
        self.penalty = 0.0

    def wide(self) -> _Problem:
        """The same in double precision."""
        made = _Problem(self.samples.double(), self.target.T.double(), self.weight.T.double(), self.axes.double(), self.softmax)
        made.penalty = self.penalty
        return made

    def start(self) -> Tensor:
        return self.samples.new_zeros(len(self.target), self.samples.shape[1])

    def penalise(self, c: float, pairs: Pairs | None) -> Pairs | None:
        """Change C; the pairs of the problem before are made those of this one, which differs by a known quadratic."""
        before, self.penalty = self.penalty, 1 / (c * self.total)
        if pairs is not None:
            pairs.turned[..., :-1] += (self.penalty - before) * pairs.moved[..., :-1]
        return pairs

    def size(self, gradient: Tensor) -> Tensor:
        """The largest entry of a gradient by the weights of the vectors as they were given, and by the intercepts."""
        return torch.maximum((gradient[:, :-1] @ self.axes.T).abs().max(), gradient[:, -1].abs().max())

    def value(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """Objective and gradient."""
        gradient, loss = torch.zeros_like(point), point.new_zeros(())
        block = _BLOCK if point.device.type == "cpu" else self.total
        for first in range(0, self.total, block):
            some = slice(first, first + block)
            samples, target, weight = self.samples[some], self.target[:, some], self.weight[:, some]
            logits = point @ samples.T
            if self.softmax:
                shares = logits.log_softmax(0)
                loss -= (weight * target * shares).sum()
                expected = shares.exp_()
            else:
                loss += (weight * (F.softplus(logits) - logits * target)).sum()
                expected = logits.sigmoid_()
            gradient.addmm_(expected.sub_(target).mul_(weight), samples)
        gradient /= self.total
        gradient[:, :-1] += self.penalty * point[:, :-1]
        return loss / self.total + 0.5 * self.penalty * (point[:, :-1] ** 2).sum(), gradient

    def curvature(self, point: Tensor) -> Tensor:
        """The Hessian's diagonal."""
        logits = point @ self.samples.T
        expected = logits.softmax(0) if self.softmax else logits.sigmoid()
        variance = self.weight * expected * (1 - expected)
        diagonal = torch.zeros_like(point)
        for some, part in zip(torch.split(variance, 4096, dim=1), torch.split(self.samples, 4096), strict=True):
            diagonal += some @ part.square()
        diagonal /= self.total
        diagonal[:, :-1] += self.penalty
        return diagonal.clamp(min=1e-12)
