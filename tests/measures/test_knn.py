from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from vesalius.errors import UserError
from vesalius.measures import knn


def cloud(rows: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, dim)))


def slow_vote(query, base, labels, classes, k, temperature):
    answer = []
    for q in query.numpy():
        cosine = base.numpy() @ q / np.linalg.norm(base.numpy(), axis=1) / np.linalg.norm(q)
        shares = np.zeros(classes)
        for i in np.argsort(-cosine, kind="stable")[:k]:
            shares[int(labels[i])] += np.exp(cosine[i] / temperature)
        answer.append(shares / shares.sum())
    return np.array(answer)


def test_weighted_vote_equals_a_slow_one():
    base, query = cloud(90, 7), cloud(30, 7, 1)
    labels = torch.arange(90).double() % 4
    fast = knn.predict(query, base, labels, 4, k=20, temperature=0.07)
    np.testing.assert_allclose(fast.numpy(), slow_vote(query, base, labels, 4, 20, 0.07), atol=1e-10)


def test_majority_equals_scikit_learn():
    base, query = cloud(200, 5), cloud(300, 5, 1)
    labels = (base[:, 0] > 0).double() + (base[:, 1] > 0.5)
    peer = KNeighborsClassifier(9, metric="cosine").fit(base.numpy(), labels.numpy())
    ours = knn.predict(query, base, labels, 3, k=9, temperature=None)
    np.testing.assert_allclose(ours.numpy(), peer.predict_proba(query.numpy()), atol=1e-12)
    np.testing.assert_array_equal(ours.argmax(1).numpy(), peer.predict(query.numpy()))


def test_chunks_change_nothing(monkeypatch):
    base = cloud(50, 6)
    whole = knn.neighbours(base, base, 5, exclude_self=True)
    monkeypatch.setattr(knn, "_CELLS", 50 * 7)  # seven queries at a time
    parts = knn.neighbours(base, base, 5, exclude_self=True)
    assert torch.equal(whole[0], parts[0])
    torch.testing.assert_close(whole[1], parts[1])


def test_no_row_is_its_own_neighbour_when_excluded():
    base = cloud(40, 6)
    index, _ = knn.neighbours(base, base, 39, exclude_self=True)
    for row, found in enumerate(index.tolist()):
        assert sorted(found) == [i for i in range(40) if i != row]
    assert torch.equal(knn.neighbours(base, base, 1)[0][:, 0], torch.arange(40))


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99), k=st.integers(1, 60))
def test_length_and_rotation_of_vectors_do_not_matter(scale, seed, k):
    base, query = cloud(40, 5, seed), cloud(6, 5, seed + 1)
    turn = torch.linalg.qr(cloud(5, 5, seed + 2))[0]
    labels = torch.arange(40).double() % 3
    plain = knn.predict(query, base, labels, 3, k=k)
    torch.testing.assert_close(knn.predict(scale * query @ turn, base @ turn, labels, 3, k=k), plain)
    torch.testing.assert_close(plain.sum(1), torch.ones(6, dtype=torch.float64))


def test_a_tiny_temperature_does_not_overflow():
    shares = knn.predict(cloud(5, 4).float(), cloud(30, 4, 1).float(), torch.zeros(30), 2, temperature=1e-4)
    assert torch.equal(shares, torch.tensor([[1.0, 0.0]]).expand(5, 2))


def test_unknown_labels_do_not_vote():
    base, query = cloud(40, 5), cloud(10, 5, 1)
    labels = torch.arange(40).double() % 3
    holes = labels.clone()
    holes[::4] = torch.nan
    kept = ~holes.isnan()
    torch.testing.assert_close(
        knn.predict(query, base, holes, 3, k=7), knn.predict(query, base[kept], labels[kept], 3, k=7)
    )


def test_multilabel_is_each_label_alone_where_all_is_known():
    base, query = cloud(60, 5), cloud(10, 5, 1)
    labels = (cloud(60, 3, 2) > 0).double()
    together = knn.predict(query, base, labels, k=7)
    for column in range(3):
        torch.testing.assert_close(together[:, column], knn.predict(query, base, labels[:, column], 2, k=7)[:, 1])


def test_multilabel_with_a_label_no_neighbour_knows_answers_its_share():
    labels = torch.tensor([[1.0, torch.nan], [0.0, torch.nan], [1.0, 1.0]])
    base = torch.eye(3)
    shares = knn.predict(torch.tensor([[1.0, 0.1, 0.0]]), base, labels, k=1)
    assert shares.tolist() == [[1.0, 1.0]]


def test_nothing_to_be_a_neighbour_is_one_clear_error():
    with pytest.raises(UserError, match="labelled training split is empty"):
        knn.predict(cloud(3, 2), cloud(4, 2), torch.full((4,), torch.nan, dtype=torch.float64), 2)
    assert knn.neighbours(cloud(0, 2), cloud(4, 2), 3)[0].shape == (0, 3)


def test_a_label_between_no_and_yes_votes_for_both():
    base, query = cloud(40, 5), cloud(10, 5, 1)
    soft = torch.rand(40, dtype=base.dtype)
    found = knn.predict(query, base, soft, 2, k=7)
    many = knn.predict(query, base, soft[:, None], k=7)
    torch.testing.assert_close(found[:, 1], many[:, 0])
    torch.testing.assert_close(found.sum(1), torch.ones(10, dtype=base.dtype))


def test_several_numbers_of_neighbours_answer_as_each_alone():
    base, query = cloud(60, 5), cloud(10, 5, 1)
    several = (cloud(60, 3, 2) > 0).double()
    several[::7] = torch.nan
    for labels in (torch.arange(60).double() % 3, several):
        for k, found in zip((9, 1, 30), knn.predictions(query, base, labels, 3, ks=(9, 1, 30)), strict=True):
            torch.testing.assert_close(found, knn.predict(query, base, labels, 3, k=k))
