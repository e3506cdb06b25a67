from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from vesalius.measures import invariances, whitening


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def measured(moved, k=5):
    others, clean = gaussian(300, 16, seed=1), gaussian(12, 16, seed=2)
    white = whitening.fit(others)
    found = invariances.compared(clean, moved(clean), white, others, invariances.length(white(clean)), k)
    return dict(zip(invariances.MEASURES, found, strict=True))


def test_identity_is_exact():
    found = measured(lambda clean: clean[:, None].expand(-1, 3, -1))
    assert found["whitened_cosine"].shape == (12, 3)
    assert (found["whitened_cosine"] == 1).all()
    assert (found["centred_cosine"] == 1).all()
    assert (found["mahalanobis"] == 0).all()
    assert (found["neighbours_kept"] == 1).all()


def test_other_images_are_as_far_as_images_that_have_nothing_to_do_with_each_other():
    found = measured(lambda clean: gaussian(12, 400, 16, seed=9))
    assert float(found["whitened_cosine"].mean()) == pytest.approx(0, abs=0.02)
    assert float(found["mahalanobis"].square().mean()) == pytest.approx(2, rel=0.15)
    assert float(found["neighbours_kept"].mean()) == pytest.approx(5 / 300, abs=0.01)


def test_opposite_vectors_have_cosine_minus_one_and_measures_fall_with_the_change():
    assert float(invariances.cosine(torch.tensor([1.0, 2.0]), torch.tensor([-2.0, -4.0]))) == pytest.approx(-1)
    noise = gaussian(12, 1, 16, seed=4)
    found = measured(lambda clean: clean[:, None] + noise * torch.tensor([0.1, 0.5, 2.0])[None, :, None])
    for name, values in found.items():
        steps = values.mean(0).diff()
        assert (steps > 0).all() if name == "mahalanobis" else (steps < 0).all(), name


def test_neighbours_are_those_of_a_plain_search():
    others, clean, moved = gaussian(40, 6, seed=1), gaussian(7, 6, seed=2), gaussian(7, 2, 6, seed=3)
    mean = others.double().mean(0)

    def near(query):
        base = (others.double() - mean).numpy()
        cosines = base @ (query.double() - mean).numpy() / np.linalg.norm(base, axis=1)
        return set(np.argsort(-cosines)[:4].tolist())

    expected = [[len(near(clean[i]) & near(moved[i, j])) / 4 for j in range(2)] for i in range(7)]
    np.testing.assert_allclose(invariances.neighbours_kept(clean, moved, others, mean, 4).numpy(), expected)
    assert (invariances.neighbours_kept(clean, moved, others, mean, 99) == 1).all()


def test_pairs_are_told_from_what_is_none_as_scikit_learn_counts_it():
    one, noise = gaussian(30, 8, seed=1).double(), gaussian(30, 8, seed=2).double()
    other = one + noise
    apart = ~torch.eye(30, dtype=torch.bool)
    apart[0, 1] = apart[1, 0] = False  # two pairs of one subject
    found = invariances.paired(one, other, apart)
    alike = torch.nn.functional.cosine_similarity(one[:, None], other[None], dim=-1)
    y = np.concatenate([np.ones(30), np.zeros(int(apart.sum()))])
    assert found["pairing_auc"].value == pytest.approx(roc_auc_score(y, np.concatenate([alike.diagonal().numpy(), alike[apart].numpy()])))
    assert found["unpaired_cosine"].value == pytest.approx(float(alike[apart].mean()))


def test_influences_are_what_weights_do_to_first_order():
    one = gaussian(40, 6, seed=1).double()
    other = one + 1.2 * gaussian(40, 6, seed=2).double()
    apart = ~torch.eye(40, dtype=torch.bool)
    found = invariances.paired(one, other, apart)
    alike = torch.nn.functional.cosine_similarity(one[:, None], other[None], dim=-1)

    def weighted(w):
        both = w[:, None] * w[None] * apart
        wins = (alike.diagonal()[:, None, None] > alike[None]).double() * both
        return {"unpaired_cosine": (alike * both).sum() / both.sum(), "pairing_auc": (wins * w[:, None, None]).sum() / (w.sum() * both.sum())}

    w = torch.ones(40, dtype=torch.float64)
    w[3] += 1e-4
    for name, value in weighted(w).items():
        assert float(value) - found[name].value == pytest.approx(float(found[name].influence[3]) * 1e-4 / 40, rel=1e-2, abs=1e-9)
        assert float(found[name].influence.mean()) == pytest.approx(0, abs=1e-9)
