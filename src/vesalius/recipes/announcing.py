"""A pretraining in words before its first step: what it learns from, how large a step is, what all of it costs."""

from __future__ import annotations

from vesalius.encoders.cost import count, training_memory
from vesalius.recipes.assembly import Parts
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.material import Material
from vesalius.recipes.paintings import encoded, kept_share
from vesalius.recipes.planned import noun
from vesalius.terminal import Terminal
from vesalius.training.feed import Feed
from vesalius.training.layerwise import in_words as layers_in_words
from vesalius.training.length import Length
from vesalius.training.world import World


def announce(
    config: PretrainConfig, material: Material, parts: Parts, feed: Feed, length: Length, here: World, terminal: Terminal
) -> None:
    """What is about to be done, before it is."""
    parameters, flops = count(parts.encoder, (1, *parts.input))
    store = material.train.store
    watched = ", ".join(
        f"{d.name} ({', '.join(f'{len(d.rows(split)):,} {split}' for split in ('train', 'val', 'test'))})"
        for d in material.monitors.values()
    )
    samples = noun(material.plan)
    terminal.say(
        f"{len(material.rows):,} {samples} from {config.data.train} ({_stored(material)}, {len(store.left_out)} left out); "
        f"watched on {watched or _unlabelled(material)}."
    )
    for data in dict.fromkeys([material.train.name, *(d.name for d in material.monitors.values())]):
        for warning in next(d for d in (material.train, *material.monitors.values()) if d.name == data).table.warnings:
            terminal.say(f"{data}: {warning}")
    if parts.encoder.loaded is not None:
        terminal.say(f"{config.encoder.name} starts from {parts.encoder.loaded.sentence()}.")
    if config.optimizer.layer_decay is not None:
        terminal.say(layers_in_words(parts.method, config.optimizer.layer_decay))
    views = sum(n for n, _ in parts.views.makes.values())
    if material.plan is not None:
        terminal.say(_step_in_words(config, parts, here))
        views = encoded(parts.views)
    terminal.say(
        f"{config.method.name}, {config.encoder.name} with {parameters:,} parameters, {flops / 1e6:,.0f} MFLOP per view forward; "
        f"{length.steps:,} steps of {feed.global_batch:,} samples ({config.batch_size} per process × {here.size} process(es)"
        f"{f' × {config.accumulate} accumulated' if config.accumulate > 1 else ''}) × {views} views, "
        f"{length.steps / feed.steps_per_epoch:g} epochs; {3 * flops * views * length.steps * feed.global_batch / 1e15:,.2f} PFLOP in all, "
        f"on {here.device} in {'bf16' if here.autocast else 'fp32'}."
    )


def _stored(material: Material) -> str:
    """What one sample is made of."""
    if material.plan is None:
        return f"{material.channels} channel(s)"
    spacing = "each at its own spacing" if material.plan.spacing is None else f"{'×'.join(f'{s:g}' for s in material.plan.spacing)} mm"
    voxels = int(material.train.store.extents[material.rows].prod(1).sum())
    return f"{voxels:,} voxels, {spacing}, {material.plan.orientation}"


def _unlabelled(material: Material) -> str:
    held = len(material.train.rows("val"))
    if material.plan is not None and held:
        return f"{held:,} validation volumes, without labels"
    return f"the training {noun(material.plan)}, without labels"


def _step_in_words(config: PretrainConfig, parts: Parts, here: World) -> str:
    """How large a step on volumes is, which is what ends most attempts at one."""
    views, sides = encoded(parts.views), "×".join(map(str, parts.encoder.card.size))
    share = kept_share(parts.views)
    needed = training_memory(parts.encoder, (max(1, round(config.batch_size * views * share)), *parts.input), bytes_per_value=2 if here.autocast else 4)
    whole = f"{config.batch_size * views} views of {sides} voxels"
    part = "" if share == 1 else f", {share:.0%} of each encoded"
    return f"A step encodes {whole} per process{part}; encoder, its gradients, moments and activations take about {_bytes(needed)}."


def _bytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"
