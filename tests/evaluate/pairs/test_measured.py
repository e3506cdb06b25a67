"""What a protocol found, as tensors and back: nothing is lost, and what is absent stays absent."""

from __future__ import annotations

import math

import torch

from vesalius.evaluate.pairs.measured import Measured, Value


def test_everything_comes_back() -> None:
    values = {"map_at_10": Value(0.5, torch.rand(5), torch.rand(2), 0.01), "größe": Value(1.0)}
    curve = [{"metric": "accuracy", "x": 0.1, "value": 0.5, "low": 0.4, "high": None}]
    pictures = [{"id": "00ff", "map": "saliency/a/b/00ff.png"}]
    first = Measured(torch.rand(2, 3, 4), torch.rand(2, 5, 4), values, curve, {"k": [1, 5], "note": "ü"}, pictures, (3, 2))
    found = Measured.of_tensors(first.tensors())
    assert torch.equal(found.answers, first.answers)
    assert torch.equal(found.choosing, first.choosing)
    assert (found.curve, found.facts, found.pictures, found.scored) == (curve, first.facts, pictures, (3, 2))
    again = found.values["map_at_10"]
    assert (again.value, again.margin) == (0.5, 0.01)
    assert torch.equal(again.replicates, values["map_at_10"].replicates)
    assert torch.equal(again.repeats, values["map_at_10"].repeats)
    assert (found.values["größe"].replicates, found.values["größe"].margin) == (None, None)


def test_what_there_is_not_stays_absent() -> None:
    found = Measured.of_tensors(Measured().tensors())
    assert (found.answers, found.choosing, found.scored) == (None, None, None)
    assert not found.values
    assert not found.facts


def test_a_number_that_is_none_comes_back_as_none() -> None:
    assert math.isnan(Measured.of_tensors(Measured(values={"x": Value(float("nan"))}).tensors()).values["x"].value)
