"""Axes: where the ticks stand and what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vesalius.report.wording import figure


@dataclass(frozen=True)
class Tick:
    """A tick at ``at`` per cent of the axis, from its start, saying ``text``."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """Maps values between ``low`` and ``high`` to per cent of its length; ``log`` for a logarithmic one."""

    low: float
    high: float
    ticks: tuple[Tick, ...] = ()
    log: bool = False

    def at(self, value: float) -> float:
        """Per cent of the axis at which ``value`` stands, held between 0 and 100."""
        low, high, here = (_log(v) if self.log else v for v in (self.low, self.high, value))
        return min(100.0, max(0.0, 100.0 * (here - low) / (high - low)))


def linear(
    values: Sequence[float],
    *,
    count: int = 5,
    pad: float = 0.06,
    show: Callable[[float], str] = figure,
    floor: float | None = None,
    ceiling: float | None = None,
) -> Axis:
    """An axis that holds ``values`` with ``pad`` of its length on either side, within ``floor`` and ``ceiling``."""
    low, high = min(values), max(values)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        spare = abs(low) * 0.1 or 1.0
        low, high = low - spare, high + spare
    spare = pad * (high - low)
    start = low - spare if floor is None else max(floor, low - spare)
    stop = high + spare if ceiling is None else min(ceiling, high + spare)
    if stop <= start:  # everything lies beyond a bound: the values matter more than the bound
        start, stop = low - spare, high + spare
    axis = Axis(start, stop)
    return Axis(start, stop, tuple(Tick(axis.at(v), show(v)) for v in round_values(start, stop, count)))


def logarithmic(values: Sequence[float], at: Sequence[float], show: Callable[[float], str]) -> Axis:
    """A logarithmic axis that holds the positive ``values``, with a tick at each of ``at``."""
    low, high = _log(min(values)), _log(max(values))
    spare = 0.07 * (high - low) or 0.15
    axis = Axis(10 ** max(low - spare, -300.0), 10 ** min(high + spare, 308.0), log=True)  # within what a float holds
    return Axis(axis.low, axis.high, tuple(Tick(axis.at(v), show(v)) for v in at), log=True)


def round_values(low: float, high: float, count: int) -> list[float]:
    """About ``count`` round numbers (steps of 1, 2, 2.5 or 5 times a power of ten) from ``low`` to ``high``."""
    raw = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.7), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def _log(value: float) -> float:
    return math.log10(max(value, 1e-300))
