"""``vesalius pretrain``: from images nobody labelled to an encoder, watched while it learns and examined at the end."""

from __future__ import annotations

import copy
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vesalius.data.table import SampleTable
from vesalius.encoders import save_encoder
from vesalius.encoders.cost import count, training_memory
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.projector import MLP, save_projector
from vesalius.encoders.saving import CARD, WEIGHTS
from vesalius.evaluate.cost import cost
from vesalius.evaluate.pretrained.examination import examine
from vesalius.files import atomic_write
from vesalius.recipes.arguments import from_pairs, placed
from vesalius.recipes.assembly import Parts, assemble
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.material import Material, load_material
from vesalius.recipes.paintings import encoded, kept_share
from vesalius.recipes.planned import noun, with_plan
from vesalius.recipes.plugins import keep_plugins
from vesalius.recipes.recovery import recovered, same_data
from vesalius.recipes.resuming import configured, noted, run_to_resume
from vesalius.recipes.tracking import entries
from vesalius.result import Result
from vesalius.runs import FIGURES, Run, refuse_taken
from vesalius.runs.tracking import refuse_unusable, tracked
from vesalius.select.dataset import dataset_key
from vesalius.terminal import Terminal
from vesalius.training.display import FitDisplay, in_words
from vesalius.training.feed import Feed
from vesalius.training.fit import Length, Spent, fit
from vesalius.training.layerwise import in_words as layers_in_words
from vesalius.training.layerwise import layerwise
from vesalius.training.method import Progress
from vesalius.training.optimizers import Stepper
from vesalius.training.process import settle
from vesalius.training.world import World, world

_NOTHING_CHOSEN = "No look of the monitors after the first step chose {}: the last encoder is handed over."


class Pretrained(Result):
    """A pretraining's run."""


def pretrain(
    recipe: str | Path | Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    quiet: bool = False,
    images: SampleTable | None = None,
    **changes: Any,
) -> Pretrained:
    """Pretrain an encoder as ``recipe`` says, with ``changes`` to its fields, and return the run.

    ``recipe``: a name, a YAML file, or a mapping. ``changes``: ``epochs=10``, ``data={"train": "./images"}``, or dotted
    names in ``**{"method.temperature": 0.5}``. ``out``: the run's directory. ``resume``: a run to go on with, exactly as it
    was started. ``images``: the table of ``data.train``, where its rows were chosen before. Raises UserError for input that
    cannot be used, NonFinite, TooManyBadFiles, NoRoom, Preempted.
    """
    first = int(os.environ.get("RANK", "0")) == 0
    terminal = Terminal(quiet=quiet or not first)
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
        same_data(run, material.train.table.fingerprint())
    with world(config.device, config.precision) as here:
        parts = assemble(config, material, here)
        feed = _feed(config, material, parts, here)
        length = _length(config, feed)
        _estimate(config, material, parts, feed, length, here, terminal)
        run = run or _create(config, material, out, here)
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


def _create(config: PretrainConfig, material: Material, out: str | Path | None, here: World) -> Run:
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
        )
        left_out = [{"id": f"{int(i):016x}", "reason": reason} for i, reason in material.train.store.left_out]
        run.write_json("left_out.json", left_out)
        keep_plugins(run, config.plugins)
        here.share(str(run.path))
        return run
    return Run(Path(here.share(None)))


def _estimate(
    config: PretrainConfig, material: Material, parts: Parts, feed: Feed, length: Length, here: World, terminal: Terminal
) -> None:
    """What is about to be done, before it is."""
    parameters, flops = count(parts.encoder, (1, *_input(parts)))
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
    needed = training_memory(parts.encoder, (max(1, round(config.batch_size * views * share)), *_input(parts)), bytes_per_value=2 if here.autocast else 4)
    whole = f"{config.batch_size * views} views of {sides} voxels"
    part = "" if share == 1 else f", {share:.0%} of each encoded"
    return f"A step encodes {whole} per process{part}; encoder, its gradients, moments and activations take about {_bytes(needed)}."


def _bytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"


def _input(parts: Parts) -> tuple[int, ...]:
    return (parts.encoder.card.channels, *parts.encoder.card.size)


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
        _export(parts, run.path / "checkpoints" / name, config, material, f"{at.step} of {length.steps} steps")

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
        _finish(config, material, parts, length, run, here, terminal, spent)
    here.barrier()


def _export(parts: Parts, folder: Path, config: PretrainConfig, material: Material, length: str) -> None:
    """The method's default encoder, its card and its projector into ``folder``."""
    encoder = next(iter(parts.method.exports().values()))
    begun = f"started from {encoder.loaded.source}; " if encoder.loaded is not None else ""
    trained_on = f"{begun}{material.train.public}, {config.method.name}, {length}, no labels"
    encoder.card = encoder.card.model_copy(update={"trained_on": trained_on})
    save_encoder(encoder, folder)
    projector = getattr(parts.method, "teacher_projector", getattr(parts.method, "projector", None))
    if isinstance(projector, MLP):
        save_projector(projector, folder)


def _finish(
    config: PretrainConfig,
    material: Material,
    parts: Parts,
    length: Length,
    run: Run,
    here: World,
    terminal: Terminal,
    spent: Spent,
) -> None:
    """Export the encoder, examine it beside its baselines, write results and report."""
    _export(parts, run.path, config, material, f"{length.steps} steps")
    own, exported = _hand_over(config, parts, run, terminal)
    began = time.perf_counter()
    results = examine(config, material, parts, run, here, terminal, own, exported)
    if exported != config.export:
        results["warnings"].append(_NOTHING_CHOSEN.format(config.export))
    stages = {"decode": material.seconds, "examine": time.perf_counter() - began}
    epochs = length.steps / length.steps_per_epoch
    results["cost"] = cost(parts.encoder, _input(parts), length.steps, epochs, spent, stages, here)
    run.write_json("results.json", results)
    shutil.rmtree(run.path / "checkpoints" / "nonfinite", ignore_errors=True)
    run.finish("done")
    from vesalius.report import build

    page = build([run.path])
    for sentence in results["verdict"]:
        terminal.say(sentence)
    terminal.say(f"Took {in_words(spent.total)} to train. The report: {page}")


def _hand_over(config: PretrainConfig, parts: Parts, run: Run, terminal: Terminal) -> tuple[Encoder, str]:
    """The encoder that ``export`` asks for, in the run's folder, and the name of its checkpoint."""
    last = next(iter(parts.method.exports().values()))
    if config.export == "last":
        return last, "last"
    folder = run.path / "checkpoints" / config.export
    if not (folder / CARD).is_file():
        terminal.say(_NOTHING_CHOSEN.format(config.export))
        return last, "last"
    from safetensors.torch import load_file

    for file in sorted(folder.iterdir(), key=lambda file: file.name == CARD):  # the card names the weights: it comes last
        atomic_write(run.path / file.name, file.read_bytes())
    own = copy.deepcopy(last)
    own.network.load_state_dict(load_file(folder / WEIGHTS))
    own.card = Card.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
    return own, config.export


__all__ = ["Pretrained", "pretrain"]
