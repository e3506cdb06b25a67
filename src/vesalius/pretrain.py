"""``vesalius pretrain``: from images nobody labelled to an encoder, watched while it learns and examined at the end."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from vesalius.encoders import save_encoder
from vesalius.encoders.cost import count
from vesalius.encoders.projector import MLP, save_projector
from vesalius.errors import NonFinite, NoRoom, Preempted, UserError, VesaliusError
from vesalius.evaluate.examination import examine
from vesalius.files import atomic_write
from vesalius.recipes.assembly import Parts, assemble
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.loading import from_pairs, load_pretrain
from vesalius.recipes.material import Material, load_material
from vesalius.result import Result
from vesalius.runs import Run, find, refuse_taken
from vesalius.terminal import Terminal
from vesalius.training.display import FitDisplay, in_words
from vesalius.training.feed import Feed
from vesalius.training.fit import Length, Spent, fit
from vesalius.training.memory import keep_freed_memory
from vesalius.training.method import Progress
from vesalius.training.optimizers import Stepper
from vesalius.training.world import World, pick_device, world


class Pretrained(Result):
    """A pretraining's run."""


def pretrain(
    recipe: str | Path | Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    quiet: bool = False,
    **changes: Any,
) -> Pretrained:
    """Pretrain an encoder as ``recipe`` says, with ``changes`` to its fields, and return the run.

    ``recipe``: a name, a YAML file, or a mapping. ``changes``: ``epochs=10``, ``data={"train": "./images"}``, or dotted
    names in ``**{"method.temperature": 0.5}``. ``out``: the run's directory. ``resume``: a run to go on with, exactly as it
    was started. Raises UserError for input that cannot be used, NonFinite, TooManyBadFiles, NoRoom, Preempted.
    """
    first = int(os.environ.get("RANK", "0")) == 0
    terminal = Terminal(quiet=quiet or not first)
    run = _run_to_resume(resume) if resume is not None else None
    config, sentences = _configuration(recipe, changes, run)
    for sentence in sentences:
        terminal.say(sentence)
    if run is not None and run.facts()["state"] == "done":
        terminal.say(f"{run.path} is done already.")
        return Pretrained(run.path)
    pick_device(config.device)
    if run is None and out is not None:
        refuse_taken(Path(out))  # before an hour of decoding, and on every rank
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.use_deterministic_algorithms(config.deterministic)
    keep_freed_memory()
    material = load_material(config, terminal)
    with world(config.device, config.precision) as here:
        parts = assemble(config, material, here)
        feed = _feed(config, material, parts, here)
        length = _length(config, feed)
        _estimate(config, material, parts, feed, length, here, terminal)
        run = run or _create(config, material, out, here)
        run.record(state="running") if here.first else None
        try:
            _run(config, material, parts, feed, length, run, here, terminal, resumed=resume is not None)
        except BaseException as error:
            if here.first:
                _note_end(run, error)
            if isinstance(error, NoRoom):
                raise NoRoom(str(error).replace("run the same command again", f"go on with --resume {run.path}")) from error
            raise
    return Pretrained(run.path)


def _run_to_resume(reference: str | Path) -> Run:
    run = Run.open(find(reference))
    verb = run.facts().get("verb")
    if verb != "pretrain":
        raise UserError(f"{run.path} was made by {verb}, which is not gone on with here. `vesalius runs list` shows the pretrainings.")
    return run


def _note_end(run: Run, error: BaseException) -> None:
    """Why the run ended, as far as there is room to write it down."""
    with suppress(OSError, VesaliusError):
        run.log(f"ended: {type(error).__name__}")
        run.finish("preempted" if isinstance(error, Preempted) else "stopped" if isinstance(error, NonFinite) else "failed")


def _configuration(
    recipe: str | Path | Mapping[str, Any] | None, changes: Mapping[str, Any], run: Run | None
) -> tuple[PretrainConfig, list[str]]:
    """The checked configuration; a resumed run goes on as it was started."""
    nested, sentences = from_pairs(changes.items())
    if run is None:
        if recipe is None:
            raise UserError("Name a recipe or a configuration file; `vesalius recipes list` shows the recipes.")
        config, more = load_pretrain(recipe, nested)
        return config, sentences + more
    started = {**run.config(), "plugins": _plugins(run)}
    config, _ = load_pretrain(started)
    if recipe is not None or nested:
        given, _ = load_pretrain(recipe if recipe is not None else started, nested)
        was, now = config.model_dump(mode="json"), given.model_dump(mode="json")
        other = [k for k in was if was[k] != now[k] and k not in ("device", "threads", "name", "plugins")]
        if other:
            raise UserError(
                f"--resume goes on with {run.path.name} exactly as it was started, but {', '.join(other)} would differ. "
                "Leave the change out, or start a new run."
            )
    return config, sentences


