"""A step of the restoration recipe against the code of MONAI's self-supervised tutorial on today's MONAI, and a step of MAE.

Four CT phantoms of 512 x 512 x 80 voxels (int16, NIfTI, gzip; air, fat, soft tissue, bone, contrast and noise), two patches of each,
96 voxels a side, equal threads. The tutorial reads, resamples, crops and damages with its transforms and takes MONAI's
``ContrastiveLoss``; ours reads patches from the store, damages them in batches and takes the product of matrices. The sides
alternate; medians count. Lines: (i) everything but the network (reading, views, loss forward and backward), (ii) the whole step with the
network, in fp32 and in the automatic precision, (iii) MAE's whole step against restoration's, the time to build the store in
epochs of what it saves. ``--full``: five rounds, and the greatest memory of our step, measured in a process of its own; without it
one round; ``--volumes 2``: half the batch. ``--small``: small volumes and a small network, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

warnings.filterwarnings("ignore")

DRAWS, TEMPERATURE = 2, 0.05
SPACING = (0.8, 0.8, 5.0)


@dataclass(frozen=True)
class Setting:
    """Voxels of a file and of a patch; the network."""

    shape: tuple[int, int, int] = (512, 512, 80)
    patch: int = 96
    hidden: int = 768
    mlp: int = 3072
    layers: int = 12
    heads: int = 12
    volumes: int = 4

    def scaled(self, side: int) -> int:
        """A side of the tutorial, whose patch has 96 voxels."""
        return max(1, round(side * self.patch / 96))


SMALL = Setting((96, 96, 20), 32, 24, 48, 2, 2)


def phantom(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """HU: a body with fat around it, a spine, three organs, contrast in one, noise."""
    rng = np.random.default_rng(seed)
    axes = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]

    def inside(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
        x, y, z = (((axis - c) / r).astype(np.float32) ** 2 for axis, c, r in zip(axes, centre, radii, strict=True))
        return x + y + z <= 1

    values = np.full(shape, -1000, np.float32)
    for hu, centre, radii in (
        (-100, (0, 0, 0), (0.8, 0.7, 3)), (40, (0, 0, 0), (0.72, 0.62, 3)), (700, (0, -0.45, 0), (0.12, 0.12, 3)),
        (60, (0.3, 0.1, 0.2), (0.3, 0.3, 0.6)), (200, (-0.3, -0.1, 0), (0.12, 0.15, 0.5)), (20, (-0.2, 0.3, 0.3), (0.2, 0.2, 0.4)),
    ):  # fmt: skip
        values[inside(tuple(c + rng.uniform(-0.03, 0.03) for c in centre), radii)] = hu  # type: ignore[arg-type]
    return (values + 12 * rng.standard_normal(shape, np.float32)).astype(np.int16)


def written(root: Path, setting: Setting) -> list[Path]:
    """The four files, as TCIA names them."""
    import nibabel

    found = []
    for number in range(setting.volumes):
        image = nibabel.Nifti1Image(phantom(setting.shape, number), np.diag([*SPACING, 1.0]))
        image.header.set_xyzt_units("mm", "sec")
        found.append(root / f"volume-covid19-A-{number:04}.nii.gz")
        nibabel.save(image, found[-1])
    return found


class Tutorial:
    """The tutorial's cells, its devices and paths left out."""

    def __init__(self, files: list[Path], setting: Setting) -> None:
        from monai import transforms as t
        from monai.data import DataLoader, Dataset
        from monai.losses import ContrastiveLoss
        from monai.networks.nets import ViTAutoEnc

        roi, s = (setting.patch,) * 3, setting.scaled

        def damage(key: str) -> list[Any]:
            inside = t.RandCoarseDropoutd(keys=[key], prob=1.0, holes=6, spatial_size=s(5), dropout_holes=True, max_spatial_size=s(32))
            outside = t.RandCoarseDropoutd(keys=[key], prob=1.0, holes=6, spatial_size=s(20), dropout_holes=False, max_spatial_size=s(64))
            return [t.OneOf(transforms=[inside, outside]), t.RandCoarseShuffled(keys=[key], prob=0.8, holes=10, spatial_size=s(8))]

        steps = [
            t.LoadImaged(keys=["image"]),
            t.EnsureChannelFirstd(keys=["image"]),
            t.Spacingd(keys=["image"], pixdim=(2.0, 2.0, 2.0), mode="bilinear"),
            t.ScaleIntensityRanged(keys=["image"], a_min=-57, a_max=164, b_min=0.0, b_max=1.0, clip=True),
            t.CropForegroundd(keys=["image"], source_key="image", allow_smaller=True),
            t.SpatialPadd(keys=["image"], spatial_size=roi),
            t.RandSpatialCropSamplesd(keys=["image"], roi_size=roi, random_size=False, num_samples=DRAWS),
            t.CopyItemsd(keys=["image"], times=2, names=["gt_image", "image_2"], allow_missing_keys=False),
            *damage("image"),
            *damage("image_2"),
        ]
        data = Dataset(data=[{"image": str(file)} for file in files], transform=t.Compose(steps))
        self.loader = DataLoader(data, batch_size=setting.volumes, shuffle=True, num_workers=0)
        self.l1, self.contrastive = torch.nn.L1Loss(), ContrastiveLoss(temperature=TEMPERATURE)
        self.model = ViTAutoEnc(1, roi, (16, 16, 16), hidden_size=setting.hidden, mlp_dim=setting.mlp, num_layers=setting.layers, num_heads=setting.heads)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-4)

    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Two views and the original, eight of each."""
        found = next(iter(self.loader))
        first, second, original = (found[name] for name in ("image", "image_2", "gt_image"))
        return tuple(getattr(x, "as_tensor", lambda x=x: x)() for x in (first, second, original))  # type: ignore[return-value]

    def loss(self, one: Tensor, two: Tensor, original: Tensor) -> Tensor:
        """L1 + contrastive x L1."""
        l1 = self.l1(one, original)
        found: Tensor = l1 + self.contrastive(one.flatten(1), two.flatten(1)) * l1
        return found

    def without_network(self) -> None:
        """(i): the views stand for the reconstructions."""
        first, second, original = self.batch()
        self.loss(first.requires_grad_(), second.requires_grad_(), original).backward()

    def step(self) -> None:
        """(ii)."""
        first, second, original = self.batch()
        self.optimizer.zero_grad()
        self.loss(self.model(first)[0], self.model(second)[0], original).backward()
        self.optimizer.step()


class Ours:
    """A recipe's step as the loop takes it."""

    def __init__(self, store: Any, recipe: str, setting: Setting, precision: str = "fp32") -> None:
        from vesalius import registry, views
        from vesalius.encoders import build_encoder
        from vesalius.recipes.loading import load_pretrain
        from vesalius.training.feed import Feed
        from vesalius.training.optimizers import Stepper
        from vesalius.training.precision import autocast_type
        from vesalius.training.world import World

        config, _ = load_pretrain(recipe)
        cpu = torch.device("cpu")
        self.world = World(0, 1, cpu, autocast_type(precision, cpu))
        self.views = views.at_size(views.load(config.views, 1), (setting.patch,) * 3)
        self.feed = Feed(store, np.arange(len(store.ids)), self.views, self.world, seed=1, batch_size=setting.volumes * DRAWS, draws_per_sample=DRAWS)
        encoder = build_encoder(
            "monai:vit", channels=1, size=(setting.patch,) * 3, hidden_size=setting.hidden, mlp_dim=setting.mlp, num_layers=setting.layers,
            num_heads=setting.heads,
        )  # fmt: skip
        module = registry.entry("methods", config.method.name)
        fields = {**config.method.fields, **({"width": 24, "depth": 1, "heads": 2} if setting.hidden == SMALL.hidden and config.method.name == "mae" else {})}
        self.method = module.build(encoder, module.Config(**fields)).train()
        self.stepper = Stepper(config.optimizer, self.method.groups(), {p: n for n, p in self.method.named_parameters()}, setting.volumes * DRAWS)
        self.taken = 0

    def without_network(self) -> None:
        """(i): the views stand for the reconstructions."""
        from vesalius.methods.restoration import restored, weighted
        from vesalius.methods.simclr import nt_xent

        reads, _ = self.feed.at(self.taken)
        self.taken += 1
        batch = self.views.apply(reads[0].pixels, reads[0].draws)
        first, second = (view.requires_grad_() for view in batch.views["corrupted"])
        l1, times, _ = weighted(restored(first, batch.views["clean"][0]), nt_xent(first.flatten(1), second.flatten(1), TEMPERATURE), 1.0)
        (l1 + times).backward()

    def step(self) -> None:
        """(ii), (iii)."""
        from vesalius.training.fit import _forward_backward
        from vesalius.training.length import Length
        from vesalius.training.log import Spent

        reads, samples = self.feed.at(self.taken)
        at = Length(1000, self.feed.steps_per_epoch, 1, 1).at(self.taken)
        self.taken += 1
        self.stepper.set_rate(at)
        _forward_backward(self.method, self.method, self.views, reads, at, self.world, samples, Spent(), self.feed)
        self.stepper.step(torch.zeros(()))


