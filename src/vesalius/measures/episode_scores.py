"""How often few-shot episodes are right, and how far that would move with other subjects.

The mean over episodes is a U-statistic of the data set. Its Monte-Carlo error, 1.96 s / sqrt(E), vanishes with more episodes;
that other patients would have given another value does not. For that, each sample's influence is measured on the episodes
there are (the infinitesimal jackknife: Efron, JASA 2014; Wager, Hastie and Efron, JMLR 2014; of subsamples: Wager and Athey,
JASA 2018): as one that is asked, by how often it is answered rightly when its subject is not learnt from; as one that is
learnt from, by the covariance of that with what the episode gets right of the others. Bootstrap replicates weigh these
influences, so that they cost no new episode and are paired between encoders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from vesalius.measures import bootstrap
from vesalius.measures.episodes import Episodes
from vesalius.measures.prototypes import Centre, Variant, nearest

Numbers = Float[Tensor, " samples"]


@dataclass(frozen=True, eq=False)
class Scores:
    """``accuracy`` (E,) of each episode. ``rate`` (N,): how often each sample is right when its subject is not learnt from, NaN where
    it was never asked. ``learnt`` (N,): by how much the value rises with the sample's weight among those learnt from, and
    ``noise`` (N,): the variance of that which so few episodes make by themselves.
    """

    labels: Int[Tensor, " samples"]
    accuracy: Float[Tensor, " episodes"]
    rate: Numbers
    learnt: Numbers
    noise: Numbers

    @property
    def value(self) -> float:
        """The mean over the episodes."""
        return float(self.accuracy.mean())

    def margin(self, ddof: int = 1) -> float:
        """Half the width of the 95 % interval of the Monte-Carlo error; ``ddof`` 0 for the population's deviation."""
        return 1.96 * float(self.accuracy.std(correction=ddof)) / math.sqrt(len(self.accuracy))

    def replicates(self, subject: NDArray[np.int64], count: int, seed: int) -> Float[Tensor, " replicates"]:
        """The value over ``count`` draws of the subjects (N,), and of the episodes, with replacement."""
        member = torch.nn.functional.one_hot(self.labels).double().T * ~self.rate.isnan()
        right = member * self.rate.nan_to_num()
        rates = right.sum(1) / member.sum(1)
        asked = ((right - rates[:, None] * member) / member.sum(1, keepdim=True)).sum(0) / len(member)
        learnt = self.learnt * self._share(torch.from_numpy(subject), asked)
        parts, of_episodes = [], bootstrap.weights(np.arange(len(self.accuracy)), count, seed)
        for block in bootstrap.weights(subject, count, seed):
            weights = block.double()
            parts.append(((right @ weights) / (member @ weights)).mean(0) - rates.mean() + learnt @ (weights - 1))
        again = [self.accuracy @ block.double() / len(self.accuracy) for block in of_episodes]
        return (torch.cat(parts) + torch.cat(again)).clamp(0, 1)

    def _share(self, subject: Int[Tensor, " samples"], asked: Numbers) -> float:
        """What of ``learnt`` to count (0 to 1) so that the variance of the influences is as if they were measured without noise."""

        def summed(values: Tensor) -> Tensor:
            return torch.zeros(int(subject.max()) + 1, dtype=torch.float64).index_add_(0, subject, values)

        one, other = summed(asked), summed(self.learnt)
        square, cross = float(other @ other), float(one @ other)
        if square == 0:
            return 0.0
        excess = 2 * cross + square - float(self.noise.sum())  # of the variance over that of being asked alone
        inner = cross**2 + square * excess
        return min(1.0, max(0.0, (math.sqrt(max(inner, 0.0)) - cross) / square))


