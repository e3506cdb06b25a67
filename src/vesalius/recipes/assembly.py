"""From a recipe to its parts: views, encoder, method, monitors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random, registry, views
from vesalius.data.plan import Plan
from vesalius.encoders import build_encoder
from vesalius.encoders.build import check_size
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.features import forward, forward_views
from vesalius.recipes.checking import check
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.loading import monitor_settings, needs_labels
from vesalius.recipes.material import Material, look_size, monitor_key
from vesalius.recipes.paintings import with_paintings
from vesalius.recipes.planned import views_for
from vesalius.training.layout import fastest
from vesalius.training.method import Method
from vesalius.training.monitor import Interval, Monitor, SeesPaintings, SeesViews, criteria
from vesalius.training.watch import Watch, Watched
from vesalius.training.world import World
from vesalius.views.pipeline import Views

_WATCHED, _WATCHED_VOLUMES = 4096, 128
"""Training samples that are looked at where nothing is labelled; of a volume eight tiles are."""


@dataclass(frozen=True)
class Parts:
    """What a recipe is made of, on its device."""

    views: Views
    encoder: Encoder
    method: Method
    watch: Watch
    labelled: Sequence[str]
    """Names of the monitors that read labels."""

    @property
    def input(self) -> tuple[int, ...]:
        """Shape of one view as the encoder takes it: channels, then its sides."""
        return (self.encoder.card.channels, *self.encoder.card.size)


def assemble(config: PretrainConfig, material: Material, world: World) -> Parts:
    """Build the parts of ``config``. Raises UserError where the views do not make what the method needs."""
    made = views_for(config, material.channels)
    module = registry.entry("methods", config.method.name)
    encoder = fresh_encoder(config, material, made)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random.torch_seed("method", config.seed))
        method: Method = module.build(encoder, check(module.Config, config.method.fields, f"method {config.method.name}"))
    _check_views(config.method.name, method.needs, made.makes)
    for _, sides in made.makes.values():
        check_size(encoder, sides)
    _check_accumulation(config, method.independent)
    method.to(world.device)
    if config.layout == "auto" and len(encoder.card.size) == 2:
        method.to(memory_format=fastest(method))
    entries, labelled = _monitors(config, material, made, encoder, world)
    _check_export(config.export, [monitor for monitor, _, _ in entries])
    return Parts(made, encoder, method, Watch(world, entries), labelled)


def fresh_encoder(config: PretrainConfig, material: Material, made: Views, *, like: Encoder | None = None) -> Encoder:
    """The encoder as it is before the first step: a pure function of the recipe, so also the random-init baseline.

    ``like``: the same network of random weights, its input standardised as that of ``like``.
    """
    fields = config.encoder.fields
    if like is not None:
        fields = {**fields, **like.card.options, "weights": None, "mean": like.card.mean, "std": like.card.std}
    sides = next(iter(made.makes.values()))[1]
    if (size := look_size(config)) is not None:
        sides = (size,) * len(sides)
    encoder = build_encoder(config.encoder.name, channels=material.channels, size=sides, seed=config.seed, **{k: v for k, v in fields.items() if k != "size"})
    encoder.card = encoder.card.model_copy(update=_prepared(material, sides))
    return encoder


def _prepared(material: Material, sides: tuple[int, ...]) -> dict[str, Any]:
    """What the card says of how images or volumes become the encoder's input."""
    settings = material.train.store.settings
    if isinstance(settings, Plan):
        return {"plan": settings, "preprocessing": []}
    return {"window": settings.window, "preprocessing": views.resize_crop(sides, material.channels).config()["image"]["operations"]}


def _check_views(method: str, needs: Mapping[str, int], makes: Mapping[str, tuple[int, tuple[int, ...]]]) -> None:
    for name, least in needs.items():
        count = makes[name][0] if name in makes else 0
        if count < least:
            have = ", ".join(f"{n} ({c})" for n, (c, _) in makes.items())
            raise UserError(
                f"The method {method} needs {least} view(s) named {name!r}; these views make {have}. "
                "Choose another views recipe (`vesalius recipes list`) or add the group."
            )


def _check_accumulation(config: PretrainConfig, independent: bool) -> None:
    if config.accumulate > 1 and not independent:
        raise UserError(
            f"accumulate is {config.accumulate}, but {config.method.name} compares the samples of a batch with each other: "
            "accumulated micro-batches would be another loss. Raise --batch_size, or run more "
            "processes (torchrun), whose batches count as one."
        )


def _check_export(name: str, monitors: Sequence[Monitor]) -> None:
    kept = ["last", *(name for monitor in monitors for name in criteria(monitor))]
    if name not in kept:
        raise UserError(
            f"export is {name!r}, but no monitor of this run keeps such a checkpoint; there will be {', '.join(kept)}. "
            "Name one of these, or add the monitor that chooses it."
        )


