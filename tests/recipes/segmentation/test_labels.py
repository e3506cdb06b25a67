"""Label volumes that cannot be learnt from are refused before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vesalius
from tests.segmented import PLAN, RECIPE, heads
from tests.volumes import head, write
from vesalius.errors import UserError
from vesalius.recipes.merging import merge


def tune(folder: Path, change: Any, **given: Any) -> Any:
    """Two steps on four heads, whose training label volumes are what ``change`` makes of them."""
    file = heads(folder, 2, 1, 1)
    for number in range(2):
        _, labels, affine = head(20, number)
        write(folder / f"labelsTr/case_{number:03}.nii.gz", change(labels), affine)
    recipe = merge(RECIPE, {"steps": 1, "batch_size": 2, "data": {"train": str(file), "plan": PLAN}, **given})
    return vesalius.finetune(recipe, out=folder / "run", quiet=True)


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))


def test_values_without_a_class_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"2 of 4 label volumes .* hold values that no class has: 50, 100, 150\. The classes are 0 to 3"):
        tune(tmp_path, lambda labels: (labels * 50).astype(np.uint8))
    assert not (tmp_path / "run").exists()


def test_training_volumes_without_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No training volume of .*list\.json holds a label but 0"):
        tune(tmp_path, np.zeros_like)


def test_a_class_that_is_nowhere_is_said(tmp_path: Path) -> None:
    run = tune(tmp_path, lambda labels: np.where(labels == 3, 2, labels).astype(np.uint8))
    said = json.loads((run.path / "results.json").read_text())["warnings"]
    assert "No training volume holds ventricle: this cannot be learnt." in said
