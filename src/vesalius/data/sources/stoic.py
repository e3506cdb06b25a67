"""STOIC2021: chest CT of 2,000 people suspected of COVID-19, as MetaImage volumes; infected or not, severe a month later or not.

Reads ``metadata/reference.csv`` (PatientID, probCOVID, probSevere) and ``data/mha/PATIENT.mha`` wherever they lie below the
folder. A volume is read as an image: -1000 to 250 HU of its middle slice (as Anton et al. did, who found every encoder at
chance on it), of the slice with most lung (``-lung``), of seven slices (``-slices``); or as a volume (``-volumes``).
Revel et al., "Study of Thoracic CT in COVID-19: The STOIC Project", Radiology 2021. Licence: CC BY-NC 4.0.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.data import named_images, shuffled
from vesalius.data.containers import SourceContainer
from vesalius.data.listing import Progress
from vesalius.data.plan import Intensity, Plan
from vesalius.data.slices import Slices, Which
from vesalius.data.source_tables import read_table
from vesalius.data.subjects import public
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

SOURCE = "stoic"
LABELS = {"covid": "probCOVID", "severe": "probSevere"}
LOOKS: dict[str, Which | None] = {"": "middle", "-lung": "lung", "-slices": "seven", "-volumes": None}
"""What a task's name ends in, and which slices that means; None: whole volumes."""
TASKS: dict[str, TaskSpec] = {f"{label}{look}": classification(f"{label}{look}", label, ("no", "yes")) for label in LABELS for look in LOOKS}
LICENCE = "CC BY-NC 4.0"
URL = "https://registry.opendata.aws/stoic2021-training/"
TABLE = "reference.csv"
WINDOW = (-1000.0, 250.0)
_VOLUME = re.compile(r"(\d+)\.mha")


def plan() -> Plan:
    """How the volumes are prepared: 2 mm, the window of the images."""
    window = Intensity(rule="window", low=WINDOW[0], high=WINDOW[1])
    return Plan(modality="ct", orientation="RAS", spacing=(2, 2, 2), intensity=window, foreground=-1000, patch=(96, 96, 96))


def index(root: Path | None, *, task: str | None = None, progress: Progress | None = None) -> SampleTable:
    """The table of the volumes that are there, or of their slices. Raises UserError where the table or every volume is missing."""
    assert root is not None
    found = named_images.look(root, re.compile(r"(?!)"), progress)
    places = {match[1]: uri for name, uri in found.others.items() if (match := _VOLUME.fullmatch(name))}
    csv = named_images.first_of(found, [TABLE])
    if not places or csv is None:
        what = "volume called PATIENT.mha, as data/mha holds them" if csv else f"metadata/{TABLE} (PatientID, probCOVID, probSevere)"
        raise named_images.nothing(SOURCE, root, found, what, f"Get the training set at {URL}.")
    frame = read_labels(root / csv)
    there = [name in places for name in frame["name"]]
    missing = tuple(name for name, known in zip(frame["name"], there, strict=True) if not known)
    if len(missing) == len(frame):
        raise UserError(f"None of the {len(frame):,} volumes that {TABLE} lists is below {root}. Put them into data/mha, as 5.mha ({URL}).")
    frame = frame[there].reset_index(drop=True)
    spec = TASKS[task or "covid"]
    which = LOOKS[spec.name.removeprefix(spec.labels[0])]
    times = 1 if which is None else len(Slices(root, which, *WINDOW))
    rows = np.repeat(np.arange(len(frame)), times)
    names = frame["name"].iloc[rows].tolist()
    return SampleTable.of(
        SOURCE, root, [places[name] if which is None else f"{places[name]}#{which}" for name in names],
        {"subject": public(SOURCE, names), **{f"label.{label}": frame[label].iloc[rows].to_numpy() for label in LABELS}},
        frames=np.tile(np.arange(times), len(frame)), names=[name if which is None else f"{name}#{which}" for name in names], task=spec,
        licence=LICENCE, class_names={label: ["no", "yes"] for label in LABELS}, missing=missing, dims=3 if which is None else 2,
        container=None if which is None else SourceContainer(SOURCE, str(root)),
        warnings=[f"{len(missing):,} of {len(there):,} volumes that {TABLE} lists are not there; they are left out."] if missing else [],
    )  # fmt: skip


def read(root: Path, uri: str) -> Slices:
    """The slices behind ``data/mha/5.mha#middle``."""
    path, _, which = uri.rpartition("#")
    return Slices(root / path, which, *WINDOW)  # type: ignore[arg-type]


def read_labels(csv: Path) -> Any:
    """``name``, ``covid`` and ``severe`` of each row of ``reference.csv``. Raises UserError for another table."""
    import pandas as pd

    raw = read_table(csv, ("PatientID", *LABELS.values()), what="the table of STOIC2021", remedy=f"Get it again at {URL}.", dtype={"PatientID": str})
    labels = {label: named_images.numbers(raw[column], float, (0, 1), csv.name) for label, column in LABELS.items()}
    return pd.DataFrame({"name": raw["PatientID"].str.strip(), **labels})


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The original's division by image; see ``shuffled``."""
    csv = named_images.table_in(Path(table.root), [TABLE])
    assert csv is not None
    listed = read_labels(csv)["name"].tolist()
    names = [str(uri).partition("#")[0].rpartition("/")[2].removesuffix(".mha") for uri in table.frame["uri"]]
    return shuffled.divided(table, names, listed, shuffled.parts(len(listed)))
