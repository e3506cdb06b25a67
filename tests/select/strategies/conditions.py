"""Small candidates and a slow way to choose among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vesalius.recipes.checking import check
from vesalius.registry import entry
from vesalius.select.candidates import Candidates
from vesalius.select.greedy import Weighted, choose
from vesalius.select.picks import Picks
from vesalius.select.values import Classes, Numbers


def names(n: int) -> list[str]:
    return [f"{i:03}.png" for i in range(n)]


def numbers(values: Sequence[float]) -> Numbers:
    return Numbers(np.asarray(values, np.float64), "metadata x")


def one_hot(classes: Sequence[str]) -> Classes:
    """A class for each image; empty: none."""
    known = sorted(set(classes) - {""})
    return Classes(known, np.asarray([[float(c == k) for k in known] for c in classes]).reshape(len(classes), len(known)), "metadata weather")


def chosen(n: int, parts: Sequence[tuple[str, dict[str, Any], Any]], *, size: int, preselected: Sequence[int] = (), **rest: Any) -> Picks:
    """``parts``: strategy, its fields, its values, in the order of ``names(size)``."""
    candidates = Candidates.of(names(size), chosen=preselected, **rest)
    made = []
    for number, (name, fields, values) in enumerate(parts):
        module = entry("strategies", name)
        config = check(module.Config, fields)
        made.append(Weighted(f"{name} {number}", module.build(config, values, candidates), config.strength))
    return choose(candidates, made, n)


def slowly(
    n: int,
    size: int,
    value: Callable[[list[int], int], float],
    preselected: Sequence[int] = (),
    open_: Callable[[list[int], int], bool] = lambda taken, i: True,
) -> list[int]:
    """Greedy by enumeration: ``value`` of adding a row to those chosen, the first of equals (to nine digits of their ratio)."""
    taken, out = list(preselected), []
    for _ in range(n):
        free = [i for i in range(size) if i not in taken and open_(taken, i)]
        if not free:
            break
        worth = [value(taken, i) for i in free]
        best = next(i for i, w in zip(free, worth) if w >= max(worth) - 1e-9 * abs(max(worth)))
        taken.append(best)
        out.append(best)
    return out
