"""Features of transformed images: the card's preparation after the transform, evaluation mode, each record read once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vesalius.data.dataset import open_data, resolve
from vesalius.encoders import build_encoder
from vesalius.errors import UserError
from vesalius.evaluate.transformed.applying import applied
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.evaluate.transformed.viewing import features_of, pictures
from vesalius.features import forward
from vesalius.features.records import store_for
from vesalius.terminal import Terminal
from vesalius.views.operation import Parameters
from vesalius.views.operations.equalise import Equalise

COUNT = 5


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("images")
    for n in range(COUNT):
        Image.fromarray(np.random.default_rng(n).integers(0, 255, (40, 30, 3), dtype=np.uint8)).save(folder / f"{n}.png")
    encoder = build_encoder("resnet18", width=0.0625, channels=3, size=(16, 16))
    steps: list[dict[str, dict[str, object]]] = [{"resize": {"shorter": 18}}, {"centre_crop": {}}, {"equalise": {}}]
    encoder.card = encoder.card.model_copy(update={"mean": (0.5,) * 3, "std": (0.2,) * 3, "preprocessing": steps})
    table = resolve(str(folder), labels=False)
    data = open_data("some", table, store_for(encoder, table), Terminal(quiet=True))
    asked = SimpleNamespace(device=torch.device("cpu"), autocast=None, batch_size=4)
    return SimpleNamespace(data=data, asked=asked, encoder=SimpleNamespace(card=encoder.card, encoder=encoder))


def test_the_cards_steps_come_after_the_transform_in_both_branches(pair):
    rows, transform = np.arange(COUNT), TRANSFORMS["contrast"]
    some = transform.parameters()[:3]
    plain = pictures(pair, rows, None, prepared=False)[:, 0]
    want = Equalise().apply(applied(plain, transform, some).flatten(0, 1), Parameters.of({}, plain.device))
    assert torch.equal(pictures(pair, rows, transform, some).flatten(0, 1), want)
    with torch.no_grad():
        vectors = pair.encoder.encoder.eval()(want).pooled.view(COUNT, 3, -1)
    torch.testing.assert_close(features_of(pair, pair.encoder.encoder, rows, transform, some), vectors, rtol=1e-5, atol=1e-6)


def test_clean_features_are_those_of_a_pass_and_the_identitys(pair):
    rows, encoder = np.arange(COUNT), pair.encoder.encoder
    clean = features_of(pair, encoder, rows, None)
    assert clean.shape == (COUNT, 1, encoder.card.dim)
    torch.testing.assert_close(clean[:, 0], forward(encoder, pair.data.store, rows), rtol=1e-5, atol=1e-6)
    for name in ("h_flip", "invert", "posterize", "blur"):
        torch.testing.assert_close(features_of(pair, encoder, rows, TRANSFORMS[name], [TRANSFORMS[name].identity]), clean)


def test_batches_change_nothing_and_each_record_is_read_once(pair, monkeypatch):
    encoder, transform, rows = pair.encoder.encoder, TRANSFORMS["rotation"], np.array([3, 0, 4])
    whole = features_of(pair, encoder, rows, transform, transform.parameters())
    read, told, store = [], [], pair.data.store
    original = store.read
    monkeypatch.setattr(store, "read", lambda at, windows: (read.extend(at.ravel().tolist()), original(at, windows))[1])
    for size in (1, 7, 200):
        pair.asked.batch_size = size
        read.clear()
        torch.testing.assert_close(
            features_of(pair, encoder, rows, transform, transform.parameters(), lambda done, of: told.append((done, of))), whole, rtol=1e-5, atol=1e-6
        )
        assert read == [3, 0, 4]
    assert told[:3] == [(1, 3), (2, 3), (3, 3)]
    assert told[-1] == (3, 3)
    pair.asked.batch_size = 4


def test_no_module_is_in_training_mode_and_the_encoder_is_left_as_it_was(pair):
    encoder = pair.encoder.encoder.train()
    modes: list[bool] = []
    handles = [module.register_forward_pre_hook(lambda module, x: modes.append(module.training)) for module in encoder.modules()]
    before = {name: buffer.clone() for name, buffer in encoder.named_buffers()}
    features_of(pair, encoder, np.arange(2), TRANSFORMS["h_flip"], [1.0])
    for handle in handles:
        handle.remove()
    assert modes
    assert not any(modes)
    assert encoder.training
    assert all(torch.equal(buffer, before[name]) for name, buffer in encoder.named_buffers())
    encoder.eval()


def test_encoders_of_volumes_are_refused(pair):
    card = pair.encoder.card.model_copy(update={"size": (8, 8, 8), "preprocessing": ()})
    volumes = SimpleNamespace(data=pair.data, asked=pair.asked, encoder=SimpleNamespace(card=card))
    with pytest.raises(UserError, match="are for images"):
        pictures(volumes, np.arange(1), TRANSFORMS["h_flip"], [1.0])
