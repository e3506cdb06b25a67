"""CT Images in COVID-19 as TCIA gives it, and as the tutorial's ``mv */*/*.nii.gz ./data/`` leaves it, small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import data_sets
from tests.trees.phantoms import SHAPE, abdomen, write_as

LIST = data_sets.LISTS / "tcia-dataset_split.json"
"""The tutorial's list, where it is at hand; it is no part of the project."""
NAMES = (
    "A-0001", "A-0002", "A-0003_0", "A-0003_1", "A-0004", "A-0005_day000", "A-0005_day008", "A-0006",
    "A-0007", "A-0008_0", "A-0008_1", "A-0009",
)  # fmt: skip
"""Names by the collection's rule: subjects A-NNNN, some with several scans or days."""


def listed() -> dict[str, list[dict[str, str]]]:
    """The tutorial's list. Skips the test where it is not there."""
    if not LIST.is_file():
        pytest.skip("the tutorial's data lists are not at hand")
    found: dict[str, list[dict[str, str]]] = json.loads(LIST.read_text())
    return found


def write(
    root: Path,
    names: Sequence[str] = NAMES,
    *,
    layout: str = "native",
    shape: tuple[int, int, int] = SHAPE,
    axes: str = "LPS",
    noise: float = 12.0,
    empty: bool = False,
) -> Path:
    """``root`` with a volume of each of ``names`` (``A-0001`` or ``data/volume-covid19-A-0001.nii.gz``).

    ``layout``: ``native`` (``CT Images in COVID-19/A-0001/volume-covid19-A-0001.nii.gz``) or ``flat`` (``data/``). ``empty``: files
    without bytes, where only names matter.
    """
    for number, given in enumerate(names):
        name = Path(given).name if given.endswith(".nii.gz") else f"volume-covid19-{given}.nii.gz"
        subject = name.removeprefix("volume-covid19-").removesuffix(".nii.gz").partition("_")[0]
        folder = root / "data" if layout == "flat" else root / "CT Images in COVID-19" / subject
        if empty:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        else:
            values, _, affine = abdomen(shape, number, noise=noise)
            write_as(folder / name, values, affine, axes)
    return root


def write_list(path: Path, training: Sequence[str], validation: Sequence[str]) -> Path:
    """A list in the form of the tutorial's, of these names."""
    parts = {"training": training, "validation": validation}
    entries = {
        part: [{"image": f"data/volume-covid19-{name}.nii.gz"} for name in names] for part, names in parts.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))
    return path
