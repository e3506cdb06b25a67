"""CIFAR-100: 60,000 colour photographs, 32 × 32, 100 classes in 20 groups, 50,000 to train on, 10,000 to test with.

Reads ``cifar-100-python`` as torchvision downloads and unpacks it, from the folder itself or the one above. Tasks:
``fine`` (100 classes, the default) and ``coarse`` (the 20 groups). The files are pickles; they are read by
``vesalius.data.unpickle``, which runs nothing of what is in them.
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

FINE = tuple(
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle "  # noqa: SIM905
    "caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant "
    "flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man "
    "maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree "
    "plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper "
    "snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train "
    "trout tulip turtle wardrobe whale willow_tree wolf woman worm".split()
)
COARSE = tuple(
    "aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices "  # noqa: SIM905
    "household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes "
    "large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees "
    "vehicles_1 vehicles_2".split()
)
TASKS: dict[str, TaskSpec] = {
    "fine": classification("fine", "fine", FINE),
    "coarse": classification("coarse", "coarse", COARSE),
}
LICENCE = "none stated by the authors"
FILES = cifar.Files(
    source="cifar100",
    folder="cifar-100-python",
    batches={"train": "train", "test": "test"},
    labels={"fine": "fine_labels", "coarse": "coarse_labels"},
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    md5="eb9058c3a382ffc7106e4002c42a8d85",
)


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of all images, in the order of torchvision. Raises UserError naming a missing or damaged file."""
    assert root is not None
    return cifar.index(root, FILES, {"fine": list(FINE), "coarse": list(COARSE)}, TASKS[task or "fine"], LICENCE)


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The official division, a fifth of the training part held out as the original did; see ``shuffled``."""
    return shuffled.official(table)


def present(root: Path, task: str | None = None) -> bool:
    """Whether both files are in ``root``."""
    return cifar.present(root, FILES)


def read(root: Path, uri: str) -> NDArray[np.uint8]:
    """``(N, 32, 32, 3)`` the images of one file."""
    return cifar.read(root, uri)


def download(root: Path, *, progress: Progress | None = None, url: str = FILES.url, md5: str = FILES.md5) -> None:
    """The archive (161 MB), checked by its MD5 and unpacked into ``root``."""
    cifar.download(root, url, md5, progress)
