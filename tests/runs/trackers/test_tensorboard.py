"""TensorBoard's own reader finds the numbers of metrics.jsonl, also after the run was gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.recipes.tiny import blobs, tiny
from vesalius.cli import main
from vesalius.pretrain import pretrain
from vesalius.runs import Run, tracking
from vesalius.runs.tracking import tracked

pytest.importorskip("tensorboard", reason="tensorboard is not installed (pip install 'vesalius[tracking]')")


def read(run: Run) -> dict[tuple[str, int], float]:
    """What TensorBoard shows."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seen = EventAccumulator(str(run.path / "tensorboard"), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    return {(tag, event.step): event.value for tag in seen.Tags()["scalars"] for event in seen.Scalars(tag)}


def numbers(run: Run) -> dict[tuple[str, int], float]:
    rows: list[dict[str, Any]] = run.metrics()
    return {
        (key, row["step"]): float(np.float32(value))
        for row in rows
        for key, value in row.items()
        if key not in ("step", "kind") and isinstance(value, int | float)
    }


def test_it_reads_what_the_run_measured(tmp_path: Path) -> None:
    made = pretrain(tiny(blobs(tmp_path)), out=tmp_path / "run", quiet=True, tracking="tensorboard")
    run = Run.open(made.path)
    found = read(run)
    assert {k: v for k, v in found.items() if not k[0].startswith("results/")} == numbers(run)
    assert len(found) > 20
    (file,) = (run.path / "tensorboard").iterdir()
    assert file.name == "events.out.tfevents.0000000000.vesalius", "no name of a machine"
    content = file.read_bytes()
    assert b"method.name: simclr" in content
    assert str(tmp_path).encode() not in content


def test_a_run_gone_on_with_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "POLL", 0.01)
    run = Run.create("pretrain", "x", {"steps": 9}, tmp_path / "run")
    for first, last in ((1, 6), (4, 9)):
        with tracked(run, [{"name": "tensorboard"}], True, print):
            run.cut_metrics(first - 1)
            run.measure([{"step": s, "loss": s / 7, "lr": None} for s in range(first, last + 1)])
    assert read(run) == numbers(run)
    assert len(read(run)) == 9


def test_without_the_package_it_says_which_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from vesalius.runs.trackers import tensorboard

    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        main(["pretrain", "demo", "--tracking", "tensorboard", "--out", str(tmp_path / "run")])
    assert ended.value.code == 2
    assert "pip install 'vesalius[tracking]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
