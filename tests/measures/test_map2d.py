from __future__ import annotations

import numpy as np
import torch

from vesalius.measures import knn, map2d


def clusters(rows: int = 150) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(rows) % 3
    return 5 * torch.randn(3, 40, generator=generator)[labels] + torch.randn(rows, 40, generator=generator), labels


def test_neighbours_stay_together_and_the_map_is_in_the_unit_square():
    vectors, labels = clusters()
    found = map2d.tsne(vectors)
    assert found.xy.shape == (150, 2)
    assert found.xy.min() >= 0
    assert found.xy.max() <= 1 + 1e-12
    centred = torch.tensor(found.xy - 0.5)
    distance = torch.cdist(centred, centred) + 9 * torch.eye(150)
    assert bool((labels[distance.argmin(1)] == labels).all())
    assert "t-SNE" in found.method


def test_the_same_vectors_give_the_same_map():
    vectors, _ = clusters(60)
    assert np.array_equal(map2d.tsne(vectors).xy, map2d.tsne(vectors.clone()).xy)


def test_a_handful_is_mapped_by_its_components():
    for rows in (1, 2, 5, 9):
        found = map2d.tsne(torch.randn(rows, 4, generator=torch.Generator().manual_seed(rows)))
        assert found.xy.shape == (rows, 2)
        assert np.isfinite(found.xy).all()
        assert "PCA" in found.method


def test_equal_vectors_do_no_harm():
    assert np.isfinite(map2d.tsne(torch.ones(20, 4)).xy).all()
    assert knn.neighbours(torch.ones(20, 4), torch.ones(20, 4), 3)[1].max() <= 1.0001
