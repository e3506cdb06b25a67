"""MedMNIST: twelve sets of small 2D medical images (28, 64, 128 or 224 px), and any ``.npz`` of the same layout.

Layout: arrays ``train_images`` (N, H, W) or (N, H, W, 3) of bytes and ``train_labels`` (N, L), the same for ``val``
and ``test``. References: ``medmnist@FILE.npz``, ``medmnist@FOLDER:pneumoniamnist``, ``medmnist:pathmnist_64`` (which
may be downloaded), or just ``FILE.npz``. The split is the set's own. A file's name says which set it is; of a file of
another name the kind is read from the labels: several columns are multi-label, two values binary, more are classes.
Downloads are checked by the MD5 that MedMNIST 3.0.2 publishes for each of the 48 files; a file that is already there
is taken as it is. Yang et al., "MedMNIST v2", Scientific Data 2023. Licence: CC BY 4.0 (dermamnist: CC BY-NC 4.0).
"""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from vesalius import files
from vesalius.data.containers import SourceContainer
from vesalius.data.listing import Progress
from vesalius.data.sources._medmnist_flags import FLAGS
from vesalius.data.table import SampleTable
from vesalius.data.task import Kind, TaskSpec
from vesalius.errors import UserError

URL = "https://zenodo.org/records/10519652/files/"
SPLITS = ("train", "val", "test")
SIZES = (28, 64, 128, 224)
_IN_MEMORY = 1 << 30  # bytes: a larger array is unpacked once and memory-mapped


def _task(flag: str) -> TaskSpec:
    known = FLAGS[flag]
    labels = known.classes if known.kind == "multilabel" else ("class",)
    return TaskSpec(flag, known.kind, labels, known.classes)


