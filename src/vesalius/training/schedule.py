"""Learning rate as a function of progress: warm-up, then a cosine. There are no scheduler objects and no state."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vesalius.training.method import Progress


class Warmup(BaseModel):
    """How long the rate rises: ``steps``, ``epochs`` or a ``share`` of the run; exactly one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int | None = Field(None, ge=0)
    epochs: float | None = Field(None, ge=0)
    share: float | None = Field(None, ge=0, lt=1)

    @model_validator(mode="before")
    @classmethod
    def _number_is_a_share(cls, value: object) -> object:
        return {"share": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Warmup:
        if sum(v is not None for v in (self.steps, self.epochs, self.share)) != 1:
            raise ValueError("give exactly one of steps, epochs, share")
        return self


class Schedule(BaseModel):
    """``cosine``: linear warm-up, half a cosine to ``final`` of the peak. ``constant``: warm-up, then flat.

    ``per: epoch`` and ``start: zero`` are the rule of InnerEye's BYOL: the rate changes between epochs only, the whole
    first epoch runs at zero, and the peak is reached one epoch before the warm-up's end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["cosine", "constant"] = Field("cosine", description="cosine, or constant after the warm-up.")
    final: float = Field(0.0, ge=0, le=1, description="Share of the peak rate at the end.")
    per: Literal["step", "epoch"] = Field("step", description="How often the rate changes.")
    start: Literal["first-step", "zero"] = Field("first-step", description="zero: the first step, or epoch, is taken at rate 0.")


def warmup_length(warmup: Warmup, at: Progress) -> float:
    """The warm-up in steps; never more than a third of the run, so that a short run reaches its peak rate."""
    if warmup.steps is not None:
        asked = float(warmup.steps)
    elif warmup.epochs is not None:
        asked = warmup.epochs * at.steps_per_epoch
    else:
        asked = (warmup.share or 0.0) * at.steps
    return min(asked, at.steps / 3)


def factor(schedule: Schedule, warmup: Warmup, at: Progress) -> float:
    """The share of the peak learning rate at ``at``: in (0, 1], and 0 only under ``start: zero``."""
    if schedule.start == "zero":
        return _from_zero(schedule, warmup, at)
    length = math.floor(warmup_length(warmup, at))
    if at.step < length:
        return (at.step + 1) / (length + 1)
    if schedule.name == "constant":
        return 1.0
    done = (at.step - length) / max(1, at.steps - length)
    return schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * done)) / 2


def _from_zero(schedule: Schedule, warmup: Warmup, at: Progress) -> float:
    """lightning-bolts' closed forms: between epochs the last of ``n`` warm-up epochs reaches the peak, between steps
    the first step after ``n`` does.
    """
    unit = at.steps_per_epoch if schedule.per == "epoch" else 1
    now, end = at.step // unit, at.steps / unit
    if warmup.share is not None:
        n = warmup.share * end
    else:
        n = warmup.steps / unit if warmup.steps is not None else (warmup.epochs or 0.0) * at.steps_per_epoch / unit
    if now < n:
        return now / max(1.0, n - 1 if schedule.per == "epoch" else n)
    done = (now - n) / max(1.0, end - n)
    return schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * done)) / 2
