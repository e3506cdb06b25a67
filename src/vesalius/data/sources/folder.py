"""A folder of images, however deep: labels from class sub-folders, splits from folders called train, val, test.

What is taken for a split: when the first-level folders bear only names of splits (train, training, val, valid,
validation, dev, test, testing; at least two of them) and every image lies in one, they are the split.

What is taken for a class: when every image lies in a first-level folder (below the split's), there are 2 to 1000 such
folders and they hold two images each on average, the folder is the label ``class``. A tree of one folder per patient
can look the same: folders that bear numbers (``patient001``) are warned of, ``labels=False`` turns it off, and
``subject='(patient[0-9]+)'`` says whose an image is.

Hidden files and files that are no images are passed over and counted. Licence: the user's own data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.data.listing import SUFFIXES, Progress, list_images
from vesalius.data.schema import SPLIT_WORDS
from vesalius.data.subjects import subjects_of
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

TASKS: dict[str, TaskSpec] = {}
MOST_CLASSES = 1000
_NUMBERED = re.compile(r"\D*\d+\D?")
_MANY = 10
_LIGHTLY = ".lightly"


def index(
    root: Path | None,
    *,
    labels: Sequence[str] | bool | None = None,
    subject: str | None = None,
    progress: Progress | None = None,
) -> SampleTable:
    """The table of the images under ``root``.

    ``labels``: None takes class folders where there are some, False takes none, ``["class"]`` demands them.
    ``subject``: a regular expression with one group, searched in the relative path. Raises UserError when the folder
    is missing or holds no image, when the demanded labels are not there, or when no path matches ``subject``.
    """
    if root is None or not root.is_dir():
        raise UserError(
            f"There is no folder {root}. Give a folder of images that exists, a table (.csv, .parquet), or the name of"
            " a source."
        )
    if (root / "run.json").is_file() and (root / "config.yaml").is_file():
        raise UserError(f"{root} is the folder of a run, not of images. Name a folder of images; a run is named as encoder or run.")
    found = list_images(root, progress)
    ours = found.hidden - (root / _LIGHTLY).is_dir()  # predictions and metadata, which are read where they are asked for
    counted = [
        f"{count:,} {word if count == 1 else words}"
        for count, word, words in ((found.other, "file of another kind", "files of other kinds"), (ours, "hidden one", "hidden ones"))
        if count
    ]
    passed = f"{' and '.join(counted)} {'was' if found.other + ours == 1 else 'were'} passed over" if counted else "it is empty"
    if not found.uris:
        raise UserError(
            f"The folder {root} holds no images ({passed}). Images end in"
            f" {', '.join('.' + s for s in sorted(SUFFIXES))}; check the path."
        )
    warnings = [f"{found.closed} sub-folders may not be read and were left out."] if found.closed else []
    if counted:
        warnings.append(f"In the folder, {passed}.")
    columns: dict[str, object] = {}
    counts = np.array([n for _, n in found.folders])
    below = [folder for folder, _ in found.folders]
    splits, rest = _first_folders(below)
    if splits is not None and all(name.lower() in SPLIT_WORDS for name in splits):
        words = [SPLIT_WORDS[name.lower()] for name in splits]
        if len(set(words)) > 1:
            columns["split"], below = np.repeat(words, counts), rest
    classes, task = _classes(below, counts, columns, labels, root)
    names = classes.get("class", [])
    if subject is None and len(names) >= _MANY and all(_NUMBERED.fullmatch(name) for name in names):
        warnings.append(
            f"The {len(names)} sub-folders were taken for classes, but all bear numbers. If they are patients, say so with"
            " data.subject, a regular expression such as '^([^/]+)/', and give the labels in a table."
        )
    if subject is not None:
        columns["subject"] = subjects_of(found.uris, subject)
    return SampleTable.of(
        "folder", root, found.uris, columns, private=True, warnings=warnings, class_names=classes, task=task,
        split_by="source" if "split" in columns else "", licence="the user's own data",
    )  # fmt: skip


def _first_folders(folders: list[str]) -> tuple[list[str] | None, list[str]]:
    """The first name in each folder's path and the path below it; None when an image lies in no folder."""
    if "" in folders:
        return None, folders
    cut = [folder.partition("/") for folder in folders]
    return [first for first, _, _ in cut], [rest for _, _, rest in cut]


def _classes(
    below: list[str],
    counts: NDArray[np.int64],
    columns: dict[str, object],
    labels: Sequence[str] | bool | None,
    root: Path,
) -> tuple[dict[str, list[str]], TaskSpec | None]:
    """Names and task of the class folders, their numbers put into ``columns``; nothing and None without any."""
    if labels is False or (not isinstance(labels, bool) and labels is not None and not list(labels)):
        return {}, None
    wanted = labels is True or labels is not None
    if not isinstance(labels, bool) and labels is not None and list(labels) != ["class"]:
        raise UserError(
            f"A folder of images has at most the label 'class', from its sub-folders, not {', '.join(labels)}. Give a"
            " CSV table for other labels."
        )
    folders, _ = _first_folders(below)
    names = [] if folders is None else sorted(set(folders))
    if not 2 <= len(names) <= MOST_CLASSES or (not wanted and counts.sum() < 2 * len(names)):
        if wanted:
            raise UserError(
                f"The images of {root} carry no labels: labels are read from first-level sub-folders, one per class (2"
                f" to {MOST_CLASSES}, every image inside one). Sort the images so, or give a CSV table with a column of"
                " labels."
            )
        return {}, None
    assert folders is not None
    number = {name: float(i) for i, name in enumerate(names)}
    columns["label.class"] = np.repeat([number[name] for name in folders], counts)
    return {"class": names}, classification("class", "class", names)
