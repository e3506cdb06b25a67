from __future__ import annotations

import numpy as np
import pytest
import torch

from vesalius.evaluate.segmented.scoring import replicates, row


def test_all_measures_draw_the_same_subjects_again() -> None:
    dice = np.array([0.9, 0.5, np.nan, 0.7])
    subject = np.array([0, 0, 1, 2])
    found = replicates({"own": dice, "less": dice - 0.1}, subject, 0)
    apart = (found["own"] - found["less"])[~found["own"].isnan()]
    torch.testing.assert_close(apart, torch.full_like(apart, 0.1), atol=1e-6, rtol=0)
    assert float(found["own"].nanmean()) == pytest.approx(0.7, abs=0.05)


def test_what_is_undefined_is_none() -> None:
    assert row("dice", float("nan"), torch.full((10,), torch.nan, dtype=torch.float64)) == {"metric": "dice", "value": None, "low": None, "high": None}
    assert row("dice", 0.5, torch.linspace(0, 1, 101, dtype=torch.float64))["low"] == pytest.approx(0.025)
