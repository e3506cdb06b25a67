"""Whether a job that is killed goes on where it was: `vesalius select` with a training, ended by SIGKILL in each of its stages, then gone on with.

    python -m docs.proofs.killed_selection [--images 300] [--epochs 6]

For each stage one JSON line: which stage was going on when the signal came, which were done and whether they were done again (a stage that is
done again has other seconds in stages.json), the step from which the training went on, and whether picks and vectors equal those of a job that
was never killed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

STAGES = ("train", "embed", "select", "report")
SIDE = 24


def make(folder: Path, count: int) -> None:
    """``count`` images of noise on a ground of their own."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(count):
        pixels = rng.normal(rng.integers(40, 220, 3), 30, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png")


def states(run: Path) -> dict[str, Any]:
    """What ``stages.json`` says, nothing while it is not there."""
    try:
        found: dict[str, Any] = json.loads((run / "stages.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def killed_in(stage: str, command: list[str], run: Path, env: dict[str, str]) -> dict[str, Any]:
    """Start, send SIGKILL as soon as ``stage`` goes on (a training: once it has saved), and say what ``stages.json`` held then."""
    process = subprocess.Popen([*command, "--out", str(run)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    while process.poll() is None:
        saved = stage != "train" or any((run / "training" / "checkpoints").glob("step-*"))
        if states(run).get(stage, {}).get("state") == "running" and saved:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return states(run)


def result(run: Path) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Picks and vectors."""
    return pd.read_parquet(run / "selection.parquet"), np.load(run / "vectors.npy")


def first_step(run: Path) -> int:
    """The last step whose numbers were kept of the training before it was killed."""
    folders = (run / "training" / "checkpoints").glob("step-*")
    return max((int(folder.name.removeprefix("step-")) for folder in folders), default=0)


def main() -> None:
    """One job to its end, then one killed in each stage."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make(root / "images", options.images)
        env = {**os.environ, "VESALIUS_CACHE": f"{name}/cache", "VESALIUS_RUNS": f"{name}/runs"}
        small = ["--model.width", "0.125", "--training.augmentation.image_size", "16", "--training.recipe.checkpoint_every.steps", "2"]
        verb = [sys.executable, "-m", "vesalius.cli", "select"]
        job = [*verb, "--data", str(root / "images"), "--n", "20", "--training.epochs", str(options.epochs), *small]
        subprocess.run([*job, "--out", str(root / "whole")], env=env, check=True, capture_output=True)  # noqa: S603
        picks, vectors = result(root / "whole")
        for stage in STAGES:
            run = root / stage
            before = killed_in(stage, job, run, env)
            step = first_step(run) if stage == "train" else None
            resumed = subprocess.run([*verb, "--resume", str(run)], env=env, capture_output=True, text=True)  # noqa: S603
            after = states(run)
            done = [one for one in STAGES if before.get(one, {}).get("state") == "done"]
            again = [one for one in done if before[one]["seconds"] != after[one]["seconds"]]
            same = False
            if resumed.returncode == 0:
                mine, own = result(run)
                same = mine.equals(picks) and np.array_equal(own, vectors)
            going = next((one for one in STAGES if before.get(one, {}).get("state") == "running"), "none")
            line = {"name": f"killed in {stage}", "going_on": going, "done": done, "again": again, "step": step, "same": same, "code": resumed.returncode}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
