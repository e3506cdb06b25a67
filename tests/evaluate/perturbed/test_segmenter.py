"""Robustness of segmenters: a run and its twin from the user's side; whole volumes disturbed, values of any scale."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vesalius
from tests.segmented import PLAN, RECIPE, heads
from vesalius.errors import UserError
from vesalius.evaluate.perturbed import perturbations
from vesalius.evaluate.perturbed.segmenter import PerturbedSegmenter
from vesalius.runs import Run
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two short runs, ``a`` and ``b``, of the same heads."""
    folder = tmp_path_factory.mktemp("segmented")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        patch.setenv("VESALIUS_RUNS", str(folder / "runs"))
        data = {"train": str(heads(folder, train=3, val=1, test=3)), "plan": PLAN}
        for name, seed, steps in (("a", 1, 12), ("b", 2, 4)):
            vesalius.finetune(RECIPE, out=folder / name, quiet=True, data=data, seed=seed, steps=steps)
        yield folder


@pytest.fixture(autouse=True)
def its_own_cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(place / "cache"))


@pytest.fixture(scope="module")
def model(place: Path) -> PerturbedSegmenter:
    return PerturbedSegmenter("A", Run.open(place / "a"), "", Terminal(quiet=True))


def test_a_run_and_its_twin(place: Path, tmp_path: Path):
    found = vesalius.evaluate("robustness", run=[place / "a", place / "b"], perturbations="noise,motion", out=tmp_path / "e", quiet=True)
    results: dict[str, Any] = found.results["robustness"]
    assert results["metric"] == "dice"
    assert results["n"] == 3
    clean = {row["run"]: row["value"] for row in results["curves"] if row["level"] == 0}
    for name, letter in (("a", "A"), ("b", "B")):
        stored = json.loads((place / name / "results.json").read_text())["segmentation"]["dice_on_stored_voxels"]
        assert clean[letter] == pytest.approx(stored, abs=1e-5)
    noise = [row["value"] for row in results["curves"] if row["run"] == "A" and row["perturbation"] == "noise"]
    assert noise[-1] < noise[0], "noise of a quarter of the range is seen"
    assert "reaches a mean Dice of" in found.results["verdict"][0]
    assert "Dice" in (found.path / "report.html").read_text()


def test_a_volume_is_disturbed_as_a_whole_and_what_is_beyond_the_ends_stays_there(model: PerturbedSegmenter):
    row = int(model.cases[0])
    plain = model._volume(row, None, 1)
    low, high = model._ends(plain)
    assert plain.min() < low < high < plain.max(), "z-scores have no ends of their own"
    for one in perturbations.ALL:
        changed = model._volume(row, one.steps(one.strengths[0], 3)[0], 1)
        assert changed.shape == plain.shape
        assert 0 < float((changed - plain).abs().mean()) < 0.2 * (high - low), one.name
    dark = perturbations.ALL[4].steps(3.0, 3)[0]
    beyond = plain > high
    torch.testing.assert_close(model._volume(row, dark, 1)[beyond], plain[beyond], rtol=1e-3, atol=1e-3)


def test_the_same_disturbance_for_every_model(model: PerturbedSegmenter, place: Path):
    other = PerturbedSegmenter("B", Run.open(place / "b"), "", Terminal(quiet=True))
    for one in perturbations.ALL:
        step = one.steps(one.strengths[2], 3)[-1]
        assert torch.equal(model._volume(int(model.cases[1]), step, 3), other._volume(int(other.cases[1]), step, 3))


def test_case_means_and_weights(model: PerturbedSegmenter):
    answers = torch.tensor([[1.0, 0.5, float("nan")], [0.2, 0.4, 0.6], [float("nan")] * 3])
    weights = torch.tensor([[1.0, 2.0, 0.0], [1.0, 0.0, 0.0], [1.0, 5.0, 1.0]])
    np.testing.assert_allclose(model.statistic(answers)(weights), [(0.75 + 0.4) / 2, 0.75, float("nan")])


def test_another_measure_is_refused(place: Path):
    with pytest.raises(UserError, match="measured by dice"):
        PerturbedSegmenter("A", Run.open(place / "a"), "accuracy", Terminal(quiet=True))
