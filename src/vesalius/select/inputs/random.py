"""``RANDOM``: a number for each image, drawn from a seed and its name, so that neither order nor other images change it."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from vesalius.random import digests64
from vesalius.select.candidates import Candidates
from vesalius.select.values import Numbers

GIVES: tuple[type[Any], ...] = (Numbers,)


class Config(BaseModel):
    """``random_seed``: by default the selection's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    random_seed: int | None = None


def title(config: Config) -> str:
    """How reasons and reports call it."""
    return "random"


def read(config: Config, candidates: Candidates) -> Numbers:
    """Uniform in (0, 1)."""
    seed = candidates.seed if config.random_seed is None else config.random_seed
    drawn = digests64(("select", seed), candidates.names.tolist())
    return Numbers((drawn.astype(np.float64) + 0.5) / 2.0**64, title(config))
