"""Training a segmenter through the one loop, until validation is best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.encoders.encoder import Encoder
from vesalius.recipes.end_to_end import until_best
from vesalius.recipes.segmentation.material import Job, new_segmenter, training_views
from vesalius.runs import Run
from vesalius.tasks.segmentation import GROUP, Segmentation
from vesalius.tasks.segmenter import FACTS
from vesalius.tasks.validation import NAME
from vesalius.tasks.volume_validation import VolumeValidation, counted
from vesalius.terminal import Terminal
from vesalius.training.feed import Feed
from vesalius.training.layerwise import layerwise
from vesalius.training.length import Length
from vesalius.training.log import Spent
from vesalius.training.method import Progress
from vesalius.training.optimizers import Stepper
from vesalius.training.watch import Watch, Watched
from vesalius.training.world import World
from vesalius.views.drawing import drawn
from vesalius.views.pipeline import Views
from vesalius.views.planes import sheet

_SHOWN = 8


def train(job: Job, run: Run, here: World, terminal: Terminal, *, resumed: bool) -> tuple[Length, Spent]:
    """Until validation is best; ``checkpoints/best-validation`` then holds the model."""
    config, store = job.config, job.data.store
    method = Segmentation(
        new_segmenter(config, job.encoder.train(), job.task), include_background=config.loss.include_background,
        lr_factor=config.encoder.lr_factor, freeze=config.encoder.freeze,
    ).to(here.device)  # fmt: skip
    views = training_views(config, job.encoder)
    feed = Feed(
        store, job.rows["train"], views, here, seed=config.seed, batch_size=config.batch_size, accumulate=config.accumulate,
        draws_per_sample=config.data.draws_per_sample, drop_last=config.data.drop_last, batches_per_epoch=1 if config.debug else None,
    )  # fmt: skip
    steps = config.steps or max(1, round((config.epochs or 1) * feed.steps_per_epoch))
    length = Length(steps, feed.steps_per_epoch, config.checkpoint_every.in_steps(feed.steps_per_epoch), max(1, steps // 1000))
    terminal.say(
        f"At most {steps:,} steps of {feed.global_batch:,} patches ({steps / feed.steps_per_epoch:g} epochs), {method.segmenter.name} on "
        f"{job.encoder.card.architecture}, {'the encoder frozen' if config.encoder.freeze else f'the encoder at {config.encoder.lr_factor:g} of the rate'}, "
        f"on {here.device} in {'bf16' if here.autocast else 'fp32'}."
    )

    def look(encoder: Encoder, rows: NDArray[np.int64]) -> Tensor:
        assert isinstance(store, VolumeStore)
        return counted(method.segmenter, store, rows, job.windows, device=here.device, autocast=here.autocast)

    monitor = VolumeValidation(job.task, config.metric, config.patience)
    watch = Watch(here, [(monitor, Watched(look, {"val": job.rows["val"]}, {"val": {}}), config.validate_every)])
    groups = layerwise(method, method.groups(), config.optimizer.layer_decay)
    stepper = Stepper(config.optimizer, groups, {p: n for n, p in method.named_parameters()}, feed.global_batch)
    before = job.encoder.card.trained_on

    def keep_best(name: str, at: Progress) -> None:
        said = f"{before}; fine-tuned on {job.data.public}, {len(job.rows['train'])} volumes, {at.step} of {steps} steps"
        job.encoder.card = job.encoder.card.model_copy(update={"trained_on": said, "imagenet_top1": None})
        method.segmenter.save(run.path / "checkpoints" / name)

    spent = until_best(
        method, feed, views, stepper, watch, run, here, length, terminal, keep_best,
        picture=lambda: _picture(job, views), facts=FACTS, clip=config.optimizer.clip, resumed=resumed,
    )  # fmt: skip
    return length, spent


def _picture(job: Job, views: Views) -> bytes:
    """PNG of the middle planes of training patches: a column for each, a line for each plane."""
    store, rows = job.data.store, job.rows["train"][:_SHOWN]
    draws = drawn(views, store, rows, seed=job.config.seed)
    batch = views.apply(store.read(draws.rows, draws.windows), draws)
    return sheet([list(batch.views[GROUP][0, :, 0])])


def chosen(run: Run, length: Length, job: Job) -> dict[str, Any]:
    """Which step validation chose, and whether the run stopped for it."""
    metric = job.config.metric
    key = f"monitor/{NAME}/{metric}"
    looks = [r for r in run.metrics() if r.get("kind") == "monitor" and r.get(key) is not None and r[key] == r[key]]
    if not looks:
        return {}
    best, last = max(looks, key=lambda r: float(r[key])), looks[-1]
    early = last["step"] < length.steps
    said = f"Step {best['step']} of {length.steps} was best on validation (Dice {best[key]:.3f}); its weights are the run's."
    return {
        "last": {"step": last["step"]},
        "chosen_by_labels": {"step": best["step"], "metric": f"{NAME}/{metric}", "value": best[key]},
        "stopped_early": early,
        "sentence": said + (f" Training stopped at step {last['step']}, as nothing was better for {job.config.patience} looks." if early else ""),
    }
