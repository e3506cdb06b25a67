from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.features.small_set import open_folder, write_images
from vesalius.data.dataset import DataSet
from vesalius.encoders import Encoder, build_encoder, weights_hash
from vesalius.encoders.projector import MLP
from vesalius.errors import UserError
from vesalius.features import blocks, evaluation_views, forward


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return open_folder(write_images(tmp_path_factory.mktemp("images"), 11))


def network(**options: object) -> Encoder:
    return build_encoder("resnet18", width=0.125, size=(16, 16), **options)


def by_hand(encoder: Encoder, data: DataSet, rows: np.ndarray) -> Tensor:
    """One record at a time, without batches, threads or channels_last."""
    views, out = evaluation_views(encoder), []
    encoder.eval()
    for row in rows:
        one = np.array([row])
        draws = views.draw(0, 0, one, data.store.ids[one], data.store.extents[one])
        with torch.no_grad():
            x = views.apply(data.store.read(draws.rows, draws.windows), draws).views["image"][0]
            out.append(encoder(x).pooled)
    return torch.cat(out)


def test_the_two_vectors_of_the_lightly_worker(data: DataSet) -> None:
    encoder, rows = build_encoder("lightly-resnet9", width=0.125, num_ftrs=5, size=(16, 16)).eval(), np.arange(4)
    pooled = forward(encoder, data.store, rows)
    torch.testing.assert_close(forward(encoder, data.store, rows, layer="features"), pooled, rtol=0, atol=0)
    shorter = encoder.embedding(pooled).detach()
    torch.testing.assert_close(forward(encoder, data.store, rows, layer="embedding"), shorter / shorter.norm(dim=1, keepdim=True))
    projector = MLP(5, 7, 3).eval()
    with torch.no_grad():
        torch.testing.assert_close(forward(encoder, data.store, rows, layer="projected", project=projector), projector(shorter))


@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_rows_in_their_order_whatever_the_batch(data: DataSet, batch_size: int) -> None:
    encoder, rows = network(), np.array([7, 2, 2, 10, 0, 5, 1])
    vectors = forward(encoder, data.store, rows, batch_size=batch_size)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors, by_hand(encoder, data, rows), atol=1e-5, rtol=1e-4)


def test_the_encoder_is_left_as_it_was(data: DataSet) -> None:
    encoder = network()
    encoder.network.layer1.eval()
    before, state = weights_hash(encoder), torch.random.get_rng_state()
    vectors = forward(encoder, data.store, np.arange(11))
    assert not vectors.requires_grad
    assert weights_hash(encoder) == before
    assert encoder.training
    assert encoder.network.layer2.training
    assert not encoder.network.layer1.training
    assert torch.equal(torch.random.get_rng_state(), state)


def test_training_may_go_on_between_blocks(data: DataSet) -> None:
    encoder = network()
    for _ in blocks(encoder, data.store, np.arange(11), batch_size=4):
        assert encoder.training
        assert torch.is_grad_enabled()


def test_dropout_and_batch_statistics_are_off(data: DataSet) -> None:
    encoder = network()
    rows = np.arange(11)
    assert torch.equal(forward(encoder, data.store, rows), forward(encoder, data.store, rows))
    torch.testing.assert_close(
        forward(encoder, data.store, rows)[:3], forward(encoder, data.store, rows[:3]), atol=1e-5, rtol=1e-4
    )


def test_layers_are_averaged(data: DataSet) -> None:
    encoder, rows = network(), np.arange(5)
    last = forward(encoder, data.store, rows, layer="layer4")
    torch.testing.assert_close(last, forward(encoder, data.store, rows))
    assert forward(encoder, data.store, rows, layer="layer1").shape == (5, 8)
    with pytest.raises(UserError, match="no layer"):
        forward(encoder, data.store, rows, layer="layer9")


def test_token_layers_are_averaged(data: DataSet) -> None:
    encoder = build_encoder(
        "timm:vit_tiny_patch16_224", size=(16, 16), patch_size=8, depth=1, embed_dim=24, num_heads=2
    )
    assert forward(encoder, data.store, np.arange(3), layer="blocks.0").shape == (3, 24)


def test_projected(data: DataSet) -> None:
    encoder, rows = network(), np.arange(5)
    projector = MLP(64, 16, 6).eval()
    projected = forward(encoder, data.store, rows, layer="projected", project=projector)
    torch.testing.assert_close(projected, projector(forward(encoder, data.store, rows)))
    with pytest.raises(UserError, match="no projector"):
        forward(encoder, data.store, rows, layer="projected")


def test_progress_and_no_rows(data: DataSet) -> None:
    encoder, seen = network(), []
    forward(encoder, data.store, np.arange(11), batch_size=4, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4, 11), (8, 11), (11, 11)]
    assert forward(encoder, data.store, np.arange(0)).shape == (0, 64)


def test_bf16_is_near(data: DataSet) -> None:
    encoder, rows = network(), np.arange(11)
    plain = forward(encoder, data.store, rows)
    low = forward(encoder, data.store, rows, autocast=torch.bfloat16)
    assert low.dtype == torch.float32
    assert not torch.equal(low, plain)
    assert float((low - plain).norm() / plain.norm()) < 0.05


def test_the_cards_preprocessing_is_what_is_applied(data: DataSet) -> None:
    encoder = network()
    operations = evaluation_views(encoder).config()["image"]["operations"]
    assert operations[0]["resize"]["shorter"] == 16
    plain = forward(encoder, data.store, np.arange(3))
    larger = [{"resize": {"shorter": 20}}, {"centre_crop": {}}]
    encoder.card = encoder.card.model_copy(update={"preprocessing": larger})
    assert not torch.allclose(forward(encoder, data.store, np.arange(3)), plain)
