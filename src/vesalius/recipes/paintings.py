"""Validation samples as a method that paints sees them: no augmentation, and the same holes and masks at every event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random, views
from vesalius.data.dataset import DataSet
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.encoders.probing import untouched
from vesalius.features.one_pass import at_once
from vesalius.recipes.config import PretrainConfig
from vesalius.training.method import Method
from vesalius.training.monitor import SeesPaintings
from vesalius.training.watch import Watched
from vesalius.training.world import World
from vesalius.views.drawing import drawn
from vesalius.views.operations.token_mask import TokenMask
from vesalius.views.pipeline import Views

AUGMENT = (
    *("horizontal_flip", "vertical_flip", "flip", "rotate90", "affine", "affine3d", "elastic", "colour_jitter", "greyscale"),
    *("scale_intensity", "shift_intensity", "contrast", "gamma", "noise", "gaussian_blur", "solarise", "bias_field", "low_resolution", "motion"),
)
"""Operations that change what is to be painted, and not what is known of it."""


def plain(made: Views) -> Views:
    """``made`` without what augments: where patches lie, what is damaged and hidden, and how values are scaled stay."""
    config = made.config()
    kept: dict[str, Any] = {}
    for name, part in config.items():
        if name == "shared":
            kept[name] = [step for step in part if not _augments(step)]
        elif isinstance(part, Mapping):
            kept[name] = {**part, "operations": [step for step in part["operations"] if not _augments(step)]}
        else:
            kept[name] = part
    return views.load(kept, made.channels)


def _augments(step: Mapping[str, Any]) -> bool:
    return next(iter(step)) in AUGMENT


def with_paintings(
    watched: Watched, data: DataSet, monitor: Any, asked: SeesPaintings, made: Views, config: PretrainConfig, world: World
) -> Watched:
    """``watched`` with the split "painted": at most ``asked.at_most`` validation samples, what ``monitor.measure`` says of each.

    Of data without a validation part, some of the training samples.
    """
    seed = random.digest64("painted", config.seed)
    pool = data.rows("val") if len(data.rows("val")) else watched.rows["val"]
    some = np.sort(pool[random.permutation(seed, 0, len(pool))[: asked.at_most]])
    fixed = plain(made)
    at_a_time = at_once(fixed, config.batch_size)
    store = data.store.with_labels() if asked.labelled and isinstance(data.store, VolumeStore) else data.store

    def run(method: Method, rows: NDArray[np.int64]) -> Tensor:
        found = []
        with untouched(method), world.casting():
            for start in range(0, len(rows), at_a_time):
                draws = drawn(fixed, store, rows[start : start + at_a_time], seed=seed)
                batch = fixed.apply(store.read(draws.rows, draws.windows).to(world.device), draws)
                found.append(monitor.measure(method, batch))
            return torch.cat(found) if found else torch.empty(0, monitor.numbers(method), device=world.device)

    return replace(watched, rows={**watched.rows, "painted": some}, painted=run)


def encoded(made: Views) -> int:
    """Views of a sample that an encoder sees: all but the untouched ones."""
    return sum(count for name, (count, _) in made.makes.items() if name != "clean")


def kept_share(made: Views) -> float:
    """Share of a view's patches that is encoded, where some are hidden before."""
    masks = [op for group in made.groups for op in group.operations.values() if isinstance(op, TokenMask)]
    return 1 - masks[0].ratio if masks else 1.0
