"""``BALANCE``: what is chosen, preselected images included, holds classes in given shares.

Let T_c be how much of class c everything chosen holds, q_c its share in the target, and p_c its share if an image were added. The image's cost is

    cost = 1/2 * |p - q|^2 * ((sum(T) + mean) / mean)^2,

so that the order is that of the distance (Euclidean) from the target; ``mean``, what an image holds on average, turns it into images. The score is
1 / (1 + cost - the least cost of any free image). Where each image is of one class, costs differ by as many images as one class lacks more than
another: a score of 1 for the class that lacks most, 1/2 for one that lacks an image less, however many are chosen already. Chosen by this alone, a
target that n images can have exactly is met exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from vesalius.data.schema import is_number
from vesalius.errors import UserError
from vesalius.recipes.checking import nearest
from vesalius.select.candidates import Candidates
from vesalius.select.strategy import Strategy, StrategyConfig
from vesalius.select.values import Classes, Numbers, Values

TAKES: tuple[type[Any], ...] = (Classes, Numbers)

REST = "the rest"
_MOST_VALUES = 100
_DIGITS = 9  # costs are told apart so far: what differs by rounding alone is equal, and then the first by name is taken


class Config(StrategyConfig):
    """What can be chosen: a target, or a distribution; without either UNIFORM."""

    target: Mapping[str, float] | None = Field(None, description="Share of each class; what they lack of 1 is the share of all other classes together.")
    distribution: Literal["TARGET", "UNIFORM", "INPUT"] | None = Field(
        None, description="TARGET: as target says. UNIFORM: of every class that occurs as much. INPUT: as among all images."
    )

    @field_validator("target", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """YAML reads 0, 1, true and no as numbers and booleans."""
        return {str(key).lower() if isinstance(key, bool) else str(key): share for key, share in value.items()} if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _one_aim(self) -> Config:
        if self.target is None and self.distribution == "TARGET":
            raise ValueError("distribution TARGET needs target, with the share of each class")
        if self.target is not None and self.distribution not in (None, "TARGET"):
            raise ValueError(f"target and distribution {self.distribution} are both given; leave out one of them")
        if self.target is not None:
            if not self.target or not all(0 <= share <= 1 for share in self.target.values()):
                raise ValueError("target must give each class a share between 0 and 1")
            if sum(self.target.values()) > 1 + 1e-6:
                raise ValueError(f"the shares in target add up to {sum(self.target.values()):g}, which is more than 1")
            if not sum(self.target.values()):
                raise ValueError("every share in target is 0")
        return self


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``; numbers with few values count as classes. Raises UserError for classes that are not there, with the nearest."""
    classes = values if isinstance(values, Classes) else _few(values)
    if not isinstance(values, Classes) and config.target is not None:
        config = config.model_copy(update={"target": {_plain(name): share for name, share in config.target.items()}})
    if not classes.amounts.any():
        raise UserError(f"BALANCE of {classes.title}: no image holds any of {', '.join(classes.names) or 'its classes'}. Look at where they come from.")
    names, amounts, shares = _aim(config, classes, candidates)
    return Balance(names, amounts, shares, candidates)


def _few(values: Values) -> Classes:
    if not isinstance(values, Numbers):
        raise UserError("BALANCE needs classes, and it was given embeddings. Use METADATA or PREDICTIONS as its input.")
    known = np.isfinite(values.values)
    distinct, place = np.unique(values.values[known], return_inverse=True)
    if len(distinct) > _MOST_VALUES:
        raise UserError(f"BALANCE needs classes, and {values.title} has {len(distinct):,} different numbers. Use WEIGHTS, THRESHOLD or TARGET_RANGE for those.")
    amounts = np.zeros((len(known), len(distinct)))
    amounts[np.flatnonzero(known), place] = 1
    return Classes([f"{value:g}" for value in distinct], amounts, values.title)


def _plain(name: str) -> str:
    """A number as ``_few`` writes it: 007 is 7."""
    return f"{float(name):g}" if is_number(name) else name


