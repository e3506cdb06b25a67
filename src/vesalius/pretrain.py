"""``vesalius pretrain``: from images nobody labelled to an encoder, watched while it learns and examined at the end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vesalius.data.dataset_names import dataset_key
from vesalius.data.table import SampleTable
from vesalius.evaluate.pretrained.finishing import export, finish
from vesalius.features.origin import origin
from vesalius.recipes.announcing import announce
from vesalius.recipes.arguments import from_pairs, placed
from vesalius.recipes.assembly import Parts, assemble
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.material import Material, load_material
from vesalius.recipes.own_images import with_smaller_batches
from vesalius.recipes.planned import with_plan
from vesalius.recipes.plugins import keep_plugins
from vesalius.recipes.recovery import recovered
from vesalius.recipes.resuming import configured, hold_to_record, noted, run_to_resume
from vesalius.recipes.tracking import entries
from vesalius.result import Result
from vesalius.runs import FIGURES, Run, refuse_taken
from vesalius.runs.tracking import refuse_unusable, tracked
from vesalius.terminal import Terminal
from vesalius.training.display import FitDisplay
from vesalius.training.feed import Feed
from vesalius.training.fit import fit
from vesalius.training.layerwise import layerwise
from vesalius.training.length import Length
from vesalius.training.method import Progress
from vesalius.training.optimizers import Stepper
from vesalius.training.process import settle
from vesalius.training.world import World, world


class Pretrained(Result):
    """A pretraining's run."""


def pretrain(
    recipe: str | Path | Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    quiet: bool = False,
    images: SampleTable | None = None,
    terminal: Terminal | None = None,
    **changes: Any,
) -> Pretrained:
    """Pretrain an encoder as ``recipe`` says, with ``changes`` to its fields, and return the run.

    ``recipe``: a name, a YAML file, or a mapping. ``changes``: ``epochs=10``, ``data={"train": "./images"}``, or dotted
    names in ``**{"method.temperature": 0.5}``. ``out``: the run's directory. ``resume``: a run to go on with, exactly as it
    was started. ``images``: the table of ``data.train``, where its rows were chosen before. ``terminal``: what sentences and bars go
    to, in place of stderr. Raises UserError for input that cannot be used, NonFinite, TooManyBadFiles, NoRoom, Preempted.
    """
    first = int(os.environ.get("RANK", "0")) == 0
    terminal = terminal if terminal is not None and first else Terminal(quiet=quiet or not first)
    changes, out, told = placed(changes, out)
    changes, resume = recovered("pretrain", recipe, changes, resume)
    run = run_to_resume(resume, "pretrain") if resume is not None else None
    nested, sentences = from_pairs(changes.items())
    config, more = configured(load_pretrain, recipe, nested, run)
    for sentence in [*told, *sentences, *more]:
        terminal.say(sentence)
    if run is not None and run.facts()["state"] == "done":
        terminal.say(f"{run.path} is done already.")
        return Pretrained(run.path)
    if run is None and out is not None:
        refuse_taken(Path(out))  # before an hour of decoding, and on every rank
    refuse_unusable(entries(config.tracking))
    settle(config.device, config.threads, config.deterministic)
    material = load_material(config, terminal, images)
    config = with_plan(config, material.plan)
    if run is not None:
        hold_to_record(run, material.by_role, terminal)
    with world(config.device, config.precision) as here:
        config, sentences = with_smaller_batches(config, len(material.rows), here.size)
        for sentence in sentences:
            terminal.say(sentence)
        parts = assemble(config, material, here)
        feed = _feed(config, material, parts, here)
        length = _length(config, feed)
        announce(config, material, parts, feed, length, here, terminal)
        run = run or _create(config, material, parts, out, here)
        with tracked(run, entries(config.tracking), here.first, terminal.say), noted(run, here.first):
            _run(config, material, parts, feed, length, run, here, terminal, resumed=resume is not None)
    return Pretrained(run.path)


def _feed(config: PretrainConfig, material: Material, parts: Parts, here: World) -> Feed:
    return Feed(
        material.train.store,
        material.rows,
        parts.views,
        here,
        seed=config.seed,
        batch_size=config.batch_size,
        accumulate=config.accumulate,
        draws_per_sample=config.data.draws_per_sample,
        drop_last=config.data.drop_last,
        batches_per_epoch=1 if config.debug else None,
    )


def _length(config: PretrainConfig, feed: Feed) -> Length:
    steps = config.steps or max(1, round((config.epochs or 1) * feed.steps_per_epoch))
    return Length(
        steps,
        feed.steps_per_epoch,
        checkpoint_every=config.checkpoint_every.in_steps(feed.steps_per_epoch),
        log_every=max(1, steps // 1000),
    )


def _create(config: PretrainConfig, material: Material, parts: Parts, out: str | Path | None, here: World) -> Run:
    """Make the run directory on the first rank and tell the others where it is."""
    if here.first:
        run = Run.create(
            "pretrain",
            config.name or f"{config.method.name}-{config.encoder.name}",
            config.model_dump(mode="json", exclude_none=True),
            None if out is None else Path(out),
            origins=config.origins,
            device=str(here.device),
            world=here.size,
            threads=torch.get_num_threads(),
            dataset=dataset_key(config.data.root or config.data.train),
            data_fingerprint=material.train.table.fingerprint(),
            made_from=origin(material.by_role, {"at the start": parts.encoder}),
        )
        left_out = [{"id": f"{int(i):016x}", "reason": reason} for i, reason in material.train.store.left_out]
        run.write_json("left_out.json", left_out)
        keep_plugins(run, config.plugins)
        here.share(str(run.path))
        return run
    return Run(Path(here.share(None)))


def _run(
    config: PretrainConfig,
    material: Material,
    parts: Parts,
    feed: Feed,
    length: Length,
    run: Run,
    here: World,
    terminal: Terminal,
    *,
    resumed: bool,
) -> None:
    """Train, export, examine, report."""
    parts.watch.figures = run.path / FIGURES
    names = {p: n for n, p in parts.method.named_parameters()}
    groups = layerwise(parts.method, parts.method.groups(), config.optimizer.layer_decay)
    stepper = Stepper(config.optimizer, groups, names, feed.global_batch)

    def keep_best(name: str, at: Progress) -> None:
        export(parts, run.path / "checkpoints" / name, config, material, f"{at.step} of {length.steps} steps")

    with terminal.bar("pretraining", "steps") as update:
        display = FitDisplay(terminal, update, "images" if material.plan is None else "patches")
        spent = fit(
            parts.method,
            feed,
            parts.views,
            stepper,
            parts.watch,
            run,
            here,
            length,
            display,
            resume=resumed,
            clip=config.optimizer.clip,
            keep_best=keep_best,
        )
    if here.first:
        finish(config, material, parts, length, run, here, terminal, spent)
    here.barrier()


__all__ = ["Pretrained", "pretrain"]
