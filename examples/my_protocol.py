"""A protocol of evaluation from outside Vesalius: the nearest class mean answers, by cosine. Copy it and write your own ``measure``.

vesalius evaluate nearest-mean,knn --plugins examples/my_protocol.py --encoder runs/first --data ./images

Intervals over subjects, all measures, ties, controls, resuming, tables and the report come by themselves. A package of yours names the module
in its pyproject.toml instead, ``[project.entry-points."vesalius.protocols"]`` with ``nearest-mean = "our_package.my_protocol"``.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = "Each class is the mean of its training images' features, of length 1; a test image belongs to the class that it has the highest cosine with."
VESALIUS = {"protocols": ["nearest-mean"]}


class Config(BaseModel):
    """What can be chosen: ``--nearest-mean.temperature 0.1``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(0.1, gt=0, description="Probabilities are softmax(cosine / temperature).")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set, beside twins without training and the pixels."""
    return compared("nearest-mean", config, asked, measure, rule=RULE)


def measure(config: Config, pair: Pair) -> Measured:
    """One encoder on one data set: probabilities for the test images, and for validation, where a temperature is fitted for calibration."""
    if pair.kind == "multilabel":
        raise UserError(f"nearest-mean needs classes of which an image has one; those of {pair.dataset} are not exclusive.")
    train = pair.split("train")
    belongs = one_hot(train.labels.long(), pair.classes).float().to(pair.asked.device)
    means = normalize(belongs.T @ normalize(pair.features("train"), dim=1) / belongs.sum(0)[:, None].clamp(min=1), dim=1)

    def answers(split: str) -> Tensor:
        cosine = normalize(pair.features(split), dim=1) @ means.T
        return torch.softmax(cosine / config.temperature, 1).cpu()[None]

    return Measured(answers("test"), answers("val"), facts={"temperature": config.temperature})
