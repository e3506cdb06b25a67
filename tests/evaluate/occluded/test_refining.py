from __future__ import annotations

import numpy as np
import pytest
import torch

from vesalius.evaluate.occluded import refining
from vesalius.measures.occlusion import attentive_diffusion, saliency_map


def smooth(down: int, across: int, seed: int = 0) -> torch.Tensor:
    """Scores like those of a window of ten pixels: blobs, over a floor."""
    rows, columns = np.mgrid[:down, :across]
    rng, found = np.random.default_rng(seed), np.full((down, across), 0.05)
    for _ in range(12):
        row, column, spread = rng.uniform(0, down), rng.uniform(0, across), rng.uniform(7, 20)
        found += rng.uniform(0.1, 0.5) * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * spread**2))
    return torch.from_numpy(found).float()


@pytest.mark.parametrize("grid", [(233, 233), (90, 140), (12, 30)])
def test_scored_places_are_within_the_budget_and_the_borders_are_among_them(grid):
    axes, checked = refining.places_of(grid, 0.04)
    assert all(axis[0] == 0 and axis[-1] == count - 1 for axis, count in zip(axes, grid, strict=True))
    assert refining.count(grid, 0.04) == len(axes[0]) * len(axes[1]) + len(checked)
    if min(grid) > 20:
        assert 0.03 < refining.count(grid, 0.04) / (grid[0] * grid[1]) <= 0.04
    nodes = {(row, column) for row in axes[0] for column in axes[1]}
    assert not nodes & {tuple(place) for place in checked}


def test_smooth_scores_come_back_with_their_map_and_a_true_word_on_their_error():
    truth = smooth(120, 150)
    calls = []

    def score(places: torch.Tensor) -> torch.Tensor:
        calls.append(len(places))
        return truth[places[:, 0], places[:, 1]]

    found, agreement = refining.estimated(score, truth.shape, 0.04)
    assert calls == [refining.count(truth.shape, 0.04)]
    assert agreement > 0.99
    assert float((found - truth).abs().max()) < 0.03 * float(truth.max())
    exact, made = (saliency_map(one, 10, (111, 141)) for one in (truth, found))
    assert float(torch.corrcoef(torch.stack([exact.flatten(), made.flatten()]))[0, 1]) > 0.999
    assert abs(float(attentive_diffusion(exact) - attentive_diffusion(made))) < 0.5


def test_noise_between_the_places_shows_in_the_agreement_and_no_score_is_below_zero():
    truth = torch.rand(100, 100, generator=torch.Generator().manual_seed(0)) ** 4
    found, agreement = refining.estimated(lambda places: truth[places[:, 0], places[:, 1]], truth.shape, 0.2)
    assert abs(agreement) < 0.3
    assert float(found.min()) >= 0
    _, equal = refining.estimated(lambda places: torch.ones(len(places)), (100, 100), 0.04)
    assert equal is None