def stored(root: Path) -> tuple[Any, float]:
    """The store of the four files, and the seconds it took to build."""
    from vesalius.data import references, store
    from vesalius.data.sources.tcia_covid19_ct import plan

    table = references.resolve(f"tcia-covid19-ct@{root}")
    began = time.perf_counter()
    built = store.build(table, plan())
    return built, time.perf_counter() - began


def median(sides: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Seconds of a step of each side; they alternate, and with more than one round the first does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(rounds + (rounds > 1)):
        for name, step in sides.items():
            began = time.perf_counter()
            step()
            if round_ or rounds == 1:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(found) for name, found in seconds.items()}


def said(name: str, ours: float, peer: float, unit: str, setting: str) -> None:
    """One line."""
    found = {"name": name, "ours": round(ours, 3), "peer": round(peer, 3), "ratio": round(peer / ours, 2), "unit": unit, "setting": setting}
    print(json.dumps(found), flush=True)


def peak(root: Path, words: list[str]) -> float:
    """GiB at most in a process that takes two restoration steps and nothing else."""
    done = subprocess.run([sys.executable, "-W", "ignore", __file__, "--peak", str(root), *words], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--volumes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peak", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    setting = replace(SMALL if given.small else Setting(), volumes=given.volumes)
    if given.peak is not None:
        ours = Ours(stored(given.peak)[0], "tcia-restoration", setting)
        ours.step()
        ours.step()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
        return
    rounds = given.rounds or (5 if given.full else 1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VESALIUS_CACHE"] = f"{folder}/cache"
        root = Path(folder) / "data"
        root.mkdir()
        files = written(root, setting)
        store, seconds = stored(root)
        words = ["--threads", str(given.threads), "--volumes", str(given.volumes), *(["--small"] if given.small else [])]
        of = "x".join(map(str, setting.shape))
        where = f"{setting.volumes} volumes of {of}, {setting.volumes * DRAWS} patches of {setting.patch}^3, {given.threads} threads, median of {rounds}"
        largest = peak(root, words) if given.full or given.small else None
        tutorial, ours = Tutorial(files, setting), Ours(store, "tcia-restoration", setting)
        outside = median({"ours": ours.without_network, "peer": tutorial.without_network}, rounds)
        said("restoration, all but the network, against MONAI's tutorial", outside["ours"], outside["peer"], "s per step", where)
        reading = median({"ours": lambda: ours.feed.at(ours.taken) and None, "peer": lambda: tutorial.batch() and None}, rounds)
        epochs = seconds / max(1e-9, reading["peer"] - reading["ours"])
        said("building the store, against an epoch of the tutorial's reading", seconds, reading["peer"], "s", f"{where}; paid for after {epochs:.1f} epochs")
        sides = {"ours": ours.step, "peer": tutorial.step, "mae": Ours(store, "ct-mae", setting).step}
        auto = Ours(store, "tcia-restoration", setting, "auto")
        if auto.world.autocast is not None:
            sides["auto"] = auto.step
        whole = median(sides, rounds)
        said("restoration, whole step in fp32, against MONAI's tutorial", whole["ours"], whole["peer"], "s per step", where)
        if "auto" in whole:
            said("restoration, whole step in bf16, against MONAI's tutorial", whole["auto"], whole["peer"], "s per step", where)
        said("MAE, whole step, against restoration", whole["mae"], whole["ours"], "s per step", where)
        if largest is not None:
            said("memory of a restoration step, against 8 GiB", largest, 8.0, "GiB", where)


if __name__ == "__main__":
    main()
