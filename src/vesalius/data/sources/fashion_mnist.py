"""Fashion-MNIST: 70,000 grey images of clothes, 28 × 28, ten classes, 60,000 to train on and 10,000 to test with.

Reads the four idx files as they are downloaded (``.gz`` or unpacked), from the folder itself, torchvision's
``FashionMNIST/raw`` below it, or Debian's package ``dataset-fashion-mnist``, which is found by itself.
Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", 2017.
Licence: MIT.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from vesalius import files
from vesalius.data.containers import SourceContainer
from vesalius.data.listing import Progress
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
TASKS: dict[str, TaskSpec] = {"class": classification("class", "class", CLASSES)}
PLACES = (Path("/usr/share/datasets/fashion-mnist"),)
LICENCE = "MIT"
URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_PARTS = {"train": "train", "test": "t10k"}


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of all 70,000 images. Raises UserError naming the file that is missing or damaged."""
    assert root is not None
    base = _base(root)
    uris: list[str] = []
    names: list[str] = []
    frames: list[NDArray[np.int64]] = []
    labels: list[NDArray[np.uint8]] = []
    splits: list[str] = []
    for split, part in _PARTS.items():
        images, truth = (_need(base, f"{part}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
        values = _idx(truth)
        (n, height, width), _ = _header(images)
        if (height, width) != (28, 28) or values.shape != (n,) or (len(values) and values.max() > 9):
            raise UserError(
                f"{images.name} holds {n} images of {height} × {width} and {truth.name} labels of shape {values.shape}:"
                " not Fashion-MNIST. Download both again."
            )
        uris += [images.relative_to(root).as_posix()] * n
        names += [f"{part}-images"] * n
        frames.append(np.arange(n))
        labels.append(values)
        splits += [split] * n
    columns = {"split": splits, "label.class": np.concatenate(labels).astype(np.float64)}
    columns |= {"width": np.full(len(uris), 28), "height": np.full(len(uris), 28)}
    return SampleTable.of(
        "fashion-mnist",
        root,
        uris,
        columns,
        names=names,
        frames=np.concatenate(frames),
        class_names={"class": list(CLASSES)},
        task=TASKS[task or "class"],
        container=SourceContainer("fashion-mnist", str(root)),
        licence=LICENCE,
        split_by="source",
    )


def present(root: Path, task: str | None = None) -> bool:
    """Whether all four files are in ``root``."""
    return all(_file(_base(root), name.removesuffix(".gz")) for name in MD5)


def read(root: Path, uri: str) -> NDArray[np.uint8]:
    """``(N, 28, 28)`` the images of one idx file."""
    return _idx(root / uri)


def download(root: Path, *, progress: Progress | None = None, url: str = URL) -> None:
    """The four files (30 MB) into ``root``, each checked by its MD5."""
    for name, md5 in MD5.items():
        files.download(url + name, root / name, md5=md5, progress=progress)


def _base(root: Path) -> Path:
    return next(
        (folder for folder in (root, root / "FashionMNIST" / "raw") if _file(folder, "train-images-idx3-ubyte")), root
    )


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _need(folder: Path, name: str) -> Path:
    path = _file(folder, name)
    if path is None:
        raise UserError(
            f"The folder {folder} holds no {name}.gz, which Fashion-MNIST needs. Give the folder of its four idx files"
            " as fashion-mnist@FOLDER, install Debian's package dataset-fashion-mnist, or allow the download."
        )
    return path


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    with files.opened(path) as file:
        if path.suffix != ".gz":
            yield file
            return
        with gzip.GzipFile(fileobj=file) as plain:
            yield plain


def _header(path: Path) -> tuple[tuple[int, ...], int]:
    """Shape and length of the header. The idx format: two zeros, the type (8: bytes), the rank, one int32 per axis."""
    try:
        with _open(path) as file:
            magic = file.read(4)
            rank = magic[3] if len(magic) == 4 and magic[:3] == b"\x00\x00\x08" else 0
            sides = np.frombuffer(file.read(4 * rank), ">i4")
    except (OSError, EOFError, zlib.error):
        rank, sides = 0, np.zeros(0, ">i4")
    if rank not in (1, 3) or len(sides) != rank:
        raise UserError(f"{path} is no idx file of bytes, or is damaged. Download it again.")
    return tuple(int(side) for side in sides), 4 + 4 * rank


def _idx(path: Path) -> NDArray[np.uint8]:
    shape, start = _header(path)
    try:
        with _open(path) as file:
            data = file.read()
    except (OSError, EOFError, zlib.error):
        data = b""
    if len(data) - start != int(np.prod(shape)):
        raise UserError(
            f"{path} is damaged: its header promises {int(np.prod(shape))} values and {max(0, len(data) - start)} can"
            " be read. Download it again."
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()
