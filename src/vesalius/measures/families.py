"""P-values of several tests at once: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 1979."""

from __future__ import annotations

from collections.abc import Sequence


def holm(values: Sequence[float]) -> list[float]:
    """The p-values corrected for how many they are, in their order; NaN stays and does not count."""
    known = sorted((p, place) for place, p in enumerate(values) if p == p)
    out, highest = list(values), 0.0
    for rank, (p, place) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        out[place] = highest
    return out
