"""The batch files of CIFAR-10 and CIFAR-100: pickled dictionaries of rows of 3072 bytes and lists of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius import files
from vesalius.data.containers import SourceContainer
from vesalius.data.listing import Progress
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.data.unpickle import unpickle
from vesalius.errors import UserError


@dataclass(frozen=True)
class Files:
    """How one of the two sets lies on disk: ``batches`` file to split, ``labels`` our name to the file's key."""

    source: str
    folder: str
    batches: Mapping[str, str]
    labels: Mapping[str, str]
    url: str
    md5: str


def present(root: Path, what: Files) -> bool:
    """Whether every batch file is there."""
    return all((_base(root, what) / name).is_file() for name in what.batches)


def index(root: Path, what: Files, class_names: dict[str, list[str]], task: TaskSpec, licence: str) -> SampleTable:
    """The table of all batches in their order; labels are read, images only counted.

    Raises UserError where a batch is missing or damaged.
    """
    base = _base(root, what)
    uris: list[str] = []
    splits: list[str] = []
    frames: list[NDArray[np.int64]] = []
    labels: dict[str, list[NDArray[np.float64]]] = {name: [] for name in what.labels}
    for name, split in what.batches.items():
        if not (base / name).is_file():
            raise UserError(
                f"The folder {base} holds no {name}, which {what.source} needs. Give the folder that holds"
                f" {what.folder} as {what.source}@FOLDER, or allow the download."
            )
        batch = _batch(base / name)
        n = len(_rows(batch, base / name))
        for label, key in what.labels.items():
            values = np.asarray(batch.get(key, []), np.float64)
            if values.shape != (n,) or (n and not 0 <= values.min() <= values.max() < len(class_names[label])):
                raise UserError(
                    f"{base / name} does not hold {n} valid {key}. It is not a file of {what.source}, or is damaged:"
                    " get it again."
                )
            labels[label].append(values)
        uris += [(base / name).relative_to(root).as_posix()] * n
        splits += [split] * n
        frames.append(np.arange(n))
    columns: dict[str, object] = {f"label.{name}": np.concatenate(values) for name, values in labels.items()}
    columns |= {"split": splits, "width": np.full(len(uris), 32), "height": np.full(len(uris), 32)}
    return SampleTable.of(
        what.source,
        root,
        uris,
        columns,
        names=[uri.rpartition("/")[2] for uri in uris],
        frames=np.concatenate(frames),
        class_names=class_names,
        task=task,
        container=SourceContainer(what.source, str(root)),
        licence=licence,
        split_by="source",
    )


def read(root: Path, uri: str) -> NDArray[np.uint8]:
    """``(N, 32, 32, 3)`` the images of one batch file."""
    rows = _rows(_batch(root / uri), root / uri)
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def download(root: Path, url: str, md5: str, progress: Progress | None) -> None:
    """Fetch the archive, check it, unpack it into ``root`` and delete it."""
    archive = files.download(url, root / url.rpartition("/")[2], md5=md5, progress=progress)
    files.extract(archive, root)
    archive.unlink()


def _base(root: Path, what: Files) -> Path:
    return root / what.folder if (root / what.folder).is_dir() else root


def _batch(path: Path) -> dict[str, object]:
    batch = unpickle(path)
    if not isinstance(batch, dict):
        raise UserError(f"{path} is no batch of CIFAR: it holds a {type(batch).__name__}. Get it again.")
    return {key.decode("latin-1") if isinstance(key, bytes) else str(key): value for key, value in batch.items()}


def _rows(batch: dict[str, object], path: Path) -> NDArray[np.uint8]:
    rows = batch.get("data")
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != 3072:
        raise UserError(f"{path} is no batch of CIFAR: its 'data' are not rows of 3072 bytes. Get it again.")
    return rows
