"""CIFAR-10: 60,000 colour photographs, 32 × 32, ten classes, 50,000 to train on and 10,000 to test with.

Reads ``cifar-10-batches-py`` as torchvision downloads and unpacks it, from the folder itself or the one above. The
batches are pickles; they are read by ``vesalius.data.unpickle``, which runs nothing of what is in them.
Krizhevsky, "Learning multiple layers of features from tiny images", 2009. Licence: none was stated by its authors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.data import cifar, shuffled
from vesalius.data.listing import Progress
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TASKS: dict[str, TaskSpec] = {"class": classification("class", "class", CLASSES)}
LICENCE = "none stated by the authors"
FILES = cifar.Files(
    source="cifar10",
    folder="cifar-10-batches-py",
    batches={f"data_batch_{i}": "train" for i in range(1, 6)} | {"test_batch": "test"},
    labels={"class": "labels"},
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
)


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of all images, in the order of torchvision. Raises UserError naming a missing or damaged batch."""
    assert root is not None
    return cifar.index(root, FILES, {"class": list(CLASSES)}, TASKS[task or "class"], LICENCE)


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The official division, a fifth of the training part held out as the original did; see ``shuffled``."""
    return shuffled.official(table)


def present(root: Path, task: str | None = None) -> bool:
    """Whether every batch is in ``root``."""
    return cifar.present(root, FILES)


def read(root: Path, uri: str) -> NDArray[np.uint8]:
    """``(N, 32, 32, 3)`` the images of one batch."""
    return cifar.read(root, uri)


def download(root: Path, *, progress: Progress | None = None, url: str = FILES.url, md5: str = FILES.md5) -> None:
    """The archive (163 MB), checked by its MD5 and unpacked into ``root``."""
    cifar.download(root, url, md5, progress)
