"""The labels of a user's data set: from ``targets`` where it has them, else from its items, which are read once for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius.data.encoding import encode
from vesalius.data.listing import Progress
from vesalius.data.own.items import plain_label
from vesalius.data.own.opening import Opened
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError
from vesalius.files import atomic_write, cache_folder

ALIKE = "All labels are equal, so the images are taken as unlabelled."
_TARGETS = ("targets", "labels")

Encoded = tuple[dict[str, NDArray[np.float64]], dict[str, list[str]], TaskSpec]


def labels_of(data: Opened, mark: str, progress: Progress | None) -> list[Any] | None:
    """The label of every item, part after part; None where there are none."""
    found: list[Any] = []
    for part, items in data.parts.items():
        told = next((t for name in _TARGETS if _of_items(t := getattr(items, name, None), len(items))), None)
        if told is not None:
            found += [plain_label(value) for value in told]
        elif len(items) and not data.item(part, 0).labelled:
            return None
        else:
            found += _from_items(data, part, mark, progress)
    return found


def encoded(labels: Sequence[Any], classes: Sequence[str], name: str) -> Encoded | None:
    """Columns, class names and task of ``labels``; None where all are equal. Raises UserError where they do not fit."""
    if any(isinstance(label, list) for label in labels):
        return _several(labels, classes, name)
    known = {label for label in labels if label is not None}
    if len(known) < 2:
        return None
    if classes and all(
        isinstance(label, (int, bool)) or (isinstance(label, float) and label == int(label)) for label in known
    ):
        codes = np.array([np.nan if label is None else float(label) for label in labels])
        if np.nanmin(codes) < 0 or np.nanmax(codes) >= len(classes):
            raise UserError(
                f"{name} has the labels {np.nanmin(codes):g} to {np.nanmax(codes):g}, but {len(classes)} classes: {', '.join(classes[:8])}."
            )
        return {"class": codes}, {"class": list(classes)}, classification("class", "class", classes)
    amount = any(isinstance(label, float) and label != int(label) for label in known if isinstance(label, float))
    column = "target" if amount else "class"
    return encode(pd.DataFrame({column: pd.Series(list(labels))}), [column], None)


def _several(labels: Sequence[Any], classes: Sequence[str], name: str) -> Encoded:
    lengths = {len(label) for label in labels if isinstance(label, list)}
    if len(lengths) != 1 or any(label is not None and not isinstance(label, list) for label in labels):
        raise UserError(
            f"The labels of {name} are lists of {', '.join(map(str, sorted(lengths)))} values. Give each image as many as there are classes."
        )
    (count,) = lengths
    names = list(classes) if len(classes) == count else [str(n) for n in range(count)]
    rows = [[np.nan] * count if label is None else label for label in labels]
    return encode(pd.DataFrame(rows, columns=names), names, "multilabel")


def _of_items(told: Any, count: int) -> bool:
    return (
        told is not None
        and not callable(told)
        and not isinstance(told, (str, dict))
        and hasattr(told, "__len__")
        and len(told) == count
    )


def _from_items(data: Opened, part: str, mark: str, progress: Progress | None) -> list[Any]:
    """Read every item for its label; kept by ``mark``, so that it is done once."""
    kept = cache_folder() / "labels" / f"{mark}-{part}.json"
    if kept.is_file():
        found: list[Any] = json.loads(kept.read_text())
        return found
    labels: list[Any] = []
    for index in range(len(data.parts[part])):
        try:
            labels.append(plain_label(data.item(part, index).label))
        except UserError:
            raise
        except Exception:  # the store leaves it out and says why
            labels.append(None)
        if progress is not None:
            progress(index + 1, len(data.parts[part]))
    atomic_write(kept, json.dumps(labels), mode=0o600)
    return labels
