from __future__ import annotations

import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from vesalius.measures.agreement import quadratic_kappa


def test_as_scikit_learn_weighted_and_without_the_unknown() -> None:
    generator = torch.Generator().manual_seed(1)
    y = torch.randint(0, 4, (80,), generator=generator).float()
    shares = (torch.nn.functional.one_hot(y.long(), 4) + torch.rand(80, 4, generator=generator) * 1.5).softmax(1)
    weights = torch.randint(0, 3, (80, 6), generator=generator).float()
    y[::9] = torch.nan
    known = ~y.isnan()
    found = quadratic_kappa(y, shares, weights)
    for column in range(6):
        theirs = cohen_kappa_score(
            y[known].long(), shares[known].argmax(1), weights="quadratic", labels=range(4), sample_weight=weights[known, column]
        )
        assert float(found[column]) == pytest.approx(theirs, abs=1e-9)
    assert quadratic_kappa(torch.zeros(3), torch.eye(4)[:1].expand(3, -1)).isnan().all()
