"""``vesalius evaluate finetune``: every encoder trained end to end with a linear head, by the finetune verb.

After Ericsson, Gouk and Hospedales, "How well do self-supervised models transfer?" (CVPR 2021). See ``evaluate.finetuning``.
"""

from __future__ import annotations

from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.fitting.finetuning import Budget, Way, measure
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Encoder and a linear head that starts at zero learn at one rate, by SGD with Nesterov momentum along a cosine. The weights that are best on the "
    "validation split by the task's measure are scored once on the test split; rate and decay are chosen on validation alone. Random init "
    "is the same architecture trained from scratch."
)
WAY = Way("finetune", linear_first=False, layer_decay=None)


class Config(Budget):
    """What can be chosen."""


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set."""
    return compared("finetune", config, asked, _measure, rule=RULE, baselines=("random init",))


def _measure(config: Config, pair: Pair) -> Measured:
    return measure(config, pair, WAY)