def _aim(config: Config, classes: Classes, candidates: Candidates) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Names, amounts (N, C) and shares (C,) of the classes that are told apart."""
    held = classes.amounts.sum(0)
    if config.target is None:
        there = np.flatnonzero(held > 0)
        shares = held[there] / held.sum() if config.distribution == "INPUT" else np.full(len(there), 1 / len(there))
        return [classes.names[int(i)] for i in there], classes.amounts[:, there], shares
    for name in config.target:
        if name not in classes.names:
            raise UserError(f"BALANCE: {classes.title} has no class {name!r}.{nearest(name, list(classes.names))}")
    places = [list(classes.names).index(name) for name in config.target]
    names, shares, amounts = list(config.target), np.asarray(list(config.target.values())), classes.amounts[:, places]
    lacking = [name for name, place in zip(names, places, strict=True) if not held[place] and config.target[name]]
    if lacking:
        candidates.terminal.say(f"BALANCE of {classes.title}: no image holds {', '.join(lacking)}, so that share cannot be reached.")
    others = np.delete(classes.amounts, places, axis=1).sum(1)
    if others.any():
        return [*names, REST], np.column_stack([amounts, others]), np.append(shares, max(0.0, 1 - shares.sum()))
    if shares.sum() < 1 - 1e-6:
        candidates.terminal.say(f"BALANCE of {classes.title}: there are no other classes: {shares.sum():g}, the sum of the shares, counts as all.")
    return names, amounts, shares / shares.sum()


class Balance(Strategy):
    """What everything chosen holds of each class. An image that holds none would change nothing; it counts half of the least useful.

    Kept is how far what is held lies from the target's shares of the same total, ``off`` (C,); an image moves it by its ``step``. So a pick costs one
    product of all kinds of images with ``off``, and nothing large is subtracted from anything large.
    """

    def __init__(self, names: Sequence[str], amounts: NDArray[np.float64], shares: NDArray[np.float64], candidates: Candidates) -> None:
        self._names, self._shares = names, shares
        self._kinds, self._kind_of = _kinds(amounts)
        self._totals = self._kinds.sum(1)
        self._steps = self._kinds - np.outer(self._totals, shares)
        self._lengths = (self._steps**2).sum(1)
        self._filled = self._totals > 0
        self._left = np.bincount(self._kind_of[candidates.free], minlength=len(self._kinds))
        self._mean = float(amounts.sum() / np.count_nonzero(amounts.any(1)))
        self._held: NDArray[np.float64] = amounts[candidates.chosen].sum(0)
        self._scores: NDArray[np.float64] | None = None  # until something is chosen

    def score(self) -> NDArray[Any]:
        """In (0, 1]: 1 for what brings the shares nearest to the target."""
        if self._scores is not None:
            return self._scores
        cost = self._costs()
        free = self._filled & (self._left > 0)
        least = cost[free].min() if free.any() else cost[self._filled].min()
        score = 1 / (1 + np.round(np.maximum(cost - least, 0), _DIGITS))
        if not self._filled.all():
            score[~self._filled] = score[self._filled].min() / 2
        self._scores = score[self._kind_of]
        return self._scores

    def add(self, row: int) -> None:
        """``row`` was chosen."""
        kind = self._kind_of[row]
        self._held = self._held + self._kinds[kind]
        self._left[kind] -= 1
        self._scores = None

    def reason(self, row: int) -> Mapping[str, Any]:
        """What it holds, and the largest difference of a share from its target with it."""
        kind = self._kinds[self._kind_of[row]]
        held = self._held + kind
        off = float(np.abs(held / held.sum() - self._shares).max()) if held.sum() else 1.0
        return {"holds": {self._names[int(i)]: float(kind[i]) for i in np.flatnonzero(kind)}, "off_target": off}

    def _costs(self) -> NDArray[np.float64]:
        """``(K,)`` of each kind of image; of one that holds nothing as if it were the first."""
        held = self._held.sum()
        off = self._held - held * self._shares
        costs: NDArray[np.float64] = self._steps @ (2 * off) + self._lengths + off @ off
        costs *= 0.5 * ((held + self._mean) / (self._mean * (held + np.where(self._filled, self._totals, self._mean)))) ** 2
        return costs


def _kinds(amounts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The different rows, and which of them each row is: equal images get equal scores, to the last bit, and are reckoned once."""
    import pandas as pd

    marks = pd.util.hash_pandas_object(pd.DataFrame(amounts), index=False).to_numpy()
    _, first, place = np.unique(marks, return_index=True, return_inverse=True)
    if np.array_equal(amounts[first][place], amounts):
        return amounts[first], place
    kinds, place = np.unique(amounts, axis=0, return_inverse=True)  # two rows with one mark
    return kinds, place.reshape(-1)
