"""Features of several views: the views of a draw each, the same at every call, and no trace in the encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.features.small_set import open_folder, write_images
from vesalius import views
from vesalius.data.pixel_store import PixelStore
from vesalius.encoders import Encoder, build_encoder
from vesalius.features import forward_views
from vesalius.features.of_views import first_group

OPERATIONS = [{"random_resized_crop": {"scale": [0.3, 1.0]}}, "horizontal_flip"]
MADE = views.load(
    {
        "shared": [{"colour_jitter": {"brightness": 0.3}}],
        "global": {"count": 2, "size": 16, "operations": OPERATIONS},
        "local": {"count": 3, "size": 8, "operations": OPERATIONS},
    },
    3,
)
ROWS = np.array([1, 4, 5, 8])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PixelStore:
    return open_folder(write_images(tmp_path_factory.mktemp("images"), 9)).store


@pytest.fixture
def encoder() -> Encoder:
    return build_encoder("resnet18", size=(16, 16), width=0.0625, stem="small").train()


def test_only_the_first_group_is_made_as_it_was(store: PixelStore) -> None:
    alone = first_group(MADE)
    assert set(alone.makes) == {"global"}
    ids, extents = store.ids[ROWS], store.extents[ROWS]
    found, whole = (v.draw(3, 0, ROWS, ids, extents, 1) for v in (alone, MADE))
    assert found.values
    assert all(np.array_equal(value, whole.values[key]) for key, value in found.values.items())


@pytest.mark.parametrize("batch", [256, 5, 1])
def test_each_view_is_that_of_its_draw(batch: int, store: PixelStore, encoder: Encoder) -> None:
    found = forward_views(encoder, store, ROWS, MADE, 5, seed=3, batch_size=batch)
    assert found.shape == (4, 5, encoder.card.dim)
    encoder.eval()
    for draw in range(3):
        draws = MADE.draw(3, 0, ROWS, store.ids[ROWS], store.extents[ROWS], draw)
        made = MADE.apply(store.read(draws.rows, draws.windows), draws).views["global"]
        for view in range(2 if draw < 2 else 1):
            with torch.no_grad():
                direct = encoder(made[view]).pooled
            torch.testing.assert_close(found[:, 2 * draw + view], direct, rtol=1e-4, atol=1e-5)


def test_the_same_at_every_call_and_without_a_trace(store: PixelStore, encoder: Encoder) -> None:
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    generator = torch.random.get_rng_state()
    one, two = (forward_views(encoder, store, ROWS, MADE, 4, seed=3) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, forward_views(encoder, store, ROWS, MADE, 4, seed=4))
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())
    assert torch.equal(generator, torch.random.get_rng_state())
    assert all(module.training for module in encoder.modules())
    assert forward_views(encoder, store, ROWS[:0], MADE, 4, seed=3).shape == (0, 4, encoder.card.dim)


def test_progress_is_told(store: PixelStore, encoder: Encoder) -> None:
    told: list[tuple[int, int]] = []
    forward_views(encoder, store, ROWS, MADE, 2, seed=3, batch_size=5, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 4), (4, 4)]
