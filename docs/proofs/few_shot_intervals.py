"""200 simulated data sets of 58 + 80 images: how often each interval of few-shot holds the accuracy of the population.

    python -m docs.proofs.few_shot_intervals [--sets 200] [--subject 1]

Two Gaussian classes, 2-way, 20-shot, 15 queries, 600 episodes, as the original runs on Montgomery. The truth is the mean over data
sets of 6,000 images. ``--subject``: images of each subject, which then share half their variance. One line in JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import time

import numpy as np
import torch

from vesalius.measures import bootstrap, episode_scores, episodes

_DIM, _APART = 16, 1.6


def cloud(rng: np.random.Generator, sizes: tuple[int, int], images: int) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """Vectors, labels and subjects."""
    labels = np.repeat([0, 1], sizes)
    subject = np.concatenate([np.arange(sizes[0]) // images, sizes[0] + np.arange(sizes[1]) // images])
    subject = np.unique(subject, return_inverse=True)[1]
    own, shared = rng.normal(size=(sum(sizes), _DIM)), rng.normal(size=(subject.max() + 1, _DIM))[subject]
    x = own if images == 1 else math.sqrt(0.5) * (own + shared)
    x[labels == 1, 0] += _APART
    return torch.from_numpy(x).float(), labels, subject


def scores(rng: np.random.Generator, sizes: tuple[int, int], images: int, key: str) -> tuple[episode_scores.Scores, np.ndarray]:
    """What the episodes of one data set get right."""
    x, labels, subject = cloud(rng, sizes, images)
    drawn = episodes.draw(labels, subject, ("one", "other"), way=2, shot=20, queries=15, count=600, key=(key,))
    return episode_scores.score(x, labels, subject, drawn), subject


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--subject", type=int, default=1)
    options = parser.parse_args()
    began, rng = time.perf_counter(), np.random.default_rng(11)
    truth = float(np.mean([scores(rng, (3000, 3000), options.subject, f"truth {n}")[0].rate.nanmean() for n in range(8)]))
    outer, inner, values, widths, margins = 0, 0, [], [], []
    for number in range(options.sets):
        found, subject = scores(rng, (58, 80), options.subject, f"set {number}")
        low, high = bootstrap.interval(found.replicates(subject, 1000, number))
        outer, inner = outer + (low <= truth <= high), inner + (abs(found.value - truth) <= found.margin())
        values.append(found.value)
        widths.append((high - low) / 2)
        margins.append(found.margin())
    line = {
        "name": "few-shot intervals",
        "sets": options.sets,
        "truth": round(truth, 4),
        "held_by_subjects": int(outer),
        "held_by_monte_carlo": int(inner),
        "half_width_by_subjects": round(float(np.mean(widths)), 4),
        "half_width_by_monte_carlo": round(float(np.mean(margins)), 4),
        "spread_of_the_value": round(1.96 * float(np.std(values)), 4),
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
