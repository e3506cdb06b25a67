"""Subjects made of one real brain: the MNI152 average, T1 and tissues, at 2 mm, each time warped, shaded and noised otherwise.

    python -m docs.proofs.mni_subjects FOLDER [--scans 10] [--train 4] [--val 2] [--test 4]

Writes ``scans/`` (without labels), ``imagesTr/``, ``labelsTr/`` and ``list.json``. Labels: 0 background, 1 other brain, 2 grey matter,
3 white matter. Needs nilearn, in whose package the three volumes lie (ICBM 152, 2009a; Fonov et al., NeuroImage 2011). All subjects are
warps of one template: a figure reached on them says that a chain of commands works, and nothing of real people.
"""

from __future__ import annotations

import argparse
import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius import random

LABELS = ("background", "other brain", "grey matter", "white matter")


def template() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """T1 (x, y, z) in [0, 1], its three tissues' shares (3, x, y, z) in the order of ``LABELS``, and the affine, at 2 mm."""
    import nibabel

    folder = resources.files("nilearn") / "datasets" / "data"
    parts: list[NDArray[np.float32]] = []
    affine = np.eye(4)
    for name in ("t1", "gm", "wm"):
        image: Any = nibabel.load(Path(str(folder / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz")))  # type: ignore[attr-defined]
        values = np.asarray(image.dataobj, np.float32)
        values = values[: 2 * (values.shape[0] // 2), : 2 * (values.shape[1] // 2), : 2 * (values.shape[2] // 2)]
        x, y, z = (side // 2 for side in values.shape)
        parts.append(values.reshape(x, 2, y, 2, z, 2).mean((1, 3, 5)) / 255)
        affine = np.asarray(image.affine) @ np.diag([2, 2, 2, 1.0])
        affine[:3, 3] += np.asarray(image.affine)[:3, :3] @ np.full(3, 0.5)
    t1, grey, white = parts
    brain = (t1 > 0.05).astype(np.float32)
    other = np.clip(brain - grey - white, 0, 1)
    return t1, np.stack([other, grey, white]), affine


def subject(
    t1: NDArray[np.float32], tissues: NDArray[np.float32], number: int
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Image, about 0 to 1000, and labels of subject ``number``: turned by up to 8 degrees, scaled by up to 8 per cent, bent by some voxels,
    its grey values bent by gamma, shaded by a bias field, and noised.
    """
    from scipy import ndimage

    draw = random.generator("MNI subject", number)
    turn = np.eye(3)
    for a, b, angle in zip((0, 0, 1), (1, 2, 2), np.deg2rad(draw.uniform(-8, 8, 3)), strict=True):
        one = np.eye(3)
        one[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        turn = turn @ one
    middle = (np.array(t1.shape) - 1) / 2
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) - m for n, m in zip(t1.shape, middle, strict=True)), indexing="ij"))
    places = np.tensordot((turn * draw.uniform(0.92, 1.08, 3)).astype(np.float32), grid, 1) + middle[:, None, None, None]
    for axis in range(3):
        places[axis] += _waves(draw, t1.shape, 6, 1.5)
    moved = [ndimage.map_coordinates(volume, places, order=1) for volume in (t1, *tissues)]
    shares = np.stack(moved[1:])
    labels = np.where(shares.sum(0) > 0.5, shares.argmax(0) + 1, 0).astype(np.uint8)
    shade = np.exp(_waves(draw, t1.shape, 3, 0.12))
    values = np.clip(moved[0], 0, 1) ** draw.uniform(0.8, 1.25) * shade * 1000 + draw.normal(0, 25, t1.shape)
    return values.clip(-200, 2000).round().astype(np.int16), labels


def _waves(draw: np.random.Generator, shape: tuple[int, ...], count: int, deviation: float) -> NDArray[np.float32]:
    """A smooth field (x, y, z) of ``deviation``: half waves along each axis, up to ``count`` of them, the longer the stronger."""
    steps = np.arange(count)
    strength = draw.normal(size=(count,) * 3) / (1 + np.add.outer(np.add.outer(steps**2, steps**2), steps**2))
    for axis, side in enumerate(shape):
        waves = np.cos(np.pi * np.outer((np.arange(side) + 0.5) / side, steps))
        strength = np.moveaxis(np.tensordot(waves, strength, (1, axis)), 0, axis)
    return (strength * deviation / strength.std()).astype(np.float32)


def write(folder: Path, scans: int, train: int, val: int, test: int) -> Path:
    """All of them as NIfTI, every second one with axes to the left, back and top; returns the list of the labelled ones."""
    import nibabel

    t1, tissues, affine = template()
    entries = []
    for number in range(scans + train + val + test):
        image, labels = subject(t1, tissues, number)
        labelled = number >= scans
        name = f"{'case' if labelled else 'scan'}_{number:03}.nii.gz"
        for part, values in (("imagesTr" if labelled else "scans", image), *((("labelsTr", labels),) if labelled else ())):
            (folder / part).mkdir(parents=True, exist_ok=True)
            turned, placed = values, affine
            if number % 2:
                flip = np.diag([-1.0, -1.0, 1.0, 1.0])
                flip[:2, 3] = np.array(values.shape[:2]) - 1
                turned, placed = values[::-1, ::-1], affine @ flip
            made = nibabel.Nifti1Image(np.ascontiguousarray(turned), placed)  # type: ignore[attr-defined]
            made.header.set_xyzt_units("mm")
            nibabel.save(made, folder / part / name)  # type: ignore[attr-defined]
        if labelled:
            entries.append({"image": f"imagesTr/{name}", "label": f"labelsTr/{name}", "subject": f"{number:03}"})
    parts = {"training": entries[:train], "validation": entries[train : train + val], "test": entries[train + val :]}
    file = folder / "list.json"
    file.write_text(json.dumps({"labels": {str(value): name for value, name in enumerate(LABELS)}, **parts}, indent=1))
    return file


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, count in (("scans", 10), ("train", 4), ("val", 2), ("test", 4)):
        parser.add_argument(f"--{name}", type=int, default=count)
    given = parser.parse_args()
    print(write(given.folder, given.scans, given.train, given.val, given.test))


if __name__ == "__main__":
    main()
