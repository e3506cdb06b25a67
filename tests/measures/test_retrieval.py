from __future__ import annotations

import numpy as np
import pytest
import torch

from vesalius.measures import retrieval


def vectors(rows, seed):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, 6)))


def slow(query, gallery, asked, has, own, others, k):
    """One query's average precision, precision and recall, counted one by one."""
    cosine = gallery.numpy() @ query.numpy() / np.linalg.norm(gallery.numpy(), axis=1)
    order = [i for i in np.argsort(-cosine) if others[i] != own]
    relevant = [bool(set(asked) & set(has[i])) for i in order]
    total, right, average = sum(relevant), 0, 0.0
    for place, hit in enumerate(relevant[:k], 1):
        right += hit
        average += hit * right / place
    return [average / min(k, total), right / min(k, len(order)), right / total] if total else [np.nan] * 3


@pytest.mark.parametrize("several", [False, True])
def test_equals_a_slow_count(several, monkeypatch):
    monkeypatch.setattr(retrieval, "_CELLS", 120)  # a few queries at a time
    rng = np.random.default_rng(3)
    labels = rng.random((60, 4)) < 0.3 if several else rng.integers(0, 4, 60)
    asked, has = labels[:20], labels[20:]
    own, others = rng.integers(0, 9, 20), rng.integers(0, 9, 40)
    query, gallery = vectors(20, 0), vectors(40, 1)
    found = retrieval.measure(
        query, gallery, *(torch.tensor(part).double() for part in (asked, has)), (1, 5, 60),
        query_subject=torch.tensor(own), gallery_subject=torch.tensor(others),
    )  # fmt: skip
    sets = [np.flatnonzero(row).tolist() if several else [row] for row in labels]
    for k in (1, 5, 60):
        truth = [slow(query[i], gallery, sets[i], sets[20:], own[i], others, k) for i in range(20)]
        mine = torch.stack([found[f"{name}_at_{k}"] for name in retrieval.NAMES], 1)
        np.testing.assert_allclose(mine.numpy(), truth, atol=1e-12)


def test_its_own_subject_is_not_found():
    x, subject = vectors(8, 0).repeat_interleave(2, 0), torch.arange(8).repeat_interleave(2)
    labels = torch.arange(16).double() // 2  # a class is one subject: the twin alone would be relevant
    found = retrieval.measure(x, x, labels, labels, (1,), query_subject=subject, gallery_subject=subject)
    assert all(values.isnan().all() for values in found.values())
    alone = torch.arange(16)
    found = retrieval.measure(x, x, labels, labels, (1,), query_subject=alone, gallery_subject=alone)
    assert all((values == 1).all() for values in found.values())


def test_unknown_labels_are_not_had():
    x, subject = vectors(3, 0), torch.arange(3)
    labels = torch.tensor([[1.0, torch.nan], [torch.nan, 1.0], [1.0, 0.0]])
    found = retrieval.measure(x, x, labels, labels, (2,), query_subject=subject, gallery_subject=subject)["recall_at_2"]
    assert found.isnan().tolist() == [False, True, False]
