from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA as Peer

from vesalius.measures import pca


def test_it_equals_scikit_learn_up_to_sign():
    x = load_digits().data[:600]
    ours, theirs = pca.fit(torch.tensor(x), 8), Peer(8, svd_solver="full").fit(x)
    np.testing.assert_allclose(ours.deviations, theirs.singular_values_ / np.sqrt(599), rtol=1e-5)
    cosines = np.abs((ours.components.numpy() * theirs.components_.T).sum(0))
    np.testing.assert_allclose(cosines, 1, atol=1e-5)
    np.testing.assert_allclose(np.abs(ours(torch.tensor(x))), np.abs(theirs.transform(x)), atol=0.02)


def test_images_are_flattened_and_integers_taken():
    images = torch.randint(0, 255, (30, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = pca.fit(images, 5)
    torch.testing.assert_close(found(images), pca.fit(images.float().flatten(1), 5)(images.float()))
    assert found(images[:2]).shape == (2, 5)


def test_no_more_components_than_there_can_be():
    x = torch.randn(6, 20, generator=torch.Generator().manual_seed(0))
    assert pca.fit(x, 50).components.shape == (20, 5)
    assert pca.fit(torch.randn(50, 3), 50).components.shape == (3, 3)
    assert bool(pca.fit(torch.ones(4, 3), 2)(torch.ones(4, 3)).isfinite().all())


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_components_are_orthonormal_signed_and_repeatable(seed):
    x = torch.randn(40, 12, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    first, second = pca.fit(x, 4, seed=seed), pca.fit(x, 4, seed=seed)
    assert torch.equal(first.components, second.components)
    torch.testing.assert_close(first.components.T @ first.components, torch.eye(4, dtype=torch.float64))
    largest = first.components.gather(0, first.components.abs().argmax(0, keepdim=True))
    assert bool((largest > 0).all())
    assert first.deviations.tolist() == sorted(first.deviations.tolist(), reverse=True)


def test_mean_and_deviation_of_each_channel():
    x = torch.randn(5, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    found = pca.mean_and_deviation(x)
    np.testing.assert_allclose(found[:, :3], x.numpy().mean((2, 3)), atol=1e-6)
    np.testing.assert_allclose(found[:, 3:], x.numpy().std((2, 3)), atol=1e-6)
