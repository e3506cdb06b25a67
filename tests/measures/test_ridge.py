from __future__ import annotations

import torch
from sklearn.linear_model import Ridge

from tests.tasks.cases import features
from vesalius.measures import ridge


def test_equal_to_scikit_learn_on_standardised_features() -> None:
    x, y = features("regression")
    scaled = ((x.double() - x.double().mean(0)) / x.double().std(0, correction=0)).numpy()
    for line in ridge.path(x, y, [1e-3, 0.1, 10.0]):
        theirs = Ridge(alpha=1 / line.c).fit(scaled, y.double().numpy()).predict(scaled)
        torch.testing.assert_close(line.values(x), torch.from_numpy(theirs), atol=1e-6, rtol=1e-6)


def test_more_dimensions_than_samples_and_constant_columns() -> None:
    x, y = features("regression", 12, 40)
    x[:, 3] = 5.0
    found = ridge.path(x, y, [1e-6, 1e3])
    assert all(line.values(x).isfinite().all() for line in found)
    assert float((found[-1].values(x) - y).abs().max()) < 1.0 < float((found[0].values(x) - y).abs().max())
