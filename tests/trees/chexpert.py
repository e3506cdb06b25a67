"""CheXpert as it is downloaded, small: ``train.csv``, ``valid.csv``, JPEG files by patient and study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.trees.pixels import radiographs

FINDINGS = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
HEADER = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *FINDINGS)


def write(
    root: Path,
    patients: int = 16,
    *,
    version: str = "CheXpert-v1.0-small",
    prefix: str | None = None,
    test: bool = False,
    side: int = 64,
    seed: int = 0,
) -> Path:
    """``root/version`` with ``patients`` of one or two studies each, of a frontal and, every second, a lateral image.

    The last fifth of the patients are ``valid`` (all of whose labels are known), and the fifth before it ``test`` where
    asked for; findings of the rest are 1.0, 0.0, -1.0 or blank. ``prefix``: what the paths in the tables begin with; by
    default ``version/``. Returns the folder that holds the tables.
    """
    home = root / version
    home.mkdir(parents=True, exist_ok=True)
    prefix = f"{version}/" if prefix is None else prefix
    rng = np.random.default_rng(seed)
    pixels = iter(radiographs(4 * patients, side, seed=seed))
    rows: dict[str, list[str]] = {"train": [], "valid": [], **({"test": []} if test else {})}
    fifth = max(1, patients // 5)
    for patient in range(1, patients + 1):
        part = "valid" if patient > patients - fifth else "test" if test and patient > patients - 2 * fifth else "train"
        for study in range(1, 2 + patient % 2):
            labels = _labels(rng, patient, sure=part != "train")
            for number, view in enumerate(("frontal", "lateral")[: 1 + (patient + study) % 2], 1):
                place = f"{part}/patient{patient:05d}/study{study}/view{number}_{view}.jpg"
                (home / place).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(next(pixels)).save(home / place, quality=90)
                who = ("Male", "Female")[patient % 2], str(40 + patient)
                seen = (view.capitalize(), ("AP", "PA")[study % 2] if view == "frontal" else "")
                rows[part].append(",".join((prefix + place, *who, *seen, *labels)))
    for part, lines in rows.items():
        (home / f"{part}.csv").write_text("\n".join([",".join(HEADER), *lines]) + "\n")
    return home


def _labels(rng: np.random.Generator, patient: int, sure: bool) -> list[str]:
    """A value per finding: every patient has some findings for certain, so that each occurs."""
    drawn = rng.choice(["1.0", "0.0"] if sure else ["1.0", "0.0", "-1.0", ""], len(FINDINGS)).tolist()
    for place in range(len(FINDINGS)):
        if (patient + place) % 4 < 2:
            drawn[place] = ("1.0", "0.0")[(patient + place) % 2]
    return [str(value) for value in drawn]
