"""Embeddings by which nothing can be told apart are one clear paragraph."""

from __future__ import annotations

import numpy as np
import pytest

from vesalius.errors import UserError
from vesalius.select import soundness
from vesalius.select.candidates import Candidates
from vesalius.select.soundness import refuse_unsound

NAMES = np.asarray([f"{i:02}.png" for i in range(40)])


def sound() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)


@pytest.fixture(autouse=True)
def blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "_BLOCK", 16)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_counted_and_named(wrong: float) -> None:
    x = sound()
    x[[3, 17, 39, 38], [0, 1, 5, 2]] = wrong
    with pytest.raises(UserError) as told:
        refuse_unsound(x, NAMES)
    said = str(told.value)
    assert "\n" not in said
    assert "4 of 40" in said
    assert "03.png, 17.png, 38.png" in said


def test_a_collapsed_encoder_is_told_from_one_that_is_not() -> None:
    x = np.tile(sound()[:1], (40, 1))
    with pytest.raises(UserError, match="the same"):
        refuse_unsound(x, NAMES)
    x[39, 5] += np.float32(1e-3)
    refuse_unsound(x, NAMES)
    refuse_unsound(x.astype(np.float16), NAMES)
    refuse_unsound(x[:1], NAMES[:1])
    refuse_unsound(x[:0], NAMES[:0])


def test_a_vector_for_each_image() -> None:
    with pytest.raises(UserError, match="There are 39 vectors for 40 images"):
        Candidates.of(NAMES, sound()[:39])
