"""``vesalius evaluate lp-ft``: every encoder trained end to end from the head that is best on its frozen features.

Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution" (ICLR 2022): the linear probe first,
then everything at a small rate; here the rate also falls with the distance from the output (see ``training.layerwise``).
"""

from __future__ import annotations

from pydantic import Field

from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.fitting.finetuning import Budget, Way, measure
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "A logistic regression on the frozen features, its strength chosen on validation, is the head that training begins with; then encoder and head "
    "learn by SGD with Nesterov momentum along a cosine, earlier layers more slowly. The weights that are best on the validation split, which may "
    "be those at the start, are scored once on the test split."
)


class Config(Budget):
    """What can be chosen."""

    lr: float = Field(1e-3, gt=0, description="Peak learning rate of the head and the encoder's last layer.")
    layer_decay: float | None = Field(0.85, gt=0, le=1, description="Each layer learns at this share of the rate of the next; none: all alike.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set."""
    return compared("lp-ft", config, asked, _measure, rule=RULE, baselines=("random init",))


def _measure(config: Config, pair: Pair) -> Measured:
    return measure(config, pair, Way("lp-ft", linear_first=True, layer_decay=config.layer_decay))
