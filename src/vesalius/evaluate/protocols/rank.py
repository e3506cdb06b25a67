"""``vesalius evaluate rank``: how many directions an encoder uses, without any label.

RankMe (Garrido et al., ICML 2023) and the same of centred vectors (Roy and Vetterli, EUSIPCO 2007), alpha-ReQ (Agrawal et al., NeurIPS
2022), LiDAR (Thilak et al., ICLR 2024), participation ratio, stable rank, alignment and uniformity (Wang and Isola, ICML 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from vesalius import random, views
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.fitting.probing import finite
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.examinee import EncoderExaminee
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair, Split
from vesalius.features import forward_views
from vesalius.measures import bootstrap, spectra
from vesalius.views.pipeline import Views
from vesalius.views.recipe import is_pixelwise

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Of the features of all images, labelled or not: RankMe as its paper has it and, centred, the effective rank; alpha-ReQ, participation ratio and "
    "stable rank of the covariance; uniformity. LiDAR and alignment are of augmented views, the same for every encoder. None of them says what an "
    "encoder is worth: they compare checkpoints of one method, and a high rank is needed for a good encoder but does not make one."
)
CHANGES: tuple[Mapping[str, Any] | str, ...] = (
    {"random_resized_crop": {"scale": [0.3, 1.0], "ratio": [0.8, 1.25]}},
    "horizontal_flip",
    {"colour_jitter": {"brightness": 0.4, "contrast": 0.4, "p": 0.8}},
    {"gaussian_blur": {"sigma": [0.1, 1.5], "p": 0.3}},
)
"""What the views of one image differ by."""
_PAIRS = 4096
"""Images whose pairs are compared for uniformity."""


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(25_600, ge=2, description="Images looked at, drawn where there are more; RankMe's paper takes 25,600.")
    lidar_images: int = Field(128, ge=0, description="Images of which views are made; LiDAR is below their number. 0: no views.")
    lidar_views: int = Field(10, ge=2, description="Views of each of them; its paper takes 50 and finds 10 enough.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set, labelled or not. Pixels are left out: their components are as many as were kept."""
    return compared("rank", config, asked, measure, rule=RULE, baselines=("random init",), labels=False)


def measure(config: Config, pair: Pair) -> Measured:
    """All of them, with intervals over subjects by each sample's influence. Raises UserError for fewer than three images."""
    every = pair.split("images")
    if len(every) < 3:
        raise UserError(f"{pair.dataset} has {len(every)} images, and a rank needs three at least. Give more images.")
    rows = drawn(len(every), config.images, pair.asked.seed)
    vectors = finite(pair, pair.features("images"))[torch.from_numpy(rows).to(pair.asked.device)]
    found = {name: (one, rows) for name, one in spectra.of_vectors(vectors).items()}
    some = drawn(len(rows), _PAIRS, pair.asked.seed)
    found["uniformity"] = spectra.uniformity(vectors[torch.from_numpy(some).to(vectors.device)]), rows[some]
    facts: dict[str, Any] = {"images": len(rows), "dim": vectors.shape[1]}
    encoder = pair.encoder
    if config.lidar_images and isinstance(encoder, EncoderExaminee) and len(encoder.encoder.card.size) == 3:
        facts["note"] = "LiDAR and alignment are of images, and these are volumes."
    elif config.lidar_images and isinstance(encoder, EncoderExaminee):
        which = rows[drawn(len(rows), config.lidar_images, pair.asked.seed)]
        seen = _viewed(config, pair, encoder.encoder, every.rows[which])
        found |= {"lidar": (spectra.lidar(seen), which), "alignment": (spectra.alignment(seen), which)}
        facts |= {"lidar_images": len(seen), "lidar_views": seen.shape[1], "views_forwarded": len(seen) * seen.shape[1]}
    if len(rows) < 5 * vectors.shape[1]:
        facts["note"] = f"{facts.get('note', '')} {len(rows)} images are few for {vectors.shape[1]} dimensions: ranks are bounded by both.".strip()
    values = {name: Value(one.value, _replicates(one, every, which, pair)) for name, (one, which) in found.items()}
    order = ("rankme", "effective_rank", "alpha_req", "lidar")
    values = {name: values[name] for name in (*order, *values) if name in values}
    return Measured(values=values, facts=facts, scored=(len(rows), len(np.unique(every.subject[rows]))))


def drawn(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """``(n,)``: at most ``most`` of ``count`` numbers, ascending, the same at each call."""
    if count <= most:
        return np.arange(count)
    return np.sort(random.generator("rank", seed, count).permutation(count)[:most])


def changed(encoder: Encoder) -> Views:
    """Views that differ by ``CHANGES`` and end as the encoder's card prepares its images."""
    card = encoder.card
    ending = [dict(step) for step in card.preprocessing if is_pixelwise(step)]
    steps = [dict(step) if isinstance(step, Mapping) else step for step in CHANGES]
    return views.load({"global": {"count": 2, "size": list(card.size), "operations": [*steps, *ending]}}, card.channels)


def _viewed(config: Config, pair: Pair, encoder: Encoder, records: NDArray[np.int64]) -> Tensor:
    """(images, views, dim) features of views."""
    asked = pair.asked
    with asked.terminal.bar(f"views by {pair.encoder.name} on {pair.dataset}") as progress:
        seen = forward_views(
            encoder, pair.data.store, records, changed(encoder), config.lidar_views,
            seed=asked.seed, device=asked.device, autocast=asked.autocast, batch_size=asked.batch_size, progress=progress,
        )  # fmt: skip
    return finite(pair, seen.flatten(0, 1)).view(seen.shape)


def _replicates(one: spectra.Influenced, every: Split, which: NDArray[np.int64], pair: Pair) -> Tensor:
    """The number over replicates of the subjects of all images, of which ``which`` were looked at."""
    at = torch.from_numpy(which)
    parts = [one.replicates(block[at]) for block in bootstrap.weights(every.groups, pair.asked.replicates, pair.asked.seed)]
    return torch.cat(parts).double().cpu()
