"""Small data sets in the layouts in which the real ones are downloaded."""

from __future__ import annotations

import gzip
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

CIFAR = {
    "cifar10": ("cifar-10-batches-py", {**{f"data_batch_{i}": "train" for i in range(1, 6)}, "test_batch": "test"}),
    "cifar100": ("cifar-100-python", {"train": "train", "test": "test"}),
}


def cifar(root: Path, name: str, n: int = 4, seed: int = 0) -> tuple[Path, dict[str, Any]]:
    """``n`` images a batch under ``root``; the folder that holds them and the arrays by batch."""
    rng = np.random.default_rng(seed)
    folder, batches = CIFAR[name]
    (root / folder).mkdir(parents=True)
    written = {}
    for batch in batches:
        data = rng.integers(0, 256, (n, 3072)).astype(np.uint8)
        content: dict[str, Any] = {"batch_label": batch, "data": data, "filenames": [f"{i}.png" for i in range(n)]}
        if name == "cifar10":
            content["labels"] = rng.integers(0, 10, n).tolist()
        else:
            content["fine_labels"] = rng.integers(0, 100, n).tolist()
            content["coarse_labels"] = rng.integers(0, 20, n).tolist()
        (root / folder / batch).write_bytes(pickle.dumps(content, 2))
        written[batch] = content
    meta = "batches.meta" if name == "cifar10" else "meta"
    (root / folder / meta).write_bytes(pickle.dumps({"label_names": ["airplane"]}, 2))
    return root / folder, written


def archive(folder: Path, path: Path) -> Path:
    """``folder`` as a ``.tar.gz``."""
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder, folder.name)
    return path


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """``array`` of bytes in the idx format."""
    sides = b"".join(int(side).to_bytes(4, "big") for side in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sides + array.astype(np.uint8).tobytes()


def fashion(root: Path, n: int = 6, packed: bool = True) -> dict[str, Any]:
    """``n`` images to train on and two to test with."""
    rng = np.random.default_rng(1)
    root.mkdir(parents=True, exist_ok=True)
    written = {}
    for part, count in (("train", n), ("t10k", 2)):
        for kind, array in (
            ("images-idx3-ubyte", rng.integers(0, 256, (count, 28, 28))),
            ("labels-idx1-ubyte", rng.integers(0, 10, count)),
        ):
            data = idx(array)
            name = f"{part}-{kind}"
            (root / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(data) if packed else data)
            written[name] = array
    return written


def npz(path: Path, shape: tuple[int, ...] = (28, 28), labels: int = 1, most: int = 1, n: int = 8) -> dict[str, Any]:
    """A file in MedMNIST's layout: ``n`` images to train on, 2 to validate, 3 to test with."""
    rng = np.random.default_rng(2)
    arrays = {}
    for split, count in (("train", n), ("val", 2), ("test", 3)):
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, *shape)).astype(np.uint8)
        truth = rng.integers(0, most + 1, (count, labels))
        truth[0] = most
        arrays[f"{split}_labels"] = truth.astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return arrays
