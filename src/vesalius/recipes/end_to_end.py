"""Fine-tuning end to end: encoder and head through the one loop, until validation is best."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.features import forward
from vesalius.files import atomic_write
from vesalius.recipes.finetune_job import Job
from vesalius.recipes.labelled_material import training_views
from vesalius.recipes.picturing import picture_of
from vesalius.runs import Run
from vesalius.tasks import fitting, heads, labels, losses
from vesalius.tasks.classifier import FACTS, Classifier
from vesalius.tasks.supervised import Supervised
from vesalius.tasks.validation import NAME, Validation
from vesalius.terminal import Terminal
from vesalius.training import checkpoints
from vesalius.training.display import FitDisplay
from vesalius.training.feed import Feed
from vesalius.training.fit import fit
from vesalius.training.layerwise import layerwise
from vesalius.training.layout import fastest
from vesalius.training.length import Length
from vesalius.training.log import Spent
from vesalius.training.method import Method, Progress
from vesalius.training.optimizers import Stepper
from vesalius.training.watch import Watch, Watched
from vesalius.training.world import World
from vesalius.views.pipeline import Views

BEST = f"best-{NAME}"


def train(
    job: Job,
    solved: fitting.Fitted,
    run: Run,
    here: World,
    terminal: Terminal,
    *,
    resumed: bool,
    estimate: Callable[[float], str] | None = None,
) -> tuple[Length, Spent]:
    """End to end, until validation is best; ``checkpoints/best-validation`` then holds the model. ``estimate``: see ``FitDisplay``."""
    config = job.config
    method = _method(job, solved, here)
    views = training_views(config, job.encoder)
    feed = Feed(
        job.data.store, job.learnt, views, here, seed=config.seed, batch_size=config.batch_size, accumulate=config.accumulate,
        drop_last=config.data.drop_last, batches_per_epoch=1 if config.debug else None,
    )  # fmt: skip
    steps = config.steps or max(1, round((config.epochs or 1) * feed.steps_per_epoch))
    every = config.checkpoint_every.in_steps(feed.steps_per_epoch)
    length = Length(steps, feed.steps_per_epoch, every, max(1, steps // 1000))
    terminal.say(
        f"End to end for at most {steps:,} steps of {feed.global_batch:,} images ({steps / feed.steps_per_epoch:g} epochs), the encoder at "
        f"{config.encoder.lr_factor:g} of the head's rate, on {here.device} in {'bf16' if here.autocast else 'fp32'}."
    )
    monitor = Validation(job.task, config.metric, config.patience, job.labels["val"], config.keep_start)
    watch = Watch(here, [(monitor, _watched(job, here), config.validate_every)])
    groups = layerwise(method, method.groups(), config.optimizer.layer_decay)
    stepper = Stepper(config.optimizer, groups, {p: n for n, p in method.named_parameters()}, feed.global_batch)

    before = job.encoder.card.trained_on

    def keep_best(name: str, at: Progress) -> None:
        _save(method, run.path / "checkpoints" / name, before, job, f"{at.step} of {length.steps} steps")

    def picture() -> bytes:
        return picture_of(views, job.data.store, job.learnt[:8], config.seed)

    spent = until_best(
        method, feed, views, stepper, watch, run, here, length, terminal, keep_best,
        picture=picture, facts=FACTS, clip=config.optimizer.clip, resumed=resumed, estimate=estimate,
    )  # fmt: skip
    return length, spent


def until_best(
    method: Method,
    feed: Feed,
    views: Views,
    stepper: Stepper,
    watch: Watch,
    run: Run,
    here: World,
    length: Length,
    terminal: Terminal,
    keep_best: Callable[[str, Progress], None],
    *,
    picture: Callable[[], bytes],
    facts: str,
    clip: float | None,
    resumed: bool,
    estimate: Callable[[float], str] | None = None,
) -> Spent:
    """Train until ``watch`` or ``length`` ends it; what stands at the start is the best until something is better.

    ``picture``: PNG of the training views. ``facts``: the file without which a checkpoint of the best is not whole.
    """
    if here.first:
        atomic_write(run.path / "views.png", picture())
        if not (run.path / "checkpoints" / BEST / facts).is_file():
            keep_best(BEST, length.at(0))
    ended = stopped_early(run, terminal) if resumed else None
    if ended is not None:
        spent = Spent()
        spent.earlier(ended)
        return spent
    with terminal.bar("fine-tuning", "steps") as update:
        spent = fit(
            method, feed, views, stepper, watch, run, here, length, FitDisplay(terminal, update, estimate=estimate),
            resume=resumed, clip=clip, keep_best=keep_best,
        )  # fmt: skip
    here.barrier()  # the best is on disk for all
    return spent


def _method(job: Job, solved: fitting.Fitted, here: World) -> Supervised:
    """What is trained end to end, with the head where it starts from."""
    config, task, train = job.config, job.task, job.labels["train"]
    head = copy.deepcopy(solved.head) if config.linear_first else heads.build(task, job.encoder.card.dim, train)
    known = labels.known(train)
    outputs = len(task.labels) if task.kind == "multilabel" else len(task.classes)
    weights = losses.balancing(train[known], task.kind, outputs)[0] if config.balanced else None
    ids = job.data.store.ids[job.learnt]
    method = Supervised(
        job.encoder.train(), head, ids, train[known], weights=weights, lr_factor=config.encoder.lr_factor, dropout=config.dropout
    )
    method.to(here.device)
    if config.layout == "auto" and len(job.encoder.card.size) == 2:
        method.to(memory_format=fastest(method))
    return method


def _watched(job: Job, here: World) -> Watched:
    def vectors(encoder: Encoder, rows: NDArray[np.int64]) -> Tensor:
        return forward(encoder, job.data.store, rows, device=here.device, autocast=here.autocast)

    rows = job.rows["val"][labels.known(job.labels["val"]).numpy()]
    return Watched(vectors, {"val": rows}, {"val": job.data.labels(rows)})


def _save(method: Supervised, folder: Path, before: str, job: Job, length: str) -> None:
    """The model as it is now; ``before``: what its encoder had been trained on."""
    said = f"{before}; fine-tuned on {job.data.public}, {len(job.learnt)} labels, {length}"
    method.encoder.card = method.encoder.card.model_copy(update={"trained_on": said, "imagenet_top1": None})
    Classifier(method.encoder, method.head).save(folder)


def stopped_early(run: Run, terminal: Terminal) -> dict[str, Any] | None:
    """What the loop spent, where it had ended by early stopping before it was interrupted; else None."""
    from safetensors.torch import load_file

    checkpoint = checkpoints.newest(run.path / "checkpoints", terminal.say)
    if checkpoint is None:
        return None
    state = load_file(checkpoint / "monitors.safetensors")
    if not bool(state.get(f"{NAME}/stopped", torch.tensor(False))):
        return None
    spent: dict[str, Any] = json.loads((checkpoint / "state.json").read_text())["record"].get("spent", {})
    return spent


def chosen(run: Run, length: Length, job: Job) -> dict[str, Any]:
    """Which step validation chose, and whether the run stopped for it."""
    monitor = Validation(job.task, job.config.metric, job.config.patience, job.labels["val"])
    key = f"monitor/{NAME}/{monitor.metric}"
    looks = [r for r in run.metrics() if r.get("kind") == "monitor" and r.get(key) is not None and (r["step"] > 0 or job.config.keep_start)]
    if not looks:
        return {}
    sign = 1 if monitor.higher_is_better else -1
    best, last = max(looks, key=lambda r: sign * float(r[key])), looks[-1]
    early = last["step"] < length.steps
    said = f"Step {best['step']} of {length.steps} was best on validation ({monitor.metric} {best[key]:.3f}); its weights are the run's."
    return {
        "last": {"step": last["step"]},
        "chosen_by_labels": {"step": best["step"], "metric": f"{NAME}/{monitor.metric}", "value": best[key]},
        "stopped_early": early,
        "sentence": said + (f" Training stopped at step {last['step']}, as nothing was better for {job.config.patience} looks." if early else ""),
    }
