"""What 2,000 bootstrap replicates of every measure cost, against scikit-learn called for each replicate.

A test split of the size of NIH ChestX-ray14's: 25,000 images of 2,800 people, 14 labels, random answers that know something. The
peer draws people again and calls scikit-learn's functions on the rows, for so few replicates that it takes seconds, scaled to
2,000. Both on one thread. Ours computes three measures that scikit-learn does not have (sensitivity at a threshold, and the two calibration
errors) on top of those that are timed in the peer.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch
from sklearn import metrics as peer_metrics

from vesalius.measures import bootstrap
from vesalius.measures.every import NAMES, Sheet

REPLICATES = 2000


def answers(images: int, people: int, labels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth and probabilities (images, labels), subjects (images,)."""
    rng = np.random.default_rng(0)
    truth = (rng.random((images, labels)) < np.linspace(0.005, 0.3, labels)).astype(float)
    shares = 1 / (1 + np.exp(-(rng.normal(size=truth.shape) + 2 * truth - 2)))
    return truth, shares, np.unique(rng.integers(0, people, images), return_inverse=True)[1]


def ours(truth: np.ndarray, shares: np.ndarray, subject: np.ndarray, replicates: int) -> None:
    """Every measure, prepared once, over blocks of replicates."""
    units = int(subject.max()) + 1
    names = [name for name in NAMES if name != "kappa"]
    sheet = Sheet("multilabel", torch.tensor(truth), torch.tensor(shares), subject, units, names, [0.5] * truth.shape[1])
    for block in bootstrap.weights(np.arange(units), replicates, 0):
        sheet.values(block)


def peer(truth: np.ndarray, shares: np.ndarray, subject: np.ndarray, replicates: int) -> None:
    """The rows of people drawn again, to scikit-learn."""
    rng, rows_of = np.random.default_rng(0), np.split(np.argsort(subject, kind="stable"), np.cumsum(np.bincount(subject))[:-1])
    for _ in range(replicates):
        rows = np.concatenate([rows_of[one] for one in rng.integers(0, len(rows_of), len(rows_of))])
        for column in range(truth.shape[1]):
            y, p = truth[rows, column], shares[rows, column]
            said = p > 0.5
            peer_metrics.roc_auc_score(y, p)
            peer_metrics.average_precision_score(y, p)
            peer_metrics.accuracy_score(y, said)
            peer_metrics.balanced_accuracy_score(y, said)
            peer_metrics.f1_score(y, said, zero_division=0)
            peer_metrics.matthews_corrcoef(y, said)
            peer_metrics.brier_score_loss(y, p)
            peer_metrics.log_loss(y, p)


def main() -> None:
    """One line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=25_000)
    parser.add_argument("--people", type=int, default=2_800)
    parser.add_argument("--labels", type=int, default=14)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--theirs", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = answers(options.images, options.people, options.labels)
    began = time.process_time()
    ours(*data, options.replicates)
    mine = time.process_time() - began
    began = time.process_time()
    peer(*data, options.theirs)
    theirs = (time.process_time() - began) * options.replicates / options.theirs
    setting = f"{options.images:,} images of {options.people:,} people, {options.labels} labels, {options.replicates:,} replicates"
    setting += f"; scikit-learn scaled from {options.theirs}"
    row = {"name": "bootstrap of every measure, against scikit-learn replicate by replicate", "ours": round(mine, 1), "peer": round(theirs, 1)}
    print(json.dumps({**row, "ratio": round(theirs / mine, 1), "unit": "s", "setting": setting}))


if __name__ == "__main__":
    main()
