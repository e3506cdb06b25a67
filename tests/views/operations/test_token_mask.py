"""Token masks: exact shares, every patch alike, a pure function of (seed, epoch, id), no pixel changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from tests.views.batches import DRAWS, chance, ids, images, run, stored
from vesalius import views
from vesalius.errors import UserError
from vesalius.views.operations.token_mask import TokenMask


def recipe(count: int = 1, size: object = 16, **fields: object) -> dict[str, object]:
    return {"global": {"count": count, "size": size, "operations": ["random_resized_crop", {"token_mask": {"patch": 4, **fields}}]}}


@pytest.mark.parametrize(
    ("size", "patch", "ratio", "kept", "of"),
    [
        ((16, 16), 4, 0.75, 4, 16),
        ((224, 224), 16, 0.75, 49, 196),
        ((40, 40), 4, 0.9, 10, 100),
        ((12, 12), 4, 0.75, 2, 9),
        ((8, 8), 4, 0.99, 1, 4),
        ((8, 8), 4, 0.01, 3, 4),
        ((8, 16), (4, 8), 0.5, 2, 4),
        ((8, 8, 16), (4, 4, 8), 0.75, 2, 8),
    ],
)
def test_the_share_is_exact(size: tuple[int, ...], patch: object, ratio: float, kept: int, of: int) -> None:
    drawn = TokenMask.model_validate({"patch": patch, "ratio": ratio}).draw(chance(50), 1, size)
    keep, hide = drawn["keep"], drawn["hide"]
    assert (keep.shape, hide.shape) == ((50, kept), (50, of))
    assert (keep.dtype, hide.dtype) == (np.int64, np.bool_)
    assert (np.diff(keep, axis=1) > 0).all()
    for row, hidden in zip(keep, hide):
        assert set(row) == set(np.flatnonzero(~hidden))


def test_every_patch_and_every_pair_is_as_likely() -> None:
    hide = TokenMask(patch=4).draw(chance(), 1, (16, 16))["hide"]
    assert stats.chisquare((~hide).sum(0)).pvalue > 1e-3
    together = (~hide).astype(int).T @ (~hide).astype(int)
    pairs = together[np.triu_indices(16, 1)]
    assert abs(pairs.mean() / DRAWS - 4 * 3 / (16 * 15)) < 1e-9
    assert (abs(pairs / DRAWS - 0.05) < 5 * np.sqrt(0.05 * 0.95 / DRAWS)).all()


def test_a_mask_is_a_function_of_seed_epoch_and_sample_alone() -> None:
    made, keys, extents = views.load(recipe(2), 1), ids(30), np.full((30, 2), 20)
    key = "global/1-token_mask/keep"
    whole = made.draw(1, 2, np.arange(30), keys, extents).values[key]
    order = np.random.default_rng(0).permutation(30)[:11]
    np.testing.assert_array_equal(made.draw(1, 2, order, keys[order], extents[order]).values[key], whole[:, order])
    np.testing.assert_array_equal(made.draw(1, 2, np.array([7]), keys[7:8], extents[7:8]).values[key], whole[:, 7:8])
    for other in (made.draw(2, 2, np.arange(30), keys, extents), made.draw(1, 3, np.arange(30), keys, extents)):
        assert (other.values[key] != whole).any(axis=2).mean() > 0.9
    assert (whole[0] != whole[1]).any(axis=1).mean() > 0.9


def test_the_method_is_told_and_no_pixel_changes() -> None:
    pixels = stored(images(5, 1, 20, 20))
    bare = {"global": {"count": 2, "size": 16, "operations": ["random_resized_crop"]}}
    batch, plain = run(views.load(recipe(2), 1), pixels), run(views.load(bare, 1), pixels)
    assert torch.equal(batch.views["global"], plain.views["global"])
    assert "keep/global" not in plain.drawn
    keep, hide = batch.drawn["keep/global"], batch.drawn["hide/global"]
    assert (keep.shape, keep.dtype, hide.shape, hide.dtype) == ((2, 5, 4), torch.int64, (2, 5, 16), torch.bool)
    assert torch.equal(hide, torch.ones(2, 5, 16, dtype=torch.bool).scatter(2, keep, False))


def test_groups_that_share_a_mask_are_told_the_same() -> None:
    tree = {
        "shared": [{"token_mask": {"patch": 4}}],
        "global": {"count": 3, "size": 16, "operations": []},
        "other": {"count": 1, "size": 16, "operations": []},
    }
    drawn = run(views.load(tree, 1), stored(images(4, 1, 20, 20))).drawn
    assert drawn["keep/global"].shape == (3, 4, 4)
    assert torch.equal(drawn["keep/global"], drawn["keep/other"].expand(3, -1, -1))


@pytest.mark.parametrize(
    ("fields", "size", "words"),
    [
        ({"patch": 5}, 16, "do not fill a view of 16×16"),
        ({"patch": 16}, 16, "nothing can be hidden"),
        ({"patch": [4, 4, 4]}, 16, "has not the 2 axes"),
        ({"patch": 0}, 16, "cannot be used"),
        ({"ratio": 1.0}, 16, "cannot be used"),
    ],
)
def test_refusals(fields: dict[str, object], size: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        run(views.load(recipe(size=size, **fields), 1), stored(images(2, 1, 20, 20)))
