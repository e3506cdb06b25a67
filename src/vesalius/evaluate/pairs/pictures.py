"""The few images that an encoder is looked at with: files and folders that were named, ``sample_images/``, or draws from the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vesalius import random
from vesalius.data.dataset import resolve
from vesalius.data.listing import SUFFIXES, list_images
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.evaluate.pairs.examinee import free, slug
from vesalius.terminal import Terminal

SAMPLES = "sample_images"
"""The folder of the original, a folder in it for each data set."""
ALONE = "images"
"""What files that were named one by one are called together."""


def named(given: Sequence[str], terminal: Terminal) -> dict[str, SampleTable]:
    """Data set -> its table of images, of the files and folders ``given``.

    A folder that holds nothing but folders of images, as ``sample_images``, is a data set for each of them; files are one together.
    Raises UserError for what is not there or no image.
    """
    found: dict[str, SampleTable] = {}
    files = [Path(one) for one in given if not Path(one).is_dir()]
    for one in given:
        if (folder := Path(one)).is_dir():
            for name, place in _sets(folder).items():
                found[free(slug(name), found)] = resolve(str(place), labels=False, least=1, terminal=terminal)
    return found | ({free(ALONE, found): _of_files(files)} if files else {})


def sampled() -> list[str]:
    """``sample_images``, where the original looks for it: in the current folder. Empty where it is not."""
    return [SAMPLES] if Path(SAMPLES).is_dir() else []


def drawn(table: SampleTable, count: int, seed: int) -> SampleTable:
    """``count`` images of ``table``, of its test split where it has one; the same at each call, whatever encoder looks at them."""
    rows = table.rows("test") if len(table.rows("test")) else np.arange(len(table))
    order = rows[np.argsort(table.ids[rows])]
    return table.subset(np.sort(random.generator("pictures", seed, len(order)).permutation(order)[:count]))


def _sets(folder: Path) -> Mapping[str, Path]:
    images = list_images(folder)
    names = sorted({uri.partition("/")[0] for uri in images.uris})
    return {name: folder / name for name in names} if names and all("/" in uri for uri in images.uris) else {folder.name: folder}


def _of_files(files: Sequence[Path]) -> SampleTable:
    for file in files:
        if not file.is_file():
            raise UserError(f"There is no image {file}. Give files or folders of images that exist with --images.")
        if file.suffix.lower().lstrip(".") not in SUFFIXES:
            raise UserError(f"{file.name} is no image by its ending. Images end in {', '.join(sorted(SUFFIXES))}; name others, or a folder, with --images.")
    whole = sorted({str(file.resolve()) for file in files})
    return SampleTable.of("folder", "", whole, private=True, licence="the user's own data")
