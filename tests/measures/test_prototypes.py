from __future__ import annotations

import numpy as np
import pytest
import torch

from vesalius.measures import episodes, prototypes


def classes(dim=20, images=60, shift=0.0, seed=0):
    """Features of three classes with an image a subject, and episodes of them."""
    rng = np.random.default_rng(seed)
    labels = np.arange(images) % 3
    x = rng.normal(size=(images, dim)) + rng.normal(size=(3, dim))[labels] * 0.5 + shift
    drawn = episodes.draw(labels, np.arange(images), "abc", way=2, shot=5, queries=6, count=40, key=("x",))
    return torch.from_numpy(x), drawn


def one_by_one(x, drawn, variant, centre):
    """Each episode by itself, as the papers write it."""
    answers = []
    for support in drawn.support:
        rows, every = x[torch.from_numpy(support)], x
        if variant == "simpleshot":
            middle = rows.flatten(0, 1).mean(0) if centre == "support" else x.mean(0)
            rows, every = (torch.nn.functional.normalize(part - middle, dim=-1) for part in (rows, every))
        answers.append(torch.cdist(every, rows.mean(1)).argmin(1))
    return torch.stack(answers)


@pytest.mark.parametrize(("variant", "centre"), [("prototypes", "support"), ("simpleshot", "support"), ("simpleshot", "pool")])
def test_all_at_once_answer_as_one_by_one(variant, centre, monkeypatch):
    x, drawn = classes()
    truth = one_by_one(x, drawn, variant, centre)
    for cells in (1 << 24, 60 * 2 * 7):  # at once, and seven episodes at a time
        monkeypatch.setattr(prototypes, "_CELLS", cells)
        found = torch.cat([answer for _, answer in prototypes.nearest(x, drawn, variant=variant, centre=centre)])
        assert torch.equal(found, truth)


def test_single_precision_far_from_zero_answers_alike():
    x, drawn = classes(shift=100.0)
    (_, near), = prototypes.nearest(x, drawn)
    (_, far), = prototypes.nearest(x.float(), drawn)
    assert torch.equal(near, far)
