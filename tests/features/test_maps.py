"""Feature maps on disk: right, computed once, rows read only when asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.features.small_set import open_folder, write_images
from vesalius.encoders import build_encoder
from vesalius.features import compute, maps, one_pass
from vesalius.features import maps as compute_maps


def test_maps_are_the_encoders_own_and_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build_encoder("resnet18", width=0.125, size=(16, 16), seed=77).eval()
    data = open_folder(write_images(tmp_path, 7))
    rows = np.array([4, 1, 6, 1])
    found = compute_maps(encoder, data.store, rows)
    with torch.no_grad():
        views = one_pass.evaluation_views(encoder)
        draws = one_pass.drawn(views, data.store, rows)
        expected = encoder(views.apply(data.store.read(draws.rows, draws.windows), draws).views["image"][0]).map
    assert found.shape == expected.shape
    assert found.dtype == torch.float16
    torch.testing.assert_close(found[torch.arange(4)].float(), expected, atol=2e-3, rtol=2e-3)
    assert torch.equal(found[np.array([False, False, True, False])], found[slice(2, 3)])

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("forwarded again")

    monkeypatch.setattr(encoder.network, "forward", refuse)
    again = maps(encoder, data.store, rows[::-1].copy())
    assert torch.equal(again[slice(None)], found[np.arange(4)[::-1].copy()])


def test_pooled_maps_are_the_features(tmp_path: Path) -> None:
    encoder = build_encoder("resnet18", width=0.125, size=(16, 16), seed=78).eval()
    data = open_folder(write_images(tmp_path, 5))
    every = np.arange(5)
    pooled = one_pass.forward(encoder, data.store, every)
    torch.testing.assert_close(maps(encoder, data.store, every)[every].float().mean((2, 3)), pooled, atol=3e-3, rtol=3e-3)


@pytest.mark.parametrize("half", [False, True])
def test_one_pass_makes_maps_and_pooled_features(tmp_path: Path, half: bool) -> None:
    encoder = build_encoder("resnet18", width=0.125, size=(16, 16), seed=79 + half).eval()
    data = open_folder(write_images(tmp_path, 6))
    every = np.arange(6)
    maps(encoder, data.store, every, half=half)
    found = compute(encoder, data.store, every, half=half)
    assert found.computed == 0
    exact = one_pass.forward(encoder, data.store, every)
    torch.testing.assert_close(found.vectors, exact.half().float() if half else exact)