TASKS: dict[str, TaskSpec] = {flag: _task(flag) for flag in FLAGS}


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of one file: ``root`` itself, or ``task`` (a set's name, with ``_64`` or another size) in ``root``.

    Raises UserError for a file of another layout.
    """
    assert root is not None
    file = _find(root, task)
    flag = re.sub(r"_\d+$", "", file.stem)
    uris: list[str] = []
    frames, labels, splits = [], [], []
    shapes: set[tuple[int, ...]] = set()
    with _opened(file) as archive:
        keys = {name.removesuffix(".npy") for name in archive.namelist()}
        present = [split for split in SPLITS if f"{split}_images" in keys]
        if not present:
            raise UserError(
                f"{file} is no file in MedMNIST's layout: it holds {', '.join(sorted(keys)[:8])}, but no train_images."
                " Rename its arrays to SPLIT_images and SPLIT_labels."
            )
        for split in present:
            shape, kind = _header(archive, f"{split}_images", file)
            if kind != np.uint8 or not (len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))):
                raise UserError(
                    f"{file.name}: {split}_images has shape {shape} and type {kind}. Images are bytes of shape (N, H,"
                    " W) or (N, H, W, 3): scale their values to 0 to 255, and save them with .astype('uint8'); volumes are given as a folder of NIfTI files."
                )
            shapes.add(shape[1:3])
            uris += [f"{file.name}#{split}_images"] * shape[0]
            frames.append(np.arange(shape[0]))
            splits += [split] * shape[0]
            if f"{split}_labels" in keys:
                values = _array(archive, f"{split}_labels", file)
                if len(values) != shape[0]:
                    raise UserError(
                        f"{file.name}: {split} has {shape[0]} images but {len(values)} labels. Get the file again."
                    )
                labels.append(values.reshape(shape[0], -1).astype(np.float64))
            else:
                labels.append(np.full((shape[0], 1), np.nan))
    columns: dict[str, object] = {"split": splits}
    width = max(values.shape[1] for values in labels)
    truth = np.concatenate([v if v.shape[1] == width else np.full((len(v), width), np.nan) for v in labels])
    spec = _labelled(flag, truth, file)
    if spec is not None:
        columns |= {f"label.{name}": truth[:, i] for i, name in enumerate(spec.labels)}
    if len(shapes) == 1:
        height, across = next(iter(shapes))
        columns |= {"height": np.full(len(uris), height), "width": np.full(len(uris), across)}
    known = FLAGS.get(flag)
    return SampleTable.of(
        "medmnist" if known else "npz", file.parent, uris, columns, frames=np.concatenate(frames),
        class_names=_names(spec), task=spec, container=SourceContainer("medmnist", str(file.parent)),
        licence=known.licence if known else "", split_by="source", private=known is None,
    )  # fmt: skip


def present(root: Path, task: str | None = None) -> bool:
    """Whether ``task``'s file is in ``root``; without a task, whether exactly one file is."""
    try:
        return _find(root, task).is_file()
    except UserError:
        return False


def _find(root: Path, task: str | None) -> Path:
    if root.suffix == ".npz":
        if not root.is_file():
            raise UserError(f"There is no file {root}. Give a .npz file in MedMNIST's layout.")
        return root
    here = sorted(path.name for path in root.glob("*.npz"))
    if task is None and len(here) == 1:
        return root / here[0]
    if task is None:
        raise UserError(
            f"The folder {root} holds {len(here)} .npz files ({', '.join(here[:8]) or 'none'}). Say which set is meant,"
            " as in medmnist@FOLDER:pneumoniamnist."
        )
    path = root / f"{_file_stem(task)}.npz"
    if not path.is_file():
        raise UserError(
            f"There is no {path.name} in {root} (it holds {', '.join(here[:8]) or 'no .npz file'}). Put it there, give"
            " the file itself as medmnist@FILE.npz, or allow the download."
        )
    return path


def _file_stem(task: str) -> str:
    """``pneumoniamnist`` and ``pneumoniamnist_28`` are the same file; other sizes have their own."""
    return task.removesuffix("_28")


def _labelled(flag: str, truth: NDArray[np.float64], file: Path) -> TaskSpec | None:
    known = truth[~np.isnan(truth)]
    if not known.size:
        return None
    if flag in TASKS:
        spec = TASKS[flag]
        most = 1 if spec.kind == "multilabel" else len(spec.classes) - 1
        if truth.shape[1] != len(spec.labels) or known.min() < 0 or known.max() > most:
            raise UserError(
                f"{file.name} is called {flag}, but its labels (shape {truth.shape}, {known.min():g} to"
                f" {known.max():g}) are not those of {flag}. Rename the file."
            )
        return spec
    if truth.shape[1] > 1:
        names = tuple(f"label{i}" for i in range(truth.shape[1]))
        return TaskSpec("labels", "multilabel", names, names)
    if (known != np.round(known)).any() or known.min() < 0:
        return TaskSpec("value", "regression", ("value",))
    n = int(known.max()) + 1
    kind: Kind = "binary" if n == 2 else "classes"
    return TaskSpec("class", kind, ("class",), tuple(str(i) for i in range(n)))


def _names(spec: TaskSpec | None) -> dict[str, list[str]]:
    if spec is None or spec.kind == "regression":
        return {}
    if spec.kind == "multilabel":
        return {name: ["no", "yes"] for name in spec.labels}
    return {spec.labels[0]: list(spec.classes)}


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    with files.opened(file) as data:
        try:
            archive = zipfile.ZipFile(data)
        except (zipfile.BadZipFile, OSError) as error:
            raise UserError(f"{file} is damaged or no .npz file ({error}). Get it again.") from None
        with archive:
            yield archive


def _start(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = reader(stream)
    return shape, fortran, kind


def _header(archive: zipfile.ZipFile, key: str, file: Path) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Shape and type of an array without reading it."""
    try:
        with archive.open(f"{key}.npy") as stream:
            shape, _, kind = _start(stream)
    except (ValueError, zipfile.BadZipFile, zlib.error, OSError) as error:
        raise UserError(f"{file.name}: {key} is damaged ({error}). Get the file again.") from None
    return shape, kind


def _array(archive: zipfile.ZipFile, key: str, file: Path) -> NDArray[np.generic]:
    try:
        with archive.open(f"{key}.npy") as stream:
            array: NDArray[np.generic] = np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
        raise UserError(f"{file.name}: {key} is damaged ({error}). Get the file again.") from None
    return array


def read(root: Path, uri: str) -> NDArray[np.uint8]:
    """``(N, H, W)`` or ``(N, H, W, C)`` of ``FILE.npz#KEY``; above 1 GB as a memory map of an unpacked copy."""
    name, _, key = uri.partition("#")
    file = root / name
    with _opened(file) as archive:
        if archive.getinfo(f"{key}.npy").file_size <= _IN_MEMORY:
            return _array(archive, key, file).astype(np.uint8, copy=False)
        size, changed = files.state_of(file)
        words = f"{files.absolute(file)}|{size}|{changed}|{key}"
        place = files.cache_folder() / "unpacked" / blake2b(words.encode(), digest_size=16).hexdigest()
        if not place.exists():
            files.require_room(place, archive.getinfo(f"{key}.npy").file_size, f"unpacking {key} of {file.name}")
            with (
                files.atomic_folder(place) as folder,
                archive.open(f"{key}.npy") as packed,
                (folder / "array.npy").open("wb") as plain,
            ):
                shutil.copyfileobj(packed, plain, 1 << 20)
    mapped: NDArray[np.uint8] = np.load(place / "array.npy", mmap_mode="r", allow_pickle=False)
    return mapped


def download(root: Path, *, task: str | None = None, progress: Progress | None = None, url: str = URL) -> None:
    """The file of ``task`` (as ``pathmnist`` or ``pathmnist_64``) into ``root``.

    Raises UserError for a set that MedMNIST has not.
    """
    flag, _, size = (task or "").partition("_")
    if flag not in FLAGS or int(size or 28) not in SIZES:
        raise UserError(
            f"MedMNIST has no 2D set {task!r}. Say which is meant, as in medmnist:pneumoniamnist or"
            f" medmnist:pathmnist_64. Sets: {', '.join(FLAGS)}; sizes: 28, 64, 128, 224."
        )
    name = f"{_file_stem(str(task))}.npz"
    files.download(f"{url}{name}?download=1", root / name, md5=FLAGS[flag].md5[int(size or 28)], progress=progress)
