"""On the published tables of NIH and CheXpert no person is on two sides of our splits; divided by image most test images
show somebody who was learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from docs import radiograph_splits as page
from vesalius.data.sources import nih_chestxray14
from vesalius.data.splits import split


def table(source: str) -> pd.DataFrame:
    """The published table, or the test is skipped."""
    frame = page.published(source)
    if frame is None:
        pytest.skip("the published tables come with torchxrayvision, which is not installed")
    return frame


@pytest.mark.parametrize(("source", "images", "by_image"), [("nih-chestxray14", 112_120, 0.711), ("chexpert", 223_414, 0.812)])
def test_whose_images_are_on_both_sides(source: str, images: int, by_image: float) -> None:
    frame = table(source)
    assert len(frame) == images
    subjects = frame["subject"].to_numpy()
    assert page.shared(subjects, page.by_image(source, frame)) == pytest.approx(by_image, abs=5e-4)
    parts = split(page.table_of(source, frame), 0.1, 0.2, seed=7).frame["split"].to_numpy()
    assert [page.shared(subjects, parts, held) for held in ("val", "test")] == [0, 0]
    assert not set(subjects[parts == "val"]) & set(subjects[parts == "test"])
    assert [abs(np.mean(parts == part) - share) < 0.01 for part, share in (("val", 0.1), ("test", 0.2))] == [True, True]


def test_nih_in_numbers() -> None:
    frame = table("nih-chestxray14")
    assert frame["subject"].nunique() == 30_805
    assert frame["label.single7"].value_counts().sort_index().tolist() == [4215, 1093, 3955, 9547, 2139, 2705, 2194]
    findings = frame[[f"label.{name}" for name in nih_chestxray14.FINDINGS]]
    assert (int((findings.sum(axis=1) == 0).sum()), int(findings["label.Hernia"].sum())) == (60_361, 227)


def test_chexpert_in_numbers() -> None:
    frame = table("chexpert")
    assert (frame["subject"].nunique(), frame["study"].nunique()) == (64_540, 187_641)
    assert frame["view"].value_counts().to_dict() == {"frontal": 191_027, "lateral": 32_387}
    effusion = frame["label.Pleural Effusion"]
    assert [int((effusion == value).sum()) for value in (1, 0, -1)] == [86_187, 35_396, 11_628]
    assert int(effusion.isna().sum()) == 90_203
