"""Every protocol of frozen features on PneumoniaMNIST, through the command line, killed once and gone on with.

    python -m docs.proofs.full_comparison [FOLDER] [--data NPZ] [--epochs 20] [--threads 2] [--picture] [-- MORE FIELDS OF EVALUATE]

Examined are EfficientNet-Lite0 with ImageNet's weights (prepared from the package index by the example's zoo file), a small encoder of ours
pretrained by SimCLR on PneumoniaMNIST's training images (``--epochs``), a twin of each without training, and the pixels. Every protocol has
its documented settings. Prints a JSON line. ``--picture`` writes the top of the report to ``docs/pictures/evaluate.png``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docs.proofs.finetune_budget import command, environment, prepared

PROTOCOLS = ("few-shot", "linear", "knn", "label-efficiency", "attentive-probe", "rank", "retrieval")
PICTURE = Path(__file__).resolve().parents[1] / "pictures" / "evaluate.png"
_KILLED_AFTER = 8
"""Cells that are done when it is killed."""


def pretrained(folder: Path, data: str, epochs: float, threads: int) -> float:
    """An encoder of ours in ``runs/ours``; seconds, 0 where it was there already."""
    began = time.perf_counter()
    if not (folder / "runs/ours/results.json").exists():
        place = ("--data.train", data, "--data.monitor", data, "--data.limit", "null")
        fields = (*place, "--epochs", f"{epochs:g}", "--validate_every", f"{{epochs: {epochs:g}}}")
        words = ("pretrain", "fashion-mnist-simclr", *fields, "--examine", "false", "--device", "cpu", "--out", str(folder / "runs/ours"))
        subprocess.run(command(*words), env=environment(folder, threads), check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return time.perf_counter() - began


def cells(out: Path) -> dict[str, int]:
    """The cells of an evaluation that are done, with when they were written."""
    return {file.relative_to(out).as_posix(): file.stat().st_mtime_ns for file in out.glob("*/*/*.safetensors")}


def killed(words: Sequence[str], out: Path, env: Mapping[str, str]) -> tuple[float, dict[str, int]]:
    """Begin, and kill it outright once some cells are done; seconds, and those cells."""
    began = time.perf_counter()
    job = subprocess.Popen(command(*words, "--out", str(out)), env=dict(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    while job.poll() is None and len(cells(out)) < _KILLED_AFTER:
        time.sleep(0.2)
    job.kill()
    job.wait()
    return time.perf_counter() - began, cells(out)


def compared(folder: Path, data: str, threads: int, more: Sequence[str]) -> dict[str, Any]:
    """The whole comparison, in two parts."""
    out, env = folder / "runs" / "compared", environment(folder, threads)
    encoders = ("--encoder", prepared(folder), "--encoder", f"ours={folder / 'runs/ours'}")
    words = ["evaluate", ",".join(PROTOCOLS), *encoders, "--data", data, "--device", "cpu", *more]
    first, before = killed(words, out, env)
    began = time.perf_counter()
    done = subprocess.run(command(*words, "--resume", str(out)), env=env, check=False, capture_output=True, text=True)  # noqa: S603
    second = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    after, results = cells(out), json.loads((out / "results.json").read_text())
    keys = ("encoder", "metric", "value", "low", "high")
    return {
        "name": "full comparison",
        "seconds": [round(first, 1), round(second, 1)],
        "cells": len(after),
        "before": len(before),
        "again": sum(after.get(name) != when for name, when in before.items()),
        "absent": [row for name in PROTOCOLS for row in results[name.replace("-", "_")]["absent"]],
        "scores": {name: [{key: row[key] for key in keys} for row in results[name.replace("-", "_")]["cells"] if row["primary"]] for name in PROTOCOLS},
        "by_stage": {name: round(value, 1) for name, value in results["cost"]["time_by_stage"].items()},
        "words": results["verdict"],
        "setting": f"{threads} threads{', ' + ' '.join(more) if more else ''}",
    }


def picture(run: Path, place: Path = PICTURE) -> None:
    """The first screen of the report of ``run``."""
    from PIL import Image
    from tests.report.chromium import Chromium

    with Chromium() as browser:
        browser.open(run / "report.html", 1280, 980)
        browser.screen(place)
    Image.open(place).convert("RGB").quantize(64).save(place, optimize=True)  # letters on plain ground: small, and looks the same


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where all of it is kept; a temporary folder when absent")
    parser.add_argument("--data", default=f"{os.environ.get('PROVE_DATA', '.')}/pneumoniamnist.npz")
    parser.add_argument("--epochs", type=float, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--picture", action="store_true")
    own, more = (sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :]) if "--" in sys.argv else (sys.argv[1:], [])
    given = parser.parse_args(own)
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = (given.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        spent = pretrained(folder, given.data, given.epochs, given.threads)
        print(json.dumps({**compared(folder, given.data, given.threads, more), "pretraining": round(spent, 1)}))
        if given.picture:
            picture(folder / "runs/compared")


if __name__ == "__main__":
    main()