def _monitors(
    config: PretrainConfig, material: Material, made: Views, encoder: Encoder, world: World
) -> tuple[list[tuple[Monitor, Watched, Interval]], list[str]]:
    """Monitors with their sets and intervals, and the names of those that read labels."""
    entries: list[tuple[Monitor, Watched, Interval]] = []
    labelled: list[str] = []
    shared: dict[str, Watched] = {}
    names: dict[str, int] = {}
    for given in config.monitors:
        module = registry.entry("monitors", given.name)
        interval = given.every or config.validate_every
        key = monitor_key(config, given)
        if key is None and needs_labels(given.name):
            if given.data is None and given == type(given)(name=given.name):
                continue  # one of the defaults, and nothing is labelled: only what needs no labels looks
            raise UserError(f"The monitor {given.name!r} needs labelled data: set --data.monitor, or give the monitor its own data.")
        watched_key = key or "training"
        if watched_key not in shared:
            shared[watched_key] = _watched(material, key, config, world)
        task = material.monitors[key].table.task if key is not None else None
        count = names[given.name] = names.get(given.name, 0) + 1
        settings = monitor_settings(config, given)
        monitor = module.build(settings, given.name if count == 1 else f"{given.name}-{count}", task, config.seed)
        watched = shared[watched_key]
        if isinstance(settings, SeesPaintings):
            data = material.monitors[key] if key is not None else material.train
            watched = with_paintings(watched, data, monitor, settings, made, config, world)
        elif isinstance(settings, SeesViews):
            data = material.monitors[key] if key is not None else material.train
            watched = _with_views(watched, data, settings, made, config, world)
        elif key is not None and (recipe := getattr(settings, "views", None)) is not None:
            watched = _augmented(watched, material.monitors[key], recipe, encoder, config, world)
        entries.append((monitor, watched, interval))
        labelled += [monitor.name] if needs_labels(given.name) else []
    return entries, labelled


def _with_views(watched: Watched, data: Any, asked: SeesViews, made: Views, config: PretrainConfig, world: World) -> Watched:
    """``watched`` with the split "views": some of its images, the same at every event, as the training's views show them."""
    seed, pool = random.digest64("views", config.seed), watched.rows[asked.split]
    some = np.sort(pool[random.permutation(seed, 0, len(pool))[: asked.images]])

    def run(encoder: Encoder, rows: NDArray[np.int64], step: int) -> Tensor:
        return forward_views(
            encoder, data.store, rows, made, asked.views, seed=seed, device=world.device, autocast=world.autocast
        )

    return replace(watched, rows={**watched.rows, "views": some}, views=run)


def _augmented(
    watched: Watched, data: Any, recipe: Any, encoder: Encoder, config: PretrainConfig, world: World
) -> Watched:
    """``watched`` with the split "views": its labelled training images, each in one view of ``recipe``, anew at every event."""
    made = views.at_size(views.load(recipe, encoder.card.channels), encoder.card.size)
    seed = random.digest64("augmented", config.seed)

    def run(encoder: Encoder, rows: NDArray[np.int64], step: int) -> Tensor:
        return forward_views(
            encoder, data.store, rows, made, 1, seed=seed, epoch=step, device=world.device, autocast=world.autocast
        ).squeeze(1)

    rows, labels = {**watched.rows, "views": watched.rows["train"]}, {**watched.labels, "views": watched.labels["train"]}
    return replace(watched, rows=rows, labels=labels, views=run)


def _watched(material: Material, key: str | None, config: PretrainConfig, world: World) -> Watched:
    """A monitoring set, or, without one, a sample of the training images for what needs no labels."""
    data = material.monitors[key] if key is not None else material.train
    if key is not None:
        rows = {split: data.rows(split) for split in ("train", "val")}
    else:
        most = _WATCHED if material.plan is None else _WATCHED_VOLUMES
        some = random.permutation(random.digest64("watched", config.seed), 0, len(material.rows))[:most]
        rows = {"train": np.sort(material.rows[some]), "val": np.sort(material.rows[some])}
    forward_rows = forwarder(data, world)
    return Watched(forward_rows, rows, {split: data.labels(r) for split, r in rows.items()})


def forwarder(data: Any, world: World) -> Callable[[Encoder, NDArray[np.int64]], Tensor]:
    """``(encoder, records) -> (n, D)``: one pass in evaluation mode that leaves no trace in the encoder."""

    def run(encoder: Encoder, rows: NDArray[np.int64]) -> Tensor:
        return forward(encoder, data.store, rows, device=world.device, autocast=world.autocast)

    return run
