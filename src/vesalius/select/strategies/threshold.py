"""``THRESHOLD``: only images whose number is large, or small, enough. Applied to all images before anything else."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from vesalius.errors import UserError
from vesalius.select.candidates import Candidates
from vesalius.select.numeric import numbers_of
from vesalius.select.strategy import Filter, Strategy, StrategyConfig
from vesalius.select.values import Numbers, Values

TAKES: tuple[type[Any], ...] = (Numbers,)

_COMPARED = {"SMALLER": np.less, "SMALLER_EQUAL": np.less_equal, "BIGGER": np.greater, "BIGGER_EQUAL": np.greater_equal}
_SIGNS = {"SMALLER": "<", "SMALLER_EQUAL": "<=", "BIGGER": ">", "BIGGER_EQUAL": ">="}


class Config(StrategyConfig):
    """What can be chosen. An image without a number never passes."""

    threshold: float = Field(allow_inf_nan=False, description="What the number is compared with.")
    operation: Literal["SMALLER", "SMALLER_EQUAL", "BIGGER", "BIGGER_EQUAL"] = Field(description="Which numbers pass.")


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The filter over ``values``; how many pass is said in the terminal. Raises UserError for classes, and where no image that is free passes."""
    numbers = numbers_of(values, "THRESHOLD")
    passes = np.zeros(len(candidates), bool)
    known = ~np.isnan(numbers.values)
    passes[known] = _COMPARED[config.operation](numbers.values[known], config.threshold)
    words = f"{numbers.title} {_SIGNS[config.operation]} {config.threshold:g}"
    if len(passes) and not (passes & candidates.free).any():
        span = f"Known values lie between {np.nanmin(numbers.values):g} and {np.nanmax(numbers.values):g}" if known.any() else "Nothing is known of it"
        raise UserError(f"No image that could be chosen has {words}. {span}, for {int(known.sum()):,} of {len(known):,} images. Choose another threshold.")
    candidates.terminal.say(f"{int(passes.sum()):,} of {len(passes):,} images have {words}.")
    return Filter(passes)
