from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.volumes import write
from vesalius.evaluate.segmented.label_previews import previews
from vesalius.evaluate.segmented.pictures import COLOURS


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (9, 6)])
def test_at_most_six_scans_have_a_row_of_three_planes(tmp_path: Path, count: int, rows: int) -> None:
    values = np.random.default_rng(0).integers(0, 200, (10, 12, 8)).astype(np.int16)
    labels = np.zeros(values.shape, np.uint8)
    labels[2:8, 3:9, 2:6] = 1
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    scan, mask = write(tmp_path / "scan.nii.gz", values, affine), write(tmp_path / "labels.nii.gz", labels, affine)
    shown = np.asarray(Image.open(io.BytesIO(previews([(scan, mask)] * count))).convert("RGB")).astype(int)
    assert shown.shape[0] == rows * 204 - 4
    assert shown.shape[1] == 3 * 204 - 4
    green = np.array(COLOURS[0])
    tinted = (shown[..., 1] - shown[..., 0]) > 0.3 * (green[1] - green[0])
    assert all(tinted[:, 204 * at : 204 * at + 200].any() for at in range(3))
