from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from vesalius.data.dataset import open_data, resolve
from vesalius.encoders import build_encoder
from vesalius.features import forward
from vesalius.features.inputs import inputs, shown
from vesalius.features.records import store_for
from vesalius.terminal import Terminal


def test_what_is_seen_gives_the_features_of_a_pass_and_what_is_shown_is_what_is_stored(tmp_path):
    for n in range(3):
        Image.fromarray(np.random.default_rng(n).integers(0, 255, (40, 30, 3), dtype=np.uint8)).save(tmp_path / f"{n}.png")
    encoder = build_encoder("resnet18", width=0.0625, channels=3, size=(16, 16))
    card = encoder.card.model_copy(update={"mean": (0.5,) * 3, "std": (0.2,) * 3})
    flat: list[dict[str, dict[str, object]]] = [{"equalise": {}}]
    encoder.card = card
    table = resolve(str(tmp_path), labels=False)
    data = open_data("some", table, store_for(encoder, table), Terminal(quiet=True))
    rows = np.arange(3)
    seen = inputs(encoder, data.store, rows)
    assert seen.shape == (3, 3, 16, 16)
    with torch.no_grad():
        found = encoder.eval()(seen).pooled
    torch.testing.assert_close(found, forward(encoder, data.store, rows), rtol=1e-5, atol=1e-6)
    first = seen.clone()
    inputs(encoder, data.store, rows[::-1].copy())
    assert torch.equal(seen, first)  # and no buffer of the views
    picture = shown(encoder, data.store, rows)
    assert picture.dtype == np.uint8
    assert np.abs(picture.transpose(0, 3, 1, 2) / 255 - seen.numpy()).max() <= 0.5 / 255 + 1e-6
    encoder.card = card.model_copy(update={"preprocessing": flat})
    plain = shown(encoder, data.store, rows) / 255
    assert np.abs(plain.transpose(0, 3, 1, 2) - inputs(encoder, data.store, rows).numpy()).max() > 0.1
