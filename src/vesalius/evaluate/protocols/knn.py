"""``vesalius evaluate knn``: what the nearest training images say, weighted by their cosine.

DINOv2's definition (Oquab et al., 2023, after Wu et al., CVPR 2018): the ``k`` nearest of L2-normalised features vote with
exp(cosine / 0.07). ``k`` is chosen on the validation split among those given; of the classes of a task none has more votes than
the rarest has images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor

from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import knn, metrics

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Training images vote with exp(cosine / temperature); how many of them is chosen on the validation split by the task's measure, of equal "
    "ones the fewest, and the vote is scored once on the test split."
)


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: tuple[PositiveInt, ...] = Field((1, 5, 11, 20, 50), min_length=1, description="Numbers of neighbours to choose from on validation.")
    temperature: float = Field(0.07, gt=0, description="Of the votes' weights.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set."""
    return compared("knn", config, asked, measure, rule=RULE)


def measure(config: Config, pair: Pair) -> Measured:
    """The vote of the best number of neighbours, which are looked for once for all numbers."""
    train, val = pair.split("train"), pair.split("val")
    base, labels = pair.features("train"), train.labels.to(pair.asked.device)

    def votes(name: str, ks: Sequence[int]) -> list[Tensor]:
        answers = knn.predictions(pair.features(name), base, labels, pair.classes, ks=ks, temperature=config.temperature)
        return [answer.cpu() for answer in answers]

    sizes = torch.bincount(train.labels.round().long()) if pair.kind != "multilabel" else torch.tensor([len(train)])
    most = int(sizes[sizes > 0].min())
    known = sorted({min(k, most) for k in config.k})
    asked = dict(zip(known, votes("val", known), strict=True))
    scores = {k: float(metrics.measure(pair.task.metric, pair.kind, val.labels, answer)[0]) for k, answer in asked.items()}
    best = max(known, key=lambda k: (-math.inf if math.isnan(scores[k]) else scores[k], -k))
    facts = {"k": best, "tried": known, "temperature": config.temperature}
    return Measured(votes("test", [best])[0][None], asked[best][None], facts=facts)
