"""``vesalius finetune``: a classifier on an encoder, its features computed once, or trained end to end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.evaluate.cost import cost
from vesalius.evaluate.finetuned import scoring as finetuned
from vesalius.evaluate.segmented import segmenting
from vesalius.features import compute, forward
from vesalius.features.origin import origin
from vesalius.recipes import end_to_end
from vesalius.recipes.arguments import from_pairs, placed
from vesalius.recipes.finetune_job import SPLITS, Job, prepare
from vesalius.recipes.finetune_loading import finetune_and_sentences
from vesalius.recipes.plugins import keep_plugins
from vesalius.recipes.recovery import recovered
from vesalius.recipes.resuming import configured, hold_to_record, noted, run_to_resume
from vesalius.recipes.segmentation import material
from vesalius.recipes.segmentation.config import SegmentationConfig
from vesalius.recipes.tracking import entries
from vesalius.result import Result
from vesalius.runs import Run, refuse_taken, settled
from vesalius.runs.tracking import refuse_unusable, tracked
from vesalius.tasks import fitting
from vesalius.tasks.classifier import Classifier
from vesalius.tasks.segmenter import Segmenter
from vesalius.terminal import Terminal
from vesalius.training.display import in_words
from vesalius.training.length import Length
from vesalius.training.log import Spent
from vesalius.training.process import settle
from vesalius.training.world import World, world


class Finetuned(Result):
    """A fine-tuning's run."""

    @property
    def classifier(self) -> Classifier:
        """The model, in evaluation mode. Raises UserError where the run repeats others and holds none itself."""
        return Classifier.load(self.path)

    @property
    def segmenter(self) -> Segmenter:
        """The model of a segmentation, in evaluation mode. Raises UserError where the run repeats others and holds none itself."""
        return Segmenter.load(self.path)

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(str(s['model']))}</td><td>{escape(str(s['metric']))}</td><td>{s['value']:.3f}</td><td>{escape(str(s['split']))}</td></tr>"
            for s in self.results.get("scores", [])
            if s.get("value") is not None
        )
        said = escape(" ".join(self.results.get("verdict", [])))
        return f"<p><b>{escape(self.path.name)}</b> {said}</p><table><tr><th>model<th>metric<th>value<th>split</tr>{rows}</table>"


def finetune(
    recipe: str | Path | Mapping[str, Any] | None = None,
    *,
    encoder: str | Path | Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    quiet: bool = False,
    **changes: Any,
) -> Finetuned:
    """Fine-tune a classifier (or an ordinal, multi-label or regression model), or where ``data.kind`` is segmentation a segmenter of
    volumes, as ``recipe`` says, and return the run.

    ``encoder``: a run (folder, id or ``latest``), a folder or file of weights, a network's name, or a mapping of the
    recipe's ``encoder`` fields, such as ``{"weights": "latest", "freeze": False}``. ``changes``: other fields, as in
    ``pretrain``. ``resume``: a run to go on with, exactly as it was started. Raises UserError for input that cannot be
    used, NonFinite, TooManyBadFiles, NoRoom, Preempted.
    """
    first = int(os.environ.get("RANK", "0")) == 0
    terminal = Terminal(quiet=quiet or not first)
    changes, out, told = placed(changes, out)
    changes, resume = recovered("finetune", recipe, changes, resume, encoder)
    run = run_to_resume(resume, "finetune") if resume is not None else None
    if encoder is not None:
        named = {"encoder": settled(encoder)} if not isinstance(encoder, Mapping) else {f"encoder.{k}": v for k, v in encoder.items()}
        changes = {**named, **changes}
    nested, sentences = from_pairs(changes.items(), "finetune")
    config, more = configured(finetune_and_sentences, recipe, nested, run)
    for sentence in [*told, *sentences, *more]:
        terminal.say(sentence)
    if run is not None and run.facts()["state"] == "done":
        terminal.say(f"{run.path} is done already.")
        return Finetuned(run.path)
    if run is None and out is not None:
        refuse_taken(Path(out))
    refuse_unusable(entries(config.tracking))
    settle(config.device, config.threads, config.deterministic)
    if isinstance(config, SegmentationConfig) and config.repeated:
        from vesalius.evaluate.segmented.repeats import repeat as repeat_segmentation

        return Finetuned(repeat_segmentation(config, run, out, terminal, quiet=quiet))
    if not isinstance(config, SegmentationConfig) and config.seeds:
        from vesalius.evaluate.finetuned.over_seeds import repeat

        return Finetuned(repeat(config, run, out, terminal, quiet=quiet))
    job: Job | material.Job = material.prepare(config, terminal) if isinstance(config, SegmentationConfig) else prepare(config, terminal)
    if run is not None:
        hold_to_record(run, {"train": job.data}, terminal)
    with world(config.device, config.precision) as here:
        run = run or _create(job, out, here)
        with tracked(run, entries(config.tracking), here.first, terminal.say), noted(run, here.first):
            if isinstance(job, material.Job):
                segmenting.work(job, run, here, terminal, resumed=resume is not None)
            else:
                _work(job, run, here, terminal, resumed=resume is not None)
    return Finetuned(run.path)


