"""A set in the layout of InnerEye's CovidDataset: ``dataset.csv`` with subject, filepath, final_label; files below."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.trees.pixels import radiographs
from tests.trees.rsna import write_dicom


def write(root: Path, people: int = 12, *, each: int = 2, side: int = 64, seed: int = 2) -> Path:
    """``root`` with ``people`` x ``each`` images, graded 0, 1, 2, 3 in turn by person; DICOM, PNG and JPEG in turn."""
    root.mkdir(parents=True, exist_ok=True)
    rows = ["subject,filepath,final_label,hospital"]
    for number, image in enumerate(radiographs(people * each, side, seed=seed)):
        person = number // each
        suffix = ("dcm", "png", "jpg")[number % 3]
        name = f"{'ab'[person % 2]}/{number:03d}.{suffix}"
        (root / name).parent.mkdir(exist_ok=True)
        if suffix == "dcm":
            write_dicom(root / name, image)
        else:
            Image.fromarray(image).save(root / name)
        rows.append(f"P{person:03d},{name},{person % 4},Ward {person % 3}")
    (root / "dataset.csv").write_text("\n".join(rows) + "\n")
    return root
