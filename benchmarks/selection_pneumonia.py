"""Whether selecting helps: probes on 50, 100 and 200 selected training images of PneumoniaMNIST beside random ones.

The encoder is ours, trained by SimCLR on the same images without their labels. A linear probe (C = 0.1 for all) learns from the labels of
each selection and of 20 random ones of equal size, and is tested on the test split; intervals of 95 % draw test images, and of the random
selections too which. Two ways know all labels, to see what balancing classes could give at best. ``--small``: to see that it runs.
"""

from __future__ import annotations

import numpy as np
import torch
from benchmarks import _selection as shared

from vesalius.measures import selection_probe, selection_quality
from vesalius.measures.selection_probe import HeldOut

SIZES = (50, 100, 200)


def main() -> None:
    """A line for each size, and one for each way and size below it."""
    asked = shared.given()
    images = shared.pneumonia(asked)
    encoder = shared.ssl(asked, images, "pneumonia")
    vectors = shared.embedded(asked, encoder, images.pixels, images.side, "pneumonia-by-ssl")
    pool, test = images.of("train"), images.of("test")
    held = HeldOut.of(torch.from_numpy(vectors[test]), torch.from_numpy(images.labels[test]))
    for n in SIZES:
        if n > len(pool) // 3:
            continue
        rows = shared.kept(asked.folder / f"pneumonia-{n}.json", lambda n=n: compared(asked, images, vectors, pool, held, n))
        shared.show(
            {
                "name": f"selection on PneumoniaMNIST, {n} labels",
                "setting": f"{len(pool):,} images to select from, {len(test):,} test images, encoder of {asked.level.ssl:g} epochs",
                "labels": n,
                "level": asked.level.name,
                "ways": rows,
            }
        )


def compared(asked: shared.Given, images: shared.Images, vectors: np.ndarray, pool: np.ndarray, held: HeldOut, n: int) -> dict[str, dict[str, float]]:
    """For each way of selecting the AUC, beside random ones, the share of pneumonia among the selected, and how well they cover."""
    mine, labels = vectors[pool], images.labels[pool]
    shared.said(f"{n} of {len(pool)}")
    others = selection_quality.at_random(np.arange(len(pool)), n, asked.level.seeds, seed=n)
    radii = [selection_quality.spread(mine, rows).cover_radius for rows in others]
    known = torch.from_numpy(mine), torch.from_numpy(labels)
    found = {}
    for way, rows in shared.selections(mine, labels, images.classes, n).items():
        auc, balanced = selection_probe.judged(*known, rows, others, held, "binary", 2, replicates=asked.level.replicates)
        found[way] = {
            **{key: value for key, value in auc.as_dict().items() if key not in ("metric", "labels", "units")},
            "balanced_accuracy": balanced.value,
            "random_balanced_accuracy": balanced.random,
            "share_of_pneumonia": float(labels[rows].mean()),
            "cover_radius": selection_quality.spread(mine, rows).cover_radius,
            "random_cover_radius": float(np.mean(radii)),
        }
    return found


if __name__ == "__main__":
    main()
