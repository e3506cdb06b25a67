"""``vesalius evaluate knn``: what the nearest training images say, weighted by their cosine.

DINOv2's definition (Oquab et al., 2023, after Wu et al., CVPR 2018): the ``k`` nearest of L2-normalised features vote with
exp(cosine / 0.07). ``k`` is chosen on the validation split among those given.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.comparing import compared
from vesalius.evaluate.measured import Measured
from vesalius.evaluate.pair import Pair
from vesalius.measures import knn, metrics

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Training images vote with exp(cosine / temperature); how many of them is chosen on the validation split by the task's measure, of equal "
    "ones the fewest, and the vote is scored once on the test split."
)


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: tuple[int, ...] = Field((1, 5, 11, 20, 50), description="Numbers of neighbours to choose from on validation.")
    temperature: float = Field(0.07, gt=0, description="Of the votes' weights.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set."""
    return compared("knn", config, asked, measure, rule=RULE)


def measure(config: Config, pair: Pair) -> Measured:
    """The vote of the best number of neighbours."""
    train, val = pair.split("train"), pair.split("val")
    base, labels = pair.features("train"), train.labels.to(pair.asked.device)

    def votes(name: str, k: int) -> Tensor:
        return knn.predict(pair.features(name), base, labels, pair.classes, k=k, temperature=config.temperature).cpu()

    known = sorted({min(k, len(train)) for k in config.k})
    scores = {k: float(metrics.measure(pair.task.metric, pair.kind, val.labels, votes("val", k))[0]) for k in known}
    best = max(known, key=lambda k: (scores[k], -k))
    return Measured(votes("test", best)[None], votes("val", best)[None], facts={"k": best, "temperature": config.temperature})
