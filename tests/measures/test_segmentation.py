"""Dice and surface distances: values by hand, MONAI's metrics, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from vesalius.measures import segmentation


def blob(seed: int, shape: tuple[int, int, int] = (24, 20, 18)) -> NDArray[np.bool_]:
    noise = np.random.default_rng(seed).normal(size=shape)
    return np.asarray(ndimage.gaussian_filter(noise, 2) > 0.02)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.5, 2.0, 3.0)])
def test_surfaces_are_monai_s(spacing: tuple[float, float, float]) -> None:
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance
    from monai.metrics.surface_dice import compute_surface_dice
    from monai.metrics.surface_distance import compute_average_surface_distance

    a, b = blob(0), blob(1)
    a[:3], b[:4] = False, False
    pair = [torch.from_numpy(m)[None, None].float() for m in (a, b)]
    found = segmentation.surface(a, b, spacing, tolerance=2.0)
    theirs = [
        compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=spacing),
        compute_average_surface_distance(*pair, include_background=True, symmetric=True, spacing=spacing),
        compute_surface_dice(pair[0], pair[1], class_thresholds=[2.0], include_background=True, spacing=spacing),
    ]
    assert found == pytest.approx([float(value) for value in theirs], rel=1e-5)


def test_surfaces_by_hand() -> None:
    a, b = np.zeros((2, 9, 9, 9), bool)
    a[2:5, 2:5, 2:5], b[4:7, 2:5, 2:5] = True, True
    assert segmentation.surface(a, a, (1.0, 1.0, 1.0)) == (0, 0, 1)
    moved = segmentation.surface(a, b, (3.0, 1.0, 1.0), tolerance=0.0)
    assert moved.hausdorff95 == 6  # two voxels of 3 mm
    assert moved.surface_dice == pytest.approx(18 / 52)  # the plane both have


def test_dice_and_what_has_no_score() -> None:
    truth = np.array([0, 0, 1, 1, 2, 2])
    predicted = np.array([0, 1, 1, 1, 0, 3])
    found = segmentation.counts(predicted, truth, 5)
    scores = segmentation.dice(found)
    assert scores[:4] == pytest.approx([0.5, 0.8, 0.0, 0.0])  # 2 is missed, 3 is invented
    assert np.isnan(scores[4])  # in neither
    assert segmentation.mean_dice(found[None]) == pytest.approx(0.8 / 3)


def test_a_surface_of_nothing() -> None:
    none, some = np.zeros((4, 4, 4), bool), np.ones((4, 4, 4), bool)
    assert all(np.isnan(segmentation.surface(none, none, (1.0, 1.0, 1.0))))
    for pair in ((none, some), (some, none)):
        found = segmentation.surface(*pair, (1.0, 1.0, 1.0))
        assert np.isnan(found.hausdorff95)
        assert np.isnan(found.mean_distance)
        assert found.surface_dice == 0


def test_the_tutorial_s_figure_counts_the_background_and_weighs_early_cases_more() -> None:
    """One organ, cases from easy to hard, 900 voxels of background and 100 of organ: three figures of the same answers."""
    found = np.array([[[890, 900, 900], [right, 100, 100]] for right in (98, 95, 90, 80, 60, 40)])
    running = segmentation.mean_of_running_means(found)
    plain = segmentation.mean_dice(found, background=True)
    foreground = segmentation.mean_dice(found)
    assert foreground == pytest.approx(np.mean([0.98, 0.95, 0.9, 0.8, 0.6, 0.4]))
    assert running > plain > foreground
    cases = [(890 / 900 + right / 100) / 2 for right in (98, 95, 90, 80, 60, 40)]
    assert running == pytest.approx(np.mean([np.mean(cases[: n + 1]) for n in range(6)]))


def test_the_running_mean_is_the_loop_of_monai_s_metric() -> None:
    from monai.metrics.meandice import DiceMetric

    draw = np.random.default_rng(3)
    cases = [(draw.integers(0, 3, (6, 6, 6)), draw.integers(0, 4, (6, 6, 6))) for _ in range(5)]
    metric, values = DiceMetric(include_background=True, reduction="mean", get_not_nans=False), []
    for predicted, truth in cases:
        one_hot = [torch.nn.functional.one_hot(torch.from_numpy(x), 5).movedim(-1, 0)[None] for x in (predicted, truth)]
        metric(one_hot[0], one_hot[1])
        values.append(float(metric.aggregate()))  # type: ignore[arg-type]
    ours = np.stack([segmentation.counts(predicted, truth, 5) for predicted, truth in cases])
    assert segmentation.mean_of_running_means(ours) == pytest.approx(np.mean(values), rel=1e-6)
