"""The table of twins, seeds and sizes from results of single runs; what may be said of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vesalius.evaluate.segmented.repeats import TWIN, Part, _gain, _of_size, parts
from vesalius.evaluate.segmented.verdict import sentences
from vesalius.recipes.segmentation.config import SegmentationConfig

CONFIG = SegmentationConfig(steps=1, twin=True, seeds=[1, 2, 3], sizes=[2, 4])


def results(case_scores: list[float], volumes: int) -> dict[str, Any]:
    common = {"metric": "dice", "n": len(case_scores), "unit": "subjects", "split": "test"}
    values = {"fine-tuned": float(np.mean(case_scores)), "intensity k-means": 0.4, "majority": 0.0}
    return {
        "scores": [{"model": model, "value": value, **common} for model, value in values.items()],
        "segmentation": {"cases": [{"subject": n, "dice": score} for n, score in enumerate(case_scores)]},
        "data": {"labelled": {"counts": {"train": {"images": volumes}}}},
    }


def found(gain: float, noise: float = 0.0, cases: int = 8) -> dict[Part, Any]:
    draw = np.random.default_rng(0)
    made = {}
    for part in parts(CONFIG):
        base = 0.6 + 0.02 * np.arange(cases) + noise * draw.normal(size=cases)
        made[part] = results(list(base + (0 if part.scratch else gain)), part.volumes or 0)
    return made


def test_every_size_seed_and_twin_is_a_run() -> None:
    names = [part.folder for part in parts(CONFIG)]
    assert len(names) == len(set(names)) == 12
    assert names[:2] == ["2-volumes-pretrained-seed-1", "2-volumes-scratch-seed-1"]
    alone = list(parts(SegmentationConfig(steps=1, seeds=[4, 5])))
    assert [part.folder for part in alone] == ["seed-4", "seed-5"]
    assert all(part.changed(CONFIG)["encoder"]["scratch"] == part.scratch for part in parts(CONFIG))
    assert {part.changed(CONFIG)["data"]["limit"] for part in parts(CONFIG)} == {2, 4}


def test_mean_spread_and_relative_improvement() -> None:
    made = found(0.05)
    (own, twin, clusters, majority) = _of_size(CONFIG, 4, made)
    assert (own["model"], twin["model"], own["volumes"]) == ("fine-tuned", TWIN, 4)
    assert own["value"] == pytest.approx(0.72)
    assert twin["value"] == pytest.approx(0.67)
    assert (clusters["value"], majority["value"]) == pytest.approx((0.4, 0.0))
    assert len(own["values"]) == 3
    gain = _gain(CONFIG, 4, made)
    assert gain is not None
    assert gain["value"] == pytest.approx(0.05)
    assert gain["relative"] == pytest.approx(0.05 / 0.67)
    assert gain["low"] == pytest.approx(0.05, abs=1e-6), "paired by case: all of them differ alike"


@pytest.mark.parametrize(
    ("gain", "noise", "seeds", "said"),
    [
        (0.05, 0.0, 3, "pretraining helps here"),
        (-0.05, 0.0, 3, "pretraining harms here"),
        (0.001, 0.2, 3, "the two are not told apart"),
        (0.05, 0.0, 2, "fewer than 3 seeds tell nothing of pretraining"),
    ],
)
def test_no_claim_without_seeds(gain: float, noise: float, seeds: int, said: str) -> None:
    made = found(gain, noise)
    rows = list(_of_size(CONFIG, 4, made))
    one = _gain(CONFIG, 4, made)
    assert one is not None
    assert said in sentences(rows, [one], seeds)[0]


def test_clusters_that_are_better_are_named() -> None:
    made = {part: results([0.3, 0.35], 4) for part in parts(CONFIG)}
    text = " ".join(sentences(list(_of_size(CONFIG, 4, made)), [], 3))
    assert "Clusters of intensity reach 0.400, more than what is fine-tuned and from random weights." in text
