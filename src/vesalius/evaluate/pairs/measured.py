"""What a protocol found about one encoder on one data set, and how it is kept in a cell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Value:
    """A number that a protocol measures itself. ``replicates`` (R,): the same number over the data set's bootstrap replicates,
    in the order of ``measures.bootstrap`` (paired between encoders); None where it has no such interval. ``repeats`` (S,): over the
    protocol's own draws (episodes, probe seeds, label draws). ``margin``: half the width of the 95 % interval of its Monte-Carlo error.
    """

    value: float
    replicates: Float[Tensor, " replicates"] | None = None
    repeats: Float[Tensor, " repeats"] | None = None
    margin: float | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """One cell's result: answers to be judged by every measure of the task, or numbers of the protocol's own, or both.

    ``answers`` (S, n, outputs): probabilities for the labelled test samples (``pair.split("test")``, in its order), once for each of
    S repeats; a column per class (two for a binary task), per label for multi-label. ``choosing`` (S, m, outputs): the same of the
    validation samples, by which a temperature and thresholds are fitted, or, where repeats hold out different ones, of the training and then
    the validation samples (``folds.held_out``), NaN where not held out; None where the protocol has none. ``values``: metric -> Value.
    ``curve``: rows of a curve, each with ``metric``, ``x``, ``value``, ``low``, ``high``. ``facts``: what was chosen on the way, as JSON has it.
    ``pictures``: what was drawn, each with the ``id`` of its sample and files of the run by their paths in it. ``scored``: how many samples of
    how many subjects ``values`` are of, where that is not the test split.
    """

    answers: Float[Tensor, "repeats samples outputs"] | None = None
    choosing: Float[Tensor, "repeats validation outputs"] | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    curve: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    pictures: Sequence[Mapping[str, Any]] = ()
    scored: tuple[int, int] | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Everything, for a cell."""
        found = {name: tensor for name, tensor in (("answers", self.answers), ("choosing", self.choosing)) if tensor is not None}
        for name, value in self.values.items():
            found |= {f"values/{name}/{part}": t for part in ("replicates", "repeats") if (t := getattr(value, part)) is not None}
        numbers = {name: [value.value, value.margin] for name, value in self.values.items()}
        rows = {"curve": [dict(row) for row in self.curve], "pictures": [dict(row) for row in self.pictures]}
        text = json.dumps({"values": numbers, **rows, "facts": dict(self.facts), "scored": self.scored})
        return {**found, "text": torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)}

    @staticmethod
    def of_tensors(found: Mapping[str, Tensor]) -> Measured:
        """What ``tensors`` gave."""
        said = json.loads(bytes(found["text"].tolist()).decode())
        values = {
            name: Value(
                float("nan") if value is None else value,
                found.get(f"values/{name}/replicates"),
                found.get(f"values/{name}/repeats"),
                margin,
            )
            for name, (value, margin) in said["values"].items()
        }
        rest = said["curve"], said["facts"], said.get("pictures", ()), said["scored"] and tuple(said["scored"])
        return Measured(found.get("answers"), found.get("choosing"), values, *rest)