def fine_tuned(
    job: Job, out: Path, terminal: Terminal, *, examined: bool = True, estimate: Callable[[float], str] | None = None
) -> Run:
    """Fine-tune a classifier on what is prepared, in the folder ``out``: from the start, or on from where that was interrupted.

    What is done already is not done again. ``examined``: whether the model is scored and reported; without, the run is trained only
    (its record says ``trained``), and may be examined by a later call. ``estimate``: see ``FitDisplay``. Raises as ``finetune``.
    """
    there = Run.open(out) if (out / "run.json").is_file() else None
    if there is not None and (there.facts()["state"] == "done" or (not examined and there.facts().get("trained"))):
        return there
    settle(job.config.device, job.config.threads, job.config.deterministic)
    with world(job.config.device, job.config.precision) as here:
        run = there or _create(job, out, here)
        with noted(run, here.first):
            _work(job, run, here, terminal, resumed=there is not None, examined=examined, estimate=estimate)
    return run


def _create(job: Job | material.Job, out: str | Path | None, here: World) -> Run:
    """Make the run directory on the first rank and tell the others where it is."""
    if not here.first:
        return Run(Path(here.share(None)))
    config = job.config
    run = Run.create(
        "finetune",
        config.name or f"{job.task.name}-{job.encoder.card.architecture}",
        config.model_dump(mode="json"),
        None if out is None else Path(out),
        origins=config.origins,
        device=str(here.device),
        world=here.size,
        threads=torch.get_num_threads(),
        data_fingerprint=job.data.table.fingerprint(),
        made_from=origin({"train": job.data}, {"encoder": job.encoder}),
    )
    run.write_json("left_out.json", [{"id": f"{int(i):016x}", "reason": reason} for i, reason in job.data.store.left_out])
    keep_plugins(run, config.plugins)
    here.share(str(run.path))
    return run


