"""What the gallery runs: each a command, gone on with where it was interrupted and not run again where it is done."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docs.gallery.material import HERE, IMAGES, OURS, OURS_VIT, PUBLIC, public_weights

TRAINED = {OURS: (), OURS_VIT: (), "ours-2": ("--epochs", "2"), "ours-1": ("--epochs", "1")}
"""Encoders of ours to what differs from their recipes; the last two are of the first's."""
_BOTH = f"--encoder {PUBLIC} --encoder {OURS}=runs/{OURS}"
_ALL = f"{_BOTH} --encoder {OURS_VIT}=runs/{OURS_VIT}"
_FIVE = f"{_ALL} --encoder ours-2=runs/ours-2 --encoder ours-1=runs/ours-1"
_TWO = f"--images {IMAGES}/chest --images {IMAGES}/retina"
_LOOK = f"--images {IMAGES}/children {_TWO} --images {IMAGES}/histology"
_FEW = "--max-images 1500 --saliency.coarse-to-fine true --saliency.budget 0.005 --invariance.probes 40"
COMMANDS = {
    "saliency": f"vesalius evaluate saliency {_ALL} {_LOOK} --coarse-to-fine true --budget 0.02 --out runs/saliency",
    "grad-cam": f"vesalius evaluate saliency {_BOTH} {_LOOK} --map grad-cam --out runs/grad-cam",
    "attention": f"vesalius evaluate saliency --encoder {OURS_VIT}=runs/{OURS_VIT} {_LOOK} --map attention-rollout --out runs/attention",
    "reconstruction": f"vesalius evaluate reconstruction {_BOTH} {_TWO} --size 96 --iterations 300 --out runs/reconstruction",
    "compared": f"vesalius evaluate few-shot,knn,saliency,invariance {_FIVE} --data pneumoniamnist.npz {_FEW} --out runs/compared",
}
"""Run to its command, as the page shows it: in the gallery's folder, where ``images``, ``runs`` and PneumoniaMNIST's file are."""
SMALL = {
    "saliency": "--budget 0.001",
    "reconstruction": "--iterations 4 --size 64",
    "compared": "--invariance.probes 6 --invariance.settings 2 --max-images 80 --n-images 3 --saliency.budget 0.001 --few-shot.episodes 40",
}
"""Run to what is added for a try-out."""


@dataclass(frozen=True)
class Gallery:
    """The folder of all of it. ``small``: for a try-out, encoders are hardly trained and few views are taken."""

    folder: Path
    data: Path
    threads: int = 2
    small: bool = False

    def run(self, name: str) -> Path:
        """The directory of a run."""
        return self.folder / "runs" / name

    @property
    def seconds(self) -> dict[str, float]:
        """What each run has taken, in whichever call of the generator; without what an interrupted call lost."""
        file = self.folder / "seconds.json"
        found: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
        return found

    def prepare(self) -> None:
        """The images, the encoders, and PneumoniaMNIST's file beside them."""
        from docs.gallery.material import write_images

        self.folder.mkdir(parents=True, exist_ok=True)
        write_images(self.folder, self.data)
        place = self.folder / "pneumoniamnist.npz"
        if not place.exists():
            place.symlink_to(self.data.resolve())
        if not (self.folder / "cache" / "models" / PUBLIC).exists():
            self._prepare_public()
        for name, changes in TRAINED.items():
            fewer = ["--steps", "2", "--validate_every", "{steps: 2}"] if self.small else changes
            recipe = HERE / f"{OURS_VIT if name == OURS_VIT else OURS}.yaml"
            words = ["pretrain", str(recipe), "--data.train", "pneumoniamnist.npz", "--threads", str(self.threads), *fewer]
            self._made(name, [*words, "--out", f"runs/{name}"], ["pretrain", "--resume", f"runs/{name}"])

    def _prepare_public(self) -> None:
        zoo = str(HERE.parents[1] / "examples" / "efficientnet_zoo.py")
        self._call(["models", "prepare", PUBLIC, "--plugins", zoo, "--file", str(public_weights())])

    def evaluate(self, name: str) -> None:
        """The run ``name`` of ``COMMANDS``."""
        words = shlex.split(f"{COMMANDS[name]} {SMALL.get(name, '') if self.small else ''}")[1:]
        self._made(name, words, ["evaluate", words[1], "--resume", f"runs/{name}"])

    def _made(self, name: str, words: Sequence[str], again: Sequence[str]) -> None:
        run = self.run(name)
        if (run / "results.json").exists():
            return
        began = time.perf_counter()
        self._call(again if (run / "run.json").exists() else words)
        spent = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 1)
        (self.folder / "seconds.json").write_text(json.dumps({**self.seconds, name: spent}))
        print(f"{name}: {spent} s", flush=True)

    def _call(self, words: Sequence[str]) -> None:
        own = {"VESALIUS_CACHE": str(self.folder / "cache"), "VESALIUS_RUNS": str(self.folder / "runs"), "OMP_NUM_THREADS": str(self.threads)}
        command = [sys.executable, "-m", "vesalius.cli", *words]
        done = subprocess.run(command, cwd=self.folder, env={**os.environ, **own}, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            raise SystemExit(f"vesalius {' '.join(words)}\n{done.stderr}")
