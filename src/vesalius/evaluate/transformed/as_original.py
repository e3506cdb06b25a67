"""``compat: ssl-medicalimaging``: invariance as Anton et al. measured it, whose images are in the sample that they are whitened by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vesalius import random
from vesalius.evaluate.fitting.probing import finite
from vesalius.evaluate.pairs.examinee import EncoderExaminee
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.transformed import held_out, summing
from vesalius.evaluate.transformed.grids import Parameter
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.evaluate.transformed.viewing import features_of
from vesalius.measures import invariances, whitening
from vesalius.measures.whitening import Ridged

WORD = "ssl-medicalimaging"
MEASURES = ("whitened_cosine", "mahalanobis")
PAIRED = 100
"""Pairs that it compared."""
RULE = (
    "As Anton et al. measured it: 100 images drawn with replacement, whitened by the covariance of a sample that holds them, with 1e-6 on its "
    "diagonal and in single precision; parameters as their code had them, those that change nothing among them; Mahalanobis's distance as it comes out."
)
PAIRS = (
    "As Anton et al. measured it: 100 pairs drawn with replacement, laterals with the first frontal image of their study, eyes of one grade, whitened by the "
    "covariance of a sample that may hold them, with 1e-6 on its diagonal and in single precision."
)
_POOL, _SHARE = 1000, 10
_AT_ONCE = 64
"""Parameters of a transform that are looked at together: 256 of 100 images would be 200 MB of features."""


def warning(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What belongs to numbers of this kind. ``rows``: what is told of each estimate, with its encoder and data set."""
    said = (
        "compat ssl-medicalimaging, invariance: images are whitened by a covariance that they helped to estimate, with 1e-6 on its diagonal, so that "
        "similarities are too low."
    )
    if few := [row for row in rows if row["samples"] <= row["dim"]]:
        said += (
            f" With fewer images than dimensions ({held_out.named(few)}) it has no variance in some directions, which weigh a million times: similarity "
            "then falls to about 0 whatever the encoder does (0.001 where 0.90 is true, of 138 images in 1,024 dimensions)."
        )
    return [f"{said} Leave compat out for held-out images."]


def estimated(pair: Pair, place: str, key: str, vectors: Tensor) -> tuple[Ridged, int]:
    """The mean and covariance of all images where they are fewer than 1,000, else of 1,000 or a tenth drawn with replacement; how many that
    were. They stand in the run as ``PLACE/mean_feature`` (D,) and ``PLACE/feature_cov_matrix`` (D, D).
    """
    count = len(vectors)
    many = count if count < _POOL else max(_POOL, count // _SHARE)
    rows = torch.arange(count) if count < _POOL else torch.from_numpy(random.generator("compat covariance", 0).integers(0, count, many))
    sample = vectors[rows.to(vectors.device)]
    mean = pair.asked.cells.kept(f"{place}/mean_feature", key, lambda: whitening.ridged(sample)[0])
    covariance = pair.asked.cells.kept(f"{place}/feature_cov_matrix", key, lambda: whitening.ridged(sample)[1])
    return whitening.original(mean.to(vectors.device), covariance.to(vectors.device)), many


def facts(place: str, samples: int, dim: int) -> dict[str, Any]:
    """What is told of the estimate."""
    files = [f"{place}/{name}.safetensors" for name in ("mean_feature", "feature_cov_matrix")]
    return {"samples": samples, "dim": dim, "ridge": whitening.RIDGE, "files": files}


def measure(pair: Pair, place: str, key: str, names: Sequence[str], count: int | None, probes: int) -> Measured:
    """Whitened cosine and Mahalanobis's distance of each transform, with the original's grids (``count``: its k), of ``probes`` draws."""
    examinee = pair.encoder
    assert isinstance(examinee, EncoderExaminee)
    every, vectors = pair.split("images"), finite(pair, pair.features("images"))
    white, samples = estimated(pair, place, key, vectors)
    probed = random.generator("compat probes", 0).integers(0, len(every), probes)
    rows = every.rows[probed]
    clean = white(features_of(pair, examinee.encoder, rows, None)[:, 0])[:, None]
    chosen: dict[str, Sequence[Parameter]] = {name: TRANSFORMS[name].parameters(compat=True, count=count) for name in names}

    def scored(name: str) -> Tensor:
        parts = []
        for start in range(0, len(chosen[name]), _AT_ONCE):
            moved = white(features_of(pair, examinee.encoder, rows, TRANSFORMS[name], chosen[name][start : start + _AT_ONCE]))
            parts.append(torch.stack([invariances.cosine(clean.expand_as(moved), moved), invariances.distance(clean.expand_as(moved), moved)]))
        return torch.cat(parts, 2)

    scores = summing.kept(pair, place, key, names, scored)
    told = {"probes": probes, **facts(place, samples, vectors.shape[1]), "views": probes * sum(map(len, chosen.values()))}
    return summing.measured(pair, every.subject[probed], scores, chosen, MEASURES, told)