def _work(
    job: Job,
    run: Run,
    here: World,
    terminal: Terminal,
    *,
    resumed: bool,
    examined: bool = True,
    estimate: Callable[[float], str] | None = None,
) -> None:
    """Solve for the head, train end to end where that is asked for, examine, report."""
    began = time.perf_counter()
    features = {split: _given_features(job, split, here, terminal) for split in SPLITS}
    seconds = time.perf_counter() - began
    frozen = job.config.encoder.freeze
    train, val = ((features[s], job.labels[s]) for s in ("train", "val"))
    plain = finetuned.as_classes(job.task)
    beside = fitting.fit(plain, train, val)
    solved = beside if plain == job.task and not job.config.balanced else fitting.fit(job.task, train, val, balanced=job.config.balanced)
    spent, length = Spent(), None
    if frozen:
        if here.first:
            run.cut_metrics(-1)
            run.measure([{"kind": "head", "step": i, "strength": t["c"], "val_loss": t["val_loss"]} for i, t in enumerate(solved.tried)])
        model, vectors = Classifier(job.encoder, solved.head), features
    else:
        length, spent = end_to_end.train(job, solved, run, here, terminal, resumed=resumed, estimate=estimate)
        if not examined:
            run.record(trained=True)
            run.finish("stopped")
            return
        model = Classifier.load(run.path / "checkpoints" / end_to_end.BEST)
    if here.first:
        model.to(here.device).eval()
        if not frozen:
            vectors = {s: forward(model.encoder, job.data.store, job.rows[s], device=here.device, autocast=here.autocast) for s in ("val", "test")}
            vectors = {split: rows.cpu() for split, rows in vectors.items()}
        model.cpu()
        stages = {"decode": job.seconds, "features": seconds}
        _finish(job, run, here, terminal, model, vectors, beside, features, length, spent, stages, solved)
    here.barrier()


def _given_features(job: Job, split: str, here: World, terminal: Terminal) -> Tensor:
    """``(n, D)`` features of a split by the encoder as it is given: from the cache where they are known."""
    rows = job.rows[split]
    with terminal.bar(f"features of {split}") as progress:

        def of(some: NDArray[np.int64]) -> Tensor:
            found = compute(job.encoder, job.data.store, some, device=here.device, autocast=here.autocast, progress=progress)
            return found.vectors

        if here.size > 1:  # each rank its share into the cache, from which all read the same numbers
            of(np.array_split(rows, here.size)[here.rank])
            here.barrier()
        return of(rows)


def _finish(
    job: Job,
    run: Run,
    here: World,
    terminal: Terminal,
    model: Classifier,
    vectors: Mapping[str, Tensor],
    beside: fitting.Fitted,
    features: Mapping[str, Tensor],
    length: Length | None,
    spent: Spent,
    stages: dict[str, float],
    solved: fitting.Fitted,
) -> None:
    """Score once, write the model, results and report."""
    began = time.perf_counter()
    with torch.no_grad():
        logits = {split: model.head_logits(vectors[split]) for split in ("val", "test")}
        answers = {s: beside.head.probabilities(beside.head(features[s].float())) for s in ("val", "test")}
    frozen = job.config.encoder.freeze
    outcome = finetuned.Outcome(model, job.data, job.rows, job.labels, logits, answers, vectors["test"], frozen, job.config.seed)
    notices = [r["text"] for r in run.metrics() if r.get("kind") == "notice"]
    found = finetuned.examine(outcome, run, warnings=list(dict.fromkeys([*job.warnings, *notices])))
    model.save(run.path)
    if frozen:
        found["absent"] |= {
            "checkpoints": "The encoder is frozen and the head is solved for: there is one solution.",
            "views": "The encoder is frozen: every image is seen once, as its card's preprocessing shows it.",
        }
    head = {"strength": solved.strength, "tried": solved.tried, "balanced": job.config.balanced}
    steps = 0 if length is None else max([r["step"] for r in run.metrics() if r.get("kind") == "train"], default=0)
    card = model.encoder.card
    epochs = 0.0 if length is None else steps / length.steps_per_epoch
    stages["examine"] = time.perf_counter() - began
    results = {
        "kind": "finetune",
        "title": job.config.name or f"{job.task.name} on {job.data.public}",
        "frozen": frozen,
        **found,
        "head": head,
        "checkpoints": {} if length is None else end_to_end.chosen(run, length, job),
        "cost": cost(model.encoder, (card.channels, *card.size), steps, epochs, spent, stages, here),
    }
    run.write_json("results.json", results)
    run.finish("done")
    from vesalius.report import build

    page = build([run.path])
    for sentence in results["verdict"]:
        terminal.say(sentence)
    terminal.say(f"Took {in_words(spent.total + sum(stages.values()))}. The report: {page}")


__all__ = ["Finetuned", "finetune"]
