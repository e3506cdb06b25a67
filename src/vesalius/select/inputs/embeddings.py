"""``EMBEDDINGS``: the vectors of an encoder, or of a file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from vesalius.errors import UserError
from vesalius.select.candidates import Candidates
from vesalius.select.values import Vectors

GIVES: tuple[type[Any], ...] = (Vectors,)


class Config(BaseModel):
    """``task``: the objects of a task instead of whole images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str | None = None


def title(config: Config) -> str:
    """How reasons and reports call it."""
    return "embeddings" if config.task is None else f"objects of {config.task}"


def read(config: Config, candidates: Candidates) -> Vectors:
    """The vectors of images, or of the objects of ``task``. Raises UserError where there are none."""
    if config.task is None:
        return Vectors(candidates.embedded())
    if config.task not in candidates.objects:
        known = ", ".join(candidates.objects) or "none"
        raise UserError(f"There are no objects of a task {config.task!r}. Tasks with objects: {known}.")
    return Vectors(objects=candidates.objects[config.task])
