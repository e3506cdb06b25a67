"""How often 95 % intervals hold the truth where people have several images: drawn by subject, and by image.

    python -m docs.proofs.interval_coverage [--sets 1000]

Simulated: 80 people with one to nine images each, whose scores share what is particular to the person; the truth is the AUC of the
population. The intervals are those of ``vesalius evaluate`` (2,000 replicates; percentiles, or corrected and stratified where a class
is rare). One line in JSON for each setting.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch

from vesalius.evaluate.judged.judging import of_answers
from vesalius.evaluate.judged.resampling import Resampling
from vesalius.measures import bootstrap

_APART = 1.2


def people(rng: np.random.Generator, count: int, share: float) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Labels, answers (n, 2) and subjects of ``count`` people, of whom ``share`` are ill in all of their images."""
    ill = rng.random(count) < share
    ill[:2] = [True, False]
    subject = np.repeat(np.arange(count), rng.integers(1, 10, count))
    score = _APART * ill[subject] + np.sqrt(0.7) * rng.normal(size=count)[subject] + np.sqrt(0.3) * rng.normal(size=len(subject))
    p = torch.from_numpy(1 / (1 + np.exp(-score)))
    return torch.from_numpy(ill[subject].astype(np.float32)), torch.stack([1 - p, p], 1), subject


def truth(share: float) -> float:
    """P(positive > negative) of two people's scores."""
    from scipy.stats import norm

    return float(norm.cdf(_APART / np.sqrt(2)))


def main() -> None:
    """Everything, a line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=1000)
    options = parser.parse_args()
    for share, name in ((0.5, "half are ill"), (0.12, "about ten are ill")):
        rng = np.random.default_rng(7)
        covered, widths, methods = {"subject": 0, "image": 0}, {"subject": 0.0, "image": 0.0}, set()
        for number in range(options.sets):
            labels, answers, subject = people(rng, 80, share)
            for by, unit in (("subject", subject), ("image", bootstrap.groups(None, len(subject)))):
                again = Resampling.of("binary", labels, unit, 2000, number, 2)
                _, intervals = of_answers(answers[None], again, ["roc_auc"])
                low, high = intervals["roc_auc"]
                covered[by] += low <= truth(share) <= high
                widths[by] += (high - low) / options.sets
                methods.add(again.method if by == "subject" else "")
        line = {"name": f"interval coverage, {name}", "sets": options.sets, "methods": sorted(methods - {""})}
        print(json.dumps({**line, "covered": {by: n / options.sets for by, n in covered.items()}, "width": widths}), flush=True)


if __name__ == "__main__":
    main()