def score(
    vectors: Float[Tensor, "samples dim"],
    labels: NDArray[np.int64],
    subject: NDArray[np.int64],
    episodes: Episodes,
    *,
    variant: Variant = "prototypes",
    centre: Centre = "support",
) -> Scores:
    """What the episodes get right: of their query, and beside it of every sample whose subject is not learnt from.

    ``labels`` (N,) class numbers and ``subject`` (N,) numbers, both as the episodes were drawn by.
    """
    of_class, of_subject = torch.from_numpy(labels), torch.from_numpy(subject)
    classes, support, query = (torch.from_numpy(part) for part in (episodes.classes, episodes.support, episodes.query))
    place = torch.full((len(classes), int(of_class.max()) + 1), -1).scatter_(1, classes, torch.arange(classes.shape[1]).expand_as(classes))
    answers = nearest(vectors, episodes, variant=variant, centre=centre)
    right = torch.cat([found.cpu() == place[block][:, of_class] for block, found in answers])  # sums in double precision, which MPS has not
    accuracy = right.gather(1, query.flatten(1)).double().mean(1)
    taken = torch.zeros(len(classes), int(of_subject.max()) + 1, dtype=torch.bool)
    taken.scatter_(1, of_subject[support.flatten(1)], True)
    free = (place >= 0)[:, of_class] & ~taken[:, of_subject]
    right &= free
    rate = right.sum(0).double() / free.sum(0)
    ease = _ease(right, free, rate, place >= 0, of_class)
    learnt, noise = _learnt(ease, classes, of_class, of_subject, support)
    return Scores(of_class, accuracy, rate, learnt, noise)


def _ease(
    right: Bool[Tensor, "episodes samples"], free: Bool[Tensor, "episodes samples"], rate: Numbers, present: Tensor, of_class: Tensor
) -> Float[Tensor, " episodes"]:
    """By how much each episode gets more right than its samples and its classes let expect.

    Each sample's own rate is taken off, so that it does not matter which samples are left to be asked.
    """
    classes = torch.nn.functional.one_hot(of_class).float()
    more = right.float() @ classes - (free.float() @ (classes * rate.nan_to_num()[:, None].float()))
    each = (more / (free.float() @ classes).clamp(min=1)).double()
    known = present.double()
    ease: Tensor = (each * known).sum(1) / known.sum(1)
    ease -= known @ (torch.linalg.pinv(known.T @ known) @ (known.T @ ease))
    return ease


def _learnt(
    ease: Tensor, classes: Int[Tensor, "episodes way"], of_class: Tensor, of_subject: Tensor, support: Int[Tensor, "episodes way shot"]
) -> tuple[Numbers, Numbers]:
    """(N,) influences through the support, and the variance that chance gives them.

    Draws without replacement vary less than independent ones, those of subjects with several images, all on one side, more: the
    covariance is divided by that, so that it is exact for what is linear in the support.
    """
    episodes, way, shot = support.shape
    size = torch.bincount(of_class).double()
    whose, own = torch.unique(of_subject * len(size) + of_class, return_inverse=True)
    images = torch.bincount(own).double()
    kind = whose % len(size)
    people = torch.bincount(kind, minlength=len(size))[of_class].double()
    drawn = torch.bincount(classes.flatten(), minlength=len(size)).double()  # episodes that have the class
    left = 1 - shot / size
    twice = torch.zeros_like(size).index_add_(0, kind, images * (images - 1))
    mates = of_subject[support]
    same = (mates[..., None] == mates[..., None, :]).sum((2, 3)).double()  # pairs of one subject in a support
    square = torch.zeros_like(size).index_add_(0, classes.flatten(), same.flatten()) / drawn
    varying = square - torch.zeros_like(size).index_add_(0, kind, (images * (shot / size)[kind]) ** 2)
    bound = (varying - shot * left) / twice * size / shot
    each = left[of_class] + (images[own] - 1) * torch.where(twice > 0, bound, 0.0)[of_class]
    factor = (people - 1) / people / each
    together = torch.zeros_like(each).index_add_(0, support.flatten(), ease.repeat_interleave(way * shot))
    expected = shot / size * torch.zeros_like(size).index_add_(0, classes.flatten(), ease.repeat_interleave(way))
    learnt = factor * (together - expected[of_class]) / episodes
    chance = (drawn / episodes * shot / size)[of_class] * each
    return learnt, factor**2 * float(ease.var()) * chance / episodes
