from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trees import nih, rsna
from tests.trees.pixels import radiographs
from vesalius.data.references import resolve
from vesalius.data.splits import split
from vesalius.errors import UserError


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """NIH's radiographs of six people, and RSNA's: every other one of them, as JPEG DICOM, and two of nobody there."""
    root = tmp_path_factory.mktemp("trees")
    nih.write(root / "nih", 6, side=200, seed=11)
    files = sorted((root / "nih").rglob("*.png"), key=lambda file: file.name)
    shared = [np.asarray(Image.open(file)) for file in files[::2]]
    rsna.write(root / "rsna", 8, pixels=[*shared, *radiographs(2, 200, seed=99)], quality=85)
    return root / "nih", root / "rsna"


def test_who_is_who_is_found_by_the_pixels(trees: tuple[Path, Path]) -> None:
    of_nih, of_rsna = (f"nih-chestxray14@{trees[0]}", f"rsna-pneumonia@{trees[1]}")
    found = resolve(of_rsna, mapping=of_nih)
    people = resolve(of_nih).subjects
    assert people is not None
    assert found.subjects is not None
    assert found.subjects.tolist() == [*people[::2].tolist(), None, None]
    assert found.warnings == [
        "subjects unknown: one patient's images may be on both sides. 2 of 8 images are not among those of nih-chestxray14."
    ]
    assert found.ids.tolist() == resolve(of_rsna).ids.tolist()
    whole = split(found.subset(np.arange(6)), 0.2, 0.2)
    assert whole.split_by == "subject"


def test_what_cannot_say_who_is_who_is_refused(trees: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nih-chestxray14 knows its own subjects"):
        resolve(f"nih-chestxray14@{trees[0]}", mapping=f"nih-chestxray14@{trees[0]}")
    with pytest.raises(UserError, match="does not know whose its images are"):
        resolve(f"rsna-pneumonia@{trees[1]}", mapping=f"rsna-pneumonia@{trees[1]}")
    nih.write(tmp_path / "others", 2, side=100, seed=77)
    with pytest.raises(UserError, match="None of the 8 images of rsna-pneumonia is among the 4 of nih-chestxray14"):
        resolve(f"rsna-pneumonia@{trees[1]}", mapping=f"nih-chestxray14@{tmp_path / 'others'}")
