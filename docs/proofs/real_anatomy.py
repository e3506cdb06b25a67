"""The whole chain on real anatomy, through the command line: pretrain, fine-tune both twins over three seeds, predict on new scans.

    python -m docs.proofs.real_anatomy [FOLDER] [--pretrain_steps 240] [--steps 90] [--threads 2]

Subjects are warps of the MNI152 template (``mni_subjects``). Prints one JSON line. The network is small and the patch 48 voxels, so that two
cores need minutes. What comes out says that the chain works; all subjects are one brain, so that it is no result.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from docs.proofs.mni_subjects import write

_PATCH = "{patch: [48, 48, 48]}"
_NETWORK = ("--encoder.hidden_size", "96", "--encoder.mlp_dim", "384", "--encoder.num_heads", "6")


def command(folder: Path, threads: int, *words: str) -> float:
    """Run ``vesalius`` with ``words`` in ``folder``; seconds. Raises CalledProcessError."""
    began = time.monotonic()
    more = ("--threads", str(threads)) if words[0] != "predict" else ()
    subprocess.run([sys.executable, "-m", "vesalius.cli", *words, *more, "--device", "cpu"], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return time.monotonic() - began


def chain(folder: Path, pretrain_steps: int, steps: int, threads: int) -> dict[str, Any]:
    """All of it in ``folder``; what is to be shown."""
    began = time.monotonic()
    write(folder, scans=6, train=3, val=1, test=3)
    seconds = {"subjects": time.monotonic() - began}
    seconds["pretrain"] = command(
        folder, threads, "pretrain", "mr-mae", "--data.train", "scans", "--data.plan", _PATCH, *_NETWORK, "--method.width", "96", "--method.heads", "6",
        "--epochs", "null", "--steps", str(pretrain_steps), "--validate_every", f"{{steps: {pretrain_steps // 3}}}", "--optimizer.lr", "2e-3",
        "--examine", "false", "--out", "runs/mae",
    )  # fmt: skip
    seconds["finetune"] = command(
        folder, threads, "finetune", "volume-segmentation", "--encoder", "runs/mae", "--data.train", "list.json", "--decoder.feature_size", "4",
        "--steps", str(steps), "--batch_size", "2", "--optimizer.lr", "4e-3", "--validate_every", f"{{steps: {steps}}}",
        "--checkpoint_every", f"{{steps: {steps}}}", "--sliding.overlap", "0.25", "--twin", "true", "--seeds", "[1,2,3]", "--out", "runs/twins",
    )  # fmt: skip
    entries = json.loads((folder / "list.json").read_text())["test"]
    (folder / "new").mkdir()
    for entry in entries:
        (folder / "new" / Path(entry["image"]).name).symlink_to(folder.resolve() / entry["image"])
    seconds["predict"] = command(folder, threads, "predict", "runs/twins/pretrained-seed-1", "new", "--out", "segmented")
    results = json.loads((folder / "runs/twins/results.json").read_text())
    scores = {row["model"]: {key: row[key] for key in ("value", "spread", "values")} for row in results["repeated"]["rows"]}
    return {
        "name": "real anatomy",
        "scores": scores,
        "gain": results["repeated"]["gains"][-1],
        "verdict": results["verdict"],
        "reconstruction": reconstruction(folder / "runs/mae"),
        "same_grid": all(same_grid(folder, Path(entry["image"]).name) for entry in entries),
        "predicted": len(entries),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "total": round(time.monotonic() - began, 1),
        "setting": f"{pretrain_steps} steps of mr-mae, {steps} of fine-tuning, {threads} threads",
    }


def reconstruction(run: Path) -> dict[str, float]:
    """The last look of the monitor of reconstructions: L1 over all voxels, and what copying and the mean have."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    last = next(row for row in reversed(rows) if any(key.startswith("monitor/reconstruction/") for key in row))
    return {key.rpartition("/")[2]: value for key, value in last.items() if key.startswith("monitor/reconstruction/")}


def same_grid(folder: Path, name: str) -> bool:
    """Whether the prediction of a scan has its shape and its affine."""
    import nibabel

    scan: Any = nibabel.load(folder / "new" / name)  # type: ignore[attr-defined]
    found: Any = nibabel.load(folder / "segmented" / name.replace(".nii.gz", "_seg.nii.gz"))  # type: ignore[attr-defined]
    return bool(scan.shape == found.shape and np.allclose(scan.affine, found.affine, atol=1e-6))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where all of it is kept; a temporary folder when absent")
    for name, count in (("pretrain_steps", 240), ("steps", 90), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=count)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps(chain(folder, given.pretrain_steps, given.steps, given.threads)))


if __name__ == "__main__":
    main()
