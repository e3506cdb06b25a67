"""How many test images show a patient of the training images: a division by image beside ours, on the published tables.

    python -m docs.radiograph_splits

Prints one JSON line. torchxrayvision holds the tables of NIH ChestX-ray14 and CheXpert. The divisions by image are those of
the code of Anton et al., "How Well Do Self-Supervised Models Transfer to Medical Imaging?", J. Imaging 2022: the rows in
pandas' order ``sample(frac=1, random_state=42)``; of CheXpert's the first 134,049 train, of NIH's the first 80 %, and then
those with one of seven findings alone are kept.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesalius.data.sources import chexpert, nih_chestxray14
from vesalius.data.splits import split
from vesalius.data.table import SampleTable

PUBLISHED = {"nih-chestxray14": "Data_Entry_2017_v2020.csv.gz", "chexpert": "chexpert_train.csv.gz"}
SEEDS = (0, 1, 2)


@cache
def published(source: str) -> pd.DataFrame | None:
    """The published table of ``source`` in our columns; None where torchxrayvision is not installed."""
    found = importlib.util.find_spec("torchxrayvision")
    if found is None:
        return None
    packed = Path(next(iter(found.submodule_search_locations or ()))) / "data" / PUBLISHED[source]
    module = {"nih-chestxray14": nih_chestxray14, "chexpert": chexpert}[source]
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "table.csv"
        csv.write_bytes(gzip.decompress(packed.read_bytes()))
        return module.read_labels(csv)


def by_image(source: str, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.object_]]:
    """``(N,)`` train, test or empty (not used), as that code divides."""
    count = 134_049 if source == "chexpert" else round(0.8 * len(frame))
    part = np.full(len(frame), "test", dtype=object)
    part[frame.sample(frac=1, random_state=42).index[:count]] = "train"
    return np.where(frame["label.single7"].isna(), "", part) if "label.single7" in frame else part


def table_of(source: str, frame: pd.DataFrame) -> SampleTable:
    """The rows of ``frame`` as a table without images."""
    module = {"nih-chestxray14": nih_chestxray14, "chexpert": chexpert}[source]
    columns = {name: frame[name] for name in frame.columns if name != "name"}
    return SampleTable.of(source, "", frame["name"].tolist(), columns, task=module.TASKS["fourteen"])


def shared(subjects: np.ndarray[Any, Any], part: np.ndarray[Any, Any], held: str = "test") -> float:
    """Share of the images of ``held`` whose patient is also in train."""
    return float(pd.Series(subjects[part == held]).isin(set(subjects[part == "train"])).mean())  # numpy compares texts one by one


def main() -> None:
    """Measure and print."""
    rows = []
    for source in PUBLISHED:
        frame = published(source)
        if frame is None:
            raise SystemExit("The published tables come with torchxrayvision: pip install torchxrayvision")
        subjects, theirs = frame["subject"].to_numpy(), by_image(source, frame)
        row: dict[str, Any] = {
            "source": source, "images": len(frame), "patients": frame["subject"].nunique(),
            "by_image": {"test": int((theirs == "test").sum()), "shared": shared(subjects, theirs)}, "ours": [],
        }  # fmt: skip
        table = table_of(source, frame)
        for seed in SEEDS:
            parts = split(table, 0.1, 0.2, seed=seed).frame["split"].to_numpy()
            sizes = {name: int((parts == name).sum()) for name in ("train", "val", "test")}
            row["ours"].append({"seed": seed, **sizes, "shared": max(shared(subjects, parts, held) for held in ("val", "test"))})
        rows.append(row)
    print(json.dumps({"name": "radiograph splits", "rows": rows}))


if __name__ == "__main__":
    main()
