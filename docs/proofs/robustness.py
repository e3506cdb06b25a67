"""Robustness, images and volumes: fine-tuned runs on a pretrained encoder and their twins from random weights, disturbed alike.

    python -m docs.proofs.robustness [FOLDER] [--epochs 3] [--seeds 3] [--threads 2]

Images: patches of a real head (the source ``demo``), an encoder pretrained by SimCLR. Volumes: the runs of ``real_anatomy``, which are made in
FOLDER/volumes where they are not there yet. All go through the command line. Prints a JSON line for each. What comes out is reported, whatever it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from docs.proofs import real_anatomy

_NETWORK = ("--encoder.name", "resnet18", "--encoder.stem", "innereye", "--encoder.width", "0.25", "--encoder.size", "32")


def command(folder: Path, *words: str) -> None:
    """Run ``vesalius`` with ``words`` in ``folder``."""
    subprocess.run([sys.executable, "-m", "vesalius.cli", *words, "--device", "cpu"], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def compared(folder: Path, name: str, pairs: list[tuple[str, str]], precision: str = "fp32") -> dict[str, Any]:
    """``vesalius evaluate robustness`` of each pair; what came out of each, in numbers and words."""
    found = []
    for number, (pretrained, scratch) in enumerate(pairs, 1):
        out = f"runs/robustness-{name}-{number}"
        if not (folder / out / "results.json").exists():
            command(folder, "evaluate", "robustness", "--run", pretrained, "--run", scratch, "--precision", precision, "--out", out)
        results = json.loads((folder / out / "results.json").read_text())
        part = results["robustness"]
        of_all = [row for row in part["areas"] if row["perturbation"] == "all"]
        found.append(
            {
                "clean": {row["run"]: row["value"] for row in part["curves"] if row["level"] == 0},
                "areas": {row["run"]: {key: row[key] for key in ("value", "low", "high", "change", "change_low", "change_high", "kept")} for row in of_all},
                "difference": next(row for row in part["area_differences"] if row["perturbation"] == "all"),
                "intervals": all(row["low"] is not None and row["low"] <= row["value"] <= row["high"] for row in part["areas"]),
                "strengths": {one["name"]: len(one["strengths"]) for one in part["perturbations"]},
                "words": results["verdict"],
                "metric": part["metric"],
                "n": part["n"],
                "unit": part["unit"],
            }
        )
    return {"name": f"robustness of {name}", "pairs": found, "runs": pairs}


def images(folder: Path, epochs: float, seeds: int, threads: int) -> dict[str, Any]:
    """Classifiers of the demo's patches, trained end to end on its encoder and on random weights."""
    common = ("--threads", str(threads))
    if not (folder / "runs/demo/results.json").exists():
        command(folder, "pretrain", "demo", "--epochs", str(epochs), "--examine", "false", *common, "--out", "runs/demo")
    pairs = []
    for seed in range(1, seeds + 1):
        pair = (f"runs/pretrained-{seed}", f"runs/scratch-{seed}")
        for out, encoder in zip(pair, (("--encoder.weights", "runs/demo"), _NETWORK), strict=True):
            if not (folder / out / "results.json").exists():
                settings = ("--encoder.freeze", "false", "--encoder.lr_factor", "1", "--linear_first", "false", "--seed", str(seed), "--epochs", str(epochs))
                command(folder, "finetune", "classifier", *encoder, "--data.train", "demo", *settings, *common, "--out", out)
        pairs.append(pair)
    return compared(folder, "images", pairs)


def volumes(folder: Path, seeds: int, threads: int) -> dict[str, Any]:
    """Segmenters of warped heads and their twins, as ``real_anatomy`` makes them."""
    if not (folder / "runs/twins/results.json").exists():
        real_anatomy.chain(folder, 150, 90, threads)
    return compared(folder, "volumes", [(f"runs/twins/pretrained-seed-{seed}", f"runs/twins/scratch-seed-{seed}") for seed in range(1, seeds + 1)])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where all of it is kept; a temporary folder when absent")
    parser.add_argument("--epochs", type=float, default=3)
    for name, count in (("seeds", 3), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=count)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = given.folder or Path(temporary)
        for name in ("images", "volumes"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        print(json.dumps(images(folder / "images", given.epochs, given.seeds, given.threads)), flush=True)
        print(json.dumps(volumes(folder / "volumes", given.seeds, given.threads)), flush=True)


if __name__ == "__main__":
    main()
