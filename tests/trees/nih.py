"""NIH ChestX-ray14 as it is downloaded, small: ``Data_Entry_2017.csv``, the official lists, PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.trees.pixels import radiographs

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
    "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia",
)  # fmt: skip


def write(
    root: Path,
    patients: int = 16,
    *,
    follow_ups: int = 2,
    layout: str = "folders",
    lists: bool = True,
    csv: str = "Data_Entry_2017.csv",
    side: int = 64,
    seed: int = 0,
) -> Path:
    """``root`` with ``patients`` x ``follow_ups`` images.

    ``layout``: ``folders`` (images_001/images ... as the twelve archives unpack; here three), ``images`` or ``flat``.
    Each patient has the finding of its number, every third one more, every fourth none; the last quarter are the official
    test patients.
    """
    root.mkdir(parents=True, exist_ok=True)
    pixels = radiographs(patients * follow_ups, side, seed=seed)
    rows, train, test = [HEADER], [], []
    for patient in range(1, patients + 1):
        for time in range(follow_ups):
            number = (patient - 1) * follow_ups + time
            name = f"{patient:08d}_{time:03d}.png"
            place = {"folders": f"images_{1 + number % 3:03d}/images", "images": "images", "flat": "."}[layout]
            (root / place).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[number]).save(root / place / name)
            age, sex, view = 30 + patient, "MF"[patient % 2], ("PA", "AP")[time % 2]
            rows.append(f"{name},{_found(patient)},{time},{patient},{age},{sex},{view},2682,2749,0.143,0.143")
            (test if patient > patients - patients // 4 else train).append(name)
    (root / csv).write_text("\n".join(rows) + "\n")
    if lists:
        (root / "train_val_list.txt").write_text("\n".join(train) + "\n")
        (root / "test_list.txt").write_text("\n".join(test))
    return root


def _found(patient: int) -> str:
    if patient % 4 == 0:
        return "No Finding"
    found = [FINDINGS[patient % 14], *([FINDINGS[(patient + 5) % 14]] if patient % 3 == 0 else [])]
    return "|".join(sorted(found))


def missing(root: Path, count: int, *, seed: int = 0) -> list[str]:
    """Delete ``count`` images of ``root``, as a download that is not complete; returns their names."""
    files = sorted(root.rglob("*.png"))
    gone = [files[i] for i in np.random.default_rng(seed).permutation(len(files))[:count]]
    for file in gone:
        file.unlink()
    return sorted(file.name for file in gone)
