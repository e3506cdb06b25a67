"""The one loop: draw and read -> views -> forward -> backward -> step -> after_step -> monitors -> checkpoint.

Its state is the method's, the optimizer's and the step number; everything else is a function of them. So a run that is
killed and resumed is bit for bit the run that was not.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from vesalius import random
from vesalius.data.to_device import to_device
from vesalius.errors import Preempted, UserError
from vesalius.runs import Run
from vesalius.training import checkpoints
from vesalius.training.feed import Feed, Read, ViewsLike
from vesalius.training.guard import Guard, Refused, refuse
from vesalius.training.length import Length
from vesalius.training.log import Log, Spent
from vesalius.training.method import Method, Output, Progress
from vesalius.training.optimizers import Stepper
from vesalius.training.stop import StopRequests
from vesalius.training.world import World


@runtime_checkable
class Watching(Protocol):
    """What the loop asks of the monitors (see ``training/watch.py``)."""

    def due(self, at: Progress) -> bool:
        """Whether any monitor wants to look now."""

    def look(self, method: Method, at: Progress) -> tuple[dict[str, float], list[str], list[str], bool]:
        """Scalars to log, names of checkpoints this is the best for, warnings, whether to stop."""

    def state(self) -> dict[str, Tensor]:
        """All monitors' state."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take it back."""


@runtime_checkable
class Display(Protocol):
    """Who shows the run to a person."""

    def step(self, at: Progress, loss: float | None, images: int, waited: float) -> None:
        """A step was taken."""

    def say(self, text: str) -> None:
        """A sentence worth reading."""


def reduce_parts(parts: Mapping[str, Tensor], world: World, samples: int) -> Tensor:
    """The loss () whose gradient, averaged over ranks by DDP, is that of one process on the global batch."""
    terms = [p.sum() * (world.size / samples) if p.ndim else p for p in parts.values()]
    return torch.stack([t.to(torch.promote_types(t.dtype, torch.float32)) for t in terms]).sum()


def fit(
    method: Method,
    feed: Feed,
    views: ViewsLike,
    stepper: Stepper,
    watch: Watching,
    run: Run,
    world: World,
    length: Length,
    display: Display,
    *,
    resume: bool = False,
    clip: float | None = None,
    keep_best: Any = None,
) -> Spent:
    """Train ``method`` for ``length.steps`` steps; see the module's first lines.

    ``keep_best(name, at)`` is called on the first rank when a monitor names a checkpoint. Raises NonFinite when the
    gradient's norm is not finite (the weights are those before the step, and ``checkpoints/nonfinite`` replays it),
    Preempted when a stop was asked for and the run has been saved.
    """
    spent, began = Spent(), time.perf_counter()
    folder = run.path / "checkpoints"
    start, record = 0, {}  # type: int, dict[str, Any]
    if resume:
        start, record = _take_up(folder, run, method, stepper, watch, world, display)
        spent.earlier(record.get("spent", {}))
    before = spent.total
    wrapped = world.wrap(method)
    guard = Guard(method, world.late)

    def refuse_if(refused: Refused | None) -> None:
        if refused is not None:
            log.flush(refused.step)
            refuse(folder, refused, method, stepper, watch.state(), record, world, run)

    log = Log(run, world, length)
    method.train()
    if start == 0 and watch.due(length.at(0)):
        _look(method, watch, length.at(0), log, record, spent, keep_best, world, display)
    with StopRequests(world) as stop:
        for step, (reads, samples, waited) in enumerate(feed.stream(start, length.steps), start):
            at = length.at(step)
            rate = stepper.set_rate(at)
            guard.before_forward()
            parts, out = _forward_backward(wrapped, method, views, reads, at, world, samples, spent, feed)
            if step == start:
                _name_dead(method, world, display)
            norm = torch.nn.utils.get_total_norm([p.grad for p in method.parameters() if p.grad is not None])
            finite = torch.isfinite(norm)
            if clip is not None:
                torch.nn.utils.clip_grads_with_norm_(method.parameters(), clip, norm)
            refuse_if(guard.judge(step, finite, parts))
            stepper.step((~finite).float())
            method.after_step(replace(out, finite=finite if world.late else None), at)
            spent.waiting += waited
            spent.images += samples
            done = length.at(step + 1)
            loss = log.step(done, parts, out.scalars, rate, norm, samples, waited, time.perf_counter() - began)
            display.step(done, loss, samples, waited)
            ends = False
            if watch.due(done):
                refuse_if(guard.settle())  # a refused step's running statistics are not looked at
                ends = _look(method, watch, done, log, record, spent, keep_best, world, display)
            asked = stop.agreed()
            if ends or asked or done.step % length.checkpoint_every == 0 or done.step == length.steps:
                mark = time.perf_counter()
                refuse_if(guard.settle())
                log.flush()
                spent.total = before + time.perf_counter() - began
                record["spent"] = asdict(spent)
                if world.first:
                    checkpoints.save(folder, done.step, method, stepper, watch.state(), record)
                    run.saved()
                world.barrier()
                spent.saving += time.perf_counter() - mark
            if asked and done.step < length.steps:
                raise Preempted(
                    f"Stopped as asked after step {done.step} of {length.steps}; everything is saved. "
                    f"Run the same command with --resume {run.path} to go on."
                )
            if ends:
                break
    log.flush()
    spent.total = before + time.perf_counter() - began
    return spent


