"""Distances of every pair, and what one model on one data set comes to: means over images with intervals, one file a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.perceptual import distances, seen
from vesalius.evaluate.perceptual.sought import Made
from vesalius.files import checksum
from vesalius.measures import bootstrap

if TYPE_CHECKING:
    from lpips import LPIPS

METRIC = "perceptual_distance"
"""The mean of the networks; ``perceptual_distance@alexnet`` and its like are each one's own."""
_AT_ONCE = 8
"""Pairs in a forward pass: VGG's maps of each take about 60 MB at 224 pixels."""
_FEWEST = 3
"""Images below which an interval says nothing."""


def measured(pairs: Sequence[Made], everyone: Mapping[str, int], models: Mapping[str, LPIPS], side: int | None, replicates: int, seed: int) -> Measured:
    """Of one model on one data set. ``everyone``: the data set's images by id, in order, each with the number of its subject, whichever
    models have reconstructed them, so that replicates are paired between models. Several reconstructions of an image count as one, by their mean.
    ``replicates`` 0: no intervals.
    """
    each, sizes = _each(pairs, models, side)
    rows = [{"id": one.id, **one.about, METRIC: float(np.mean(list(row.values()))), **row, **one.inside} for one, row in zip(pairs, each, strict=True)]
    ids = list(everyone)
    values = {}
    for name in (METRIC, *models):
        of_image = {key: [row[name] for row in rows if row["id"] == key] for key in ids}
        per_image = torch.tensor([np.mean(some) if some else np.nan for some in of_image.values()], dtype=torch.float64)
        known = ~per_image.isnan()
        value = float(per_image[known].mean())
        subjects = len({everyone[key] for key, there in zip(ids, known.tolist(), strict=True) if there})
        again = _again(per_image, np.array(list(everyone.values())), replicates, seed) if replicates and subjects >= _FEWEST else None
        values[METRIC if name == METRIC else f"{METRIC}@{name}"] = Value(value, again)
    facts = {"pairs": len(rows), "sizes": sizes}
    return Measured(values=values, facts=facts, pictures=rows, scored=(int(known.sum()), subjects))


def key(pairs: Sequence[Made], everyone: Mapping[str, int], backbones: Mapping[str, str], asked: str) -> str:
    """Everything that ``measured`` depends on."""
    state = blake2b(digest_size=16)
    for one in pairs:
        state.update(f"{one.id} {dict(one.about)} {checksum(one.original)} {checksum(one.made)}".encode())
    state.update(f"{dict(everyone)} {dict(backbones)} {asked}".encode())
    return state.hexdigest()


def _each(pairs: Sequence[Made], models: Mapping[str, LPIPS], side: int | None) -> tuple[list[dict[str, float]], list[str]]:
    """The distances of each pair by network, and the sizes they were seen at."""
    found: list[dict[str, float]] = []
    sizes: list[str] = []
    for start in range(0, len(pairs), _AT_ONCE):
        both = [seen.pair(one.original, one.made, side) for one in pairs[start : start + _AT_ONCE]]
        rows: list[dict[str, float]] = [{} for _ in both]
        for shape in dict.fromkeys(one.shape for one, _ in both):
            places = [place for place, (one, _) in enumerate(both) if one.shape == shape]
            originals, made = (seen.stacked([both[place][part] for place in places]) for part in (0, 1))
            for name, apart in distances.apart(models, originals, made, _AT_ONCE).items():
                for place, value in zip(places, apart.tolist(), strict=True):
                    rows[place][name] = value
            sizes.append(f"{shape[1]} × {shape[0]}")
        found += rows
    return found, list(dict.fromkeys(sizes))


def _again(per_image: Tensor, subject: np.ndarray[Any, np.dtype[np.int64]], replicates: int, seed: int) -> Tensor:
    known, rows = (~per_image.isnan()).double(), per_image.nan_to_num()
    blocks = [weights.double() for weights in bootstrap.weights(subject, replicates, seed)]
    return torch.cat([(rows @ weights) / (known @ weights) for weights in blocks])


