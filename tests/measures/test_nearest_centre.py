from __future__ import annotations

import numpy as np
import pytest

from vesalius.measures import nearest_centre
from vesalius.measures.nearest_centre import NearestCentre


@pytest.mark.parametrize(("differences", "double", "error"), [(1 << 22, 1 << 25, 1e-12), (0, 1 << 25, 1e-12), (0, 0, 1e-5)])
def test_distances_to_the_nearest_are_those_of_all_pairs(differences: int, double: int, error: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest_centre, "_DIFFERENCES", differences)
    monkeypatch.setattr(nearest_centre, "_DOUBLE", double)
    x = np.random.default_rng(0).standard_normal((300, 12)).astype(np.float32)
    kept, centres = NearestCentre(x), np.empty(0, np.int64)
    assert np.isinf(kept.squared).all()
    np.testing.assert_allclose(kept.central(), np.square(x.astype(np.float64) - x.astype(np.float64).mean(0)).sum(1), rtol=1e-6)
    for new in ([5], [], [9, 100, 7], [200]):
        kept.add(np.asarray(new, np.int64))
        centres = np.append(centres, np.asarray(new, np.int64))
        apart = np.square(x[:, None].astype(np.float64) - x[centres]).sum(2)
        np.testing.assert_allclose(kept.squared, apart.min(1), atol=error)
        assert len(kept) == len(centres)
    assert (kept.squared[centres] == 0).all()
    nearest, distance = kept.settled(np.arange(300))
    np.testing.assert_array_equal(nearest, centres[apart.argmin(1)])
    np.testing.assert_allclose(distance, np.sqrt(apart.min(1)), rtol=1e-12)
