"""The words about robustness: they claim what intervals carry, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from vesalius.evaluate.perturbed.verdict import sentences


def number(value: float, low: float, high: float, name: str = "") -> dict[str, float]:
    keys = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
    return dict(zip(keys, (value, low, high), strict=True))


def results(start: tuple[float, ...], change: tuple[float, ...], kept: tuple[float, ...], *, higher: bool = True) -> dict[str, Any]:
    area = [
        {"run": run, "perturbation": name, **number(0.8, 0.7, 0.9), **number(-0.1, -0.2, -0.05, "change"), **number(0.9, 0.8, 0.95, "kept")}
        for run in "AB"
        for name in ("noise", "all")
    ]
    return {
        "metric": "dice" if higher else "mean_absolute_error",
        "higher_is_better": higher,
        "split": "test",
        "n": 9,
        "unit": "subjects",
        "runs": [{"letter": "A", "trained_on": "CT"}, {"letter": "B", "trained_on": "random initialisation"}],
        "perturbations": [{"name": "noise", "title": "noise"}],
        "curves": [{"run": run, "level": 0, **number(0.9, 0.8, 1.0)} for run in "AB"],
        "areas": area,
        "differences": [{"a": "A", "b": "B", "level": 0, **number(*start)}],
        "area_differences": [{"a": "A", "b": "B", "perturbation": "all", **number(*start), **number(*change, "change"), **number(*kept, "kept")}],
    }


def test_a_higher_start_and_a_larger_loss_are_both_said():
    said = sentences(results((0.3, 0.2, 0.4), (-0.05, -0.06, -0.04), (0.02, -0.01, 0.05)))
    assert "Undisturbed, A is better than B: +0.300" in said[3]
    assert "Perturbations take more from A than from B: -0.050" in said[5]
    assert said[6].startswith("They do not start alike, so that losing less is not by itself more robustness: the shares")
    assert "cannot be told apart: +0.020" in said[6]


def test_where_they_start_alike_the_loss_speaks_for_itself():
    said = sentences(results((0.01, -0.02, 0.04), (0.05, 0.02, 0.08), (0.05, 0.02, 0.08)))
    assert "A and B cannot be told apart: +0.010" in said[3]
    assert said[-1].startswith("Perturbations take less from A than from B: +0.050")


def test_less_is_better_of_an_error():
    said = sentences(results((-2.0, -3.0, -1.0), (1.0, 0.5, 1.5), (0.1, 0.0, 0.2), higher=False))
    assert "Undisturbed, A is better than B: -2.000" in said[3]
    assert said[-1].startswith("Perturbations take more from A than from B: +1.000")


@pytest.mark.parametrize("place", ["curves", "areas"])
def test_what_is_not_defined_is_said(place: str):
    found = results((0.1, 0.0, 0.2), (0.1, 0.0, 0.2), (0.1, 0.0, 0.2))
    for row in found[place]:
        row["value"] = None
    assert sentences(found) == ["Mean Dice is not defined on these test labels."]
