"""Rows of ``metrics.jsonl``: each where it is due, in order, with the same numbers whenever the host looks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.small import HERE
from vesalius.runs import Run
from vesalius.training.length import Length
from vesalius.training.log import Log
from vesalius.training.world import World


def logged(folder: Path, steps: int, every: int) -> tuple[Run, Log, list[float | None]]:
    run = Run.create("pretrain", "x", {}, folder)
    length = Length(steps, 4, checkpoint_every=100, log_every=every)
    log, losses = Log(run, HERE, length), []
    for step in range(steps):
        parts = {"near": torch.tensor(float(step)), "far": torch.tensor(0.5)}
        losses.append(log.step(length.at(step + 1), parts, {"share": torch.tensor(0.25)}, 0.1, torch.tensor(2.0), 8, 0.5, float(step + 1)))
        if step == 2:
            log.row({"kind": "monitor", "step": step + 1})
    return run, log, losses


@pytest.mark.parametrize("late", [False, True])
def test_a_row_where_it_is_due_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    monkeypatch.setattr(World, "late", property(lambda _: late))
    run, log, losses = logged(tmp_path / "run", 5, every=2)
    log.flush()
    rows = run.metrics()
    assert [(row["kind"], row["step"]) for row in rows] == [("train", 2), ("monitor", 3), ("train", 4), ("train", 5)], "the last step is logged too"
    assert rows[0] == {
        "kind": "train", "step": 2, "epoch": 0.5, "loss": 1.5, "loss/near": 1.0, "loss/far": 0.5, "share": 0.25, "lr": 0.1, "grad_norm": 2.0,
        "time": 2.0, "images_per_second": 8.0, "wait_share": 0.5,
    }  # fmt: skip
    # late, the loss that is shown is that of the row before, where none was made since
    assert losses == ([None, None, None, None, 3.5] if late else [None, 1.5, None, 3.5, 4.5])


def test_what_came_after_a_step_is_left_out(tmp_path: Path) -> None:
    run, log, _ = logged(tmp_path / "run", 4, every=1)
    log.flush(until=2)
    log.flush()
    assert [row["step"] for row in run.metrics()] == [1, 2]