def _forward_backward(
    wrapped: nn.Module,
    method: Method,
    views: ViewsLike,
    reads: Sequence[Read],
    at: Progress,
    world: World,
    samples: int,
    spent: Spent,
    feed: Feed,
) -> tuple[dict[str, Tensor], Output]:
    """Every micro-batch of one step; returns the detached global parts and the last output."""
    torch.manual_seed(random.torch_seed(feed.seed, at.step, world.rank))
    totals: dict[str, Tensor] = {}
    for i, read in enumerate(reads):
        mark = time.perf_counter()
        batch = views.apply(read.pixels.to(world.device), read.draws)
        batch = replace(batch, ids=to_device(read.ids, world.device))
        spent.views += time.perf_counter() - mark
        if isinstance(wrapped, nn.parallel.DistributedDataParallel):
            wrapped.require_backward_grad_sync = i == len(reads) - 1
        with world.casting():
            out: Output = wrapped(batch, at)
        reduce_parts(out.parts, world, samples).backward()  # type: ignore[no-untyped-call]
        for name, part in out.parts.items():
            value = part.detach()
            value = value.sum() / samples if value.ndim else value / world.size
            totals[name] = totals[name] + value if name in totals else value
    carried = {k: v.detach() for k, v in out.carry.items()}
    return totals, Output({k: v.detach() for k, v in out.parts.items()}, carried, out.scalars)


def _look(
    method: Method,
    watch: Watching,
    at: Progress,
    log: Log,
    record: dict[str, Any],
    spent: Spent,
    keep_best: Any,
    world: World,
    display: Display,
) -> bool:
    """Let the monitors look; returns whether one of them ends the run."""
    mark = time.perf_counter()
    scalars, best, warnings, ends = watch.look(method, at)
    chosen = {"best": best} if best else {}
    log.row({"kind": "monitor", "step": at.step, "epoch": at.step / at.steps_per_epoch, **scalars, **chosen})
    for text in warnings:
        log.row({"kind": "notice", "step": at.step, "text": text})
        display.say(text)
    for name in best:
        record[name] = {"step": at.step}
        if world.first and keep_best is not None:
            keep_best(name, at)
    spent.monitoring += time.perf_counter() - mark
    return ends


def _take_up(
    folder: Path, run: Run, method: Method, stepper: Stepper, watch: Watching, world: World, display: Display
) -> tuple[int, dict[str, Any]]:
    """Continue from the newest whole checkpoint, or from the start where none was written yet."""
    checkpoint = checkpoints.newest(folder, display.say)
    step, record = 0, {}  # type: int, dict[str, Any]
    if checkpoint is not None:
        step, monitors, record = checkpoints.load(checkpoint, method, stepper)
        watch.load_state(monitors)
    if world.first:
        run.cut_metrics(step) if checkpoint is not None else run.cut_metrics(-1)
    world.barrier()
    return step, record


def _name_dead(method: Method, world: World, display: Display) -> None:
    """Name every trainable parameter without gradient: a frozen part that was not declared frozen."""
    dead = [n for n, p in method.named_parameters() if p.requires_grad and p.grad is None]
    if not dead:
        return
    text = f"{len(dead)} trainable parameter(s) get no gradient, first {', '.join(dead[:3])}."
    if world.size > 1:
        raise UserError(f"{text} Several processes need every trainable parameter used: set requires_grad_(False) on these.")
    display.say(f"{text} They stay as they were initialised.")
