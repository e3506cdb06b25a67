"""The bar of a pretraining: loss, images per second, time left, share of time spent waiting for data."""

from __future__ import annotations

import time
from collections.abc import Callable

from vesalius.terminal import Terminal
from vesalius.training.method import Progress

_ESTIMATE_AFTER, _PLAN_AFTER = 20, 50


class FitDisplay:
    """What the loop shows. ``update`` is a bar of ``Terminal``, ``noun`` what a sample is called.

    ``estimate``: seconds per step, known after 50 steps, to a further sentence for the terminal.
    """

    def __init__(
        self, terminal: Terminal, update: Callable[..., None], noun: str = "images", estimate: Callable[[float], str] | None = None
    ) -> None:
        self.terminal, self.update, self.noun, self.estimate = terminal, update, noun, estimate
        self.began = time.perf_counter()
        self.images, self.waited, self.loss, self.steps, self.rate = 0, 0.0, float("nan"), 0, ""

    def step(self, at: Progress, loss: float | None, images: int, waited: float) -> None:
        """A step was taken; ``at`` stands after it."""
        self.images += images
        self.waited += waited
        self.steps += 1
        self.loss = self.loss if loss is None else loss
        seconds = max(1e-9, time.perf_counter() - self.began)
        epoch = at.step / at.steps_per_epoch
        self.rate = f"{self.images / seconds:,.{0 if self.images > 10 * seconds else 2}f} {self.noun}/s"
        note = f"epoch {epoch:.1f}/{at.epochs:g}  loss {self.loss:.3f}  {self.rate}  waiting {self.waited / seconds:.0%}"
        self.update(at.step, at.steps, note=note, earlier=at.step - self.steps)
        if self.steps == _ESTIMATE_AFTER and at.steps - at.step > _ESTIMATE_AFTER:
            per_step = seconds / self.steps
            self.say(
                f"After {self.steps} steps: {self.rate}, {in_words(per_step * at.steps_per_epoch)} per epoch, "
                f"{in_words(per_step * (at.steps - at.step))} to go, {self.waited / seconds:.0%} of the time waiting for data."
            )
        if self.estimate is not None and self.steps == _PLAN_AFTER and at.steps > at.step:
            self.say(self.estimate(seconds / self.steps))

    def say(self, text: str) -> None:
        """A sentence worth reading."""
        self.terminal.say(text)


def in_words(seconds: float) -> str:
    """``95`` -> ``1 min 35 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s" if seconds < 10 else f"{rest} s"