def _plugins(run: Run) -> list[str]:
    """The plugins the run was started with: where they were, or the run's copies where those have changed since."""
    found = []
    for given, kept in zip(run.config().get("plugins") or (), run.facts().get("plugins") or (), strict=True):
        same = Path(given).is_file() and hashlib.sha256(Path(given).read_bytes()).hexdigest() == kept["sha256"]
        found.append(given if same else str(run.path / kept["copy"]))
    return found


def _keep_plugins(run: Run, config: PretrainConfig) -> None:
    """Copy the plugins into the run, each with its hash."""
    kept = []
    for number, plugin in enumerate(config.plugins):
        content, copy = Path(plugin).read_bytes(), f"plugins/{number}-{Path(plugin).name}"
        atomic_write(run.path / copy, content)
        kept.append({"copy": copy, "sha256": hashlib.sha256(content).hexdigest()})
    if kept:
        run.record(plugins=kept)


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
            device=str(here.device),
            world=here.size,
            threads=torch.get_num_threads(),
            data_fingerprint=material.train.table.fingerprint(),
        )
        left_out = [{"id": f"{int(i):016x}", "reason": reason} for i, reason in material.train.store.left_out]
        run.write_json("left_out.json", left_out)
        _keep_plugins(run, config)
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
    terminal.say(
        f"{len(material.rows):,} images from {config.data.train} ({material.channels} channel(s), {len(store.left_out)} left out); "
        f"watched on {watched or 'the training images, without labels'}."
    )
    for data in dict.fromkeys([material.train.name, *(d.name for d in material.monitors.values())]):
        for warning in next(d for d in (material.train, *material.monitors.values()) if d.name == data).table.warnings:
            terminal.say(f"{data}: {warning}")
    views = sum(n for n, _ in parts.views.makes.values())
    terminal.say(
        f"{config.method.name}, {config.encoder.name} with {parameters:,} parameters, {flops / 1e6:,.0f} MFLOP per view forward; "
        f"{length.steps:,} steps of {feed.global_batch:,} samples ({config.batch_size} per process × {here.size} process(es)"
        f"{f' × {config.accumulate} accumulated' if config.accumulate > 1 else ''}) × {views} views, "
        f"{length.steps / feed.steps_per_epoch:g} epochs; {3 * flops * views * length.steps * feed.global_batch / 1e15:,.2f} PFLOP in all, "
        f"on {here.device} in {'bf16' if here.autocast else 'fp32'}."
    )


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
    names = {p: n for n, p in parts.method.named_parameters()}
    stepper = Stepper(config.optimizer, parts.method.groups(), names, feed.global_batch)

    def keep_best(name: str, at: Progress) -> None:
        _export(parts, run.path / "checkpoints" / name, config, material, f"{at.step} of {length.steps} steps")

    with terminal.bar("pretraining", "steps") as update:
        display = FitDisplay(terminal, update)
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
    trained_on = f"{material.train.public}, {config.method.name}, {length}, no labels"
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
    began = time.perf_counter()
    results = examine(config, material, parts, run, here, terminal)
    results["cost"] = _cost(config, material, parts, length, spent, time.perf_counter() - began, here)
    run.write_json("results.json", results)
    shutil.rmtree(run.path / "checkpoints" / "nonfinite", ignore_errors=True)
    run.finish("done")
    from vesalius.report import build

    page = build([run.path])
    for sentence in results["verdict"]:
        terminal.say(sentence)
    terminal.say(f"Took {in_words(spent.total)} to train. The report: {page}")


def _cost(
    config: PretrainConfig, material: Material, parts: Parts, length: Length, spent: Spent, examined: float, here: World
) -> dict[str, Any]:
    parameters, flops = count(parts.encoder, (1, *_input(parts)))
    if here.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    else:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if os.uname().sysname == "Darwin" else 2**10)
    return {
        "images_per_second": spent.images / spent.stepping,
        "seconds": spent.total,
        "steps": length.steps,
        "epochs": length.steps / length.steps_per_epoch,
        "parameters": parameters,
        "flops_per_image": flops,
        "peak_memory_mb": peak,
        "wait_share": spent.waiting / spent.stepping,
        "views_share": spent.views / spent.stepping,
        "device": str(here.device),
        "threads": torch.get_num_threads(),
        "world": here.size,
        "precision": "bf16" if here.autocast else "fp32",
        "time_by_stage": {
            "decode": material.seconds,
            "train": spent.stepping,
            "monitor": spent.monitoring,
            "save": spent.saving,
            "examine": examined,
        },
    }


__all__ = ["Pretrained", "pretrain"]
