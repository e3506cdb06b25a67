from __future__ import annotations

import pytest
import torch
from sklearn import metrics

from vesalius.measures import regression

THEIRS = {
    "r2": metrics.r2_score,
    "mean_absolute_error": metrics.mean_absolute_error,
    "root_mean_squared_error": metrics.root_mean_squared_error,
}


@pytest.mark.parametrize("name", regression.NAMES)
def test_as_scikit_learn_weighted_and_without_the_unknown(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(60, generator=generator)
    x = y + 0.5 * torch.randn(60, generator=generator)
    weights = torch.randint(0, 4, (60, 5), generator=generator).float()
    y[::7] = torch.nan
    known = ~y.isnan()
    found = regression.measure(name, y, x, weights)
    for column in range(5):
        theirs = THEIRS[name](y[known], x[known], sample_weight=weights[known, column])
        assert float(found[column]) == pytest.approx(theirs, rel=1e-6)
    assert float(regression.measure(name, y, x)[0]) == pytest.approx(THEIRS[name](y[known], x[known]), rel=1e-6)


def test_r2_of_equal_labels_is_not_defined() -> None:
    assert regression.measure("r2", torch.ones(4), torch.rand(4)).isnan().all()
