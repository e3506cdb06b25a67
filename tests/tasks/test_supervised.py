"""Fine-tuning as a method: labels found by id, rates of encoder and head, nothing of the labels in the state."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tasks.cases import TASKS
from vesalius.encoders import build_encoder
from vesalius.tasks import heads, losses
from vesalius.tasks.supervised import Supervised
from vesalius.training.layerwise import layerwise
from vesalius.training.method import Progress
from vesalius.views.batch import Batch

AT = Progress(0, 10, 0, 1.0, 10)


def method(kind: str = "binary", **options) -> tuple[Supervised, np.ndarray, torch.Tensor]:
    torch.manual_seed(0)
    encoder = build_encoder("resnet18", width=0.0625, channels=1, size=(16, 16))
    ids = np.array([2**63 + 5, 3, 2**64 - 1, 77, 12], np.uint64)
    labels = torch.tensor([1.0, 0.0, 1.0, torch.nan, 0.0])
    if kind == "multilabel":
        labels = torch.stack([labels, 1 - labels], 1)
    head = heads.build(TASKS[kind], encoder.card.dim, labels)
    for parameter in head.parameters():
        parameter.data.normal_()
    return Supervised(encoder, head, ids, labels, **options), ids, labels


def batch(ids: np.ndarray, views: int = 1) -> Batch:
    pixels = torch.rand(views, len(ids), 1, 16, 16, generator=torch.Generator().manual_seed(1))
    return Batch({"global": pixels}, {}, torch.from_numpy(ids.view(np.int64).copy()))


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_labels_are_found_by_id(kind: str) -> None:
    made, ids, labels = method(kind)
    order = np.array([3, 0, 4, 1, 2, 0])
    found = made.labels_of(torch.from_numpy(ids[order].view(np.int64).copy()))
    torch.testing.assert_close(found, labels[torch.from_numpy(order)], equal_nan=True)


def test_the_loss_is_that_of_each_sample_and_zero_where_nothing_is_known() -> None:
    made, ids, labels = method()
    made.eval()
    given = batch(ids)
    (loss,) = made(given, AT).parts.values()
    logits = made.head(made.encoder(given.views["global"][0]).pooled)
    torch.testing.assert_close(loss, losses.classes(logits, labels, None))
    assert loss[3].item() == 0
    two = Batch({"global": given.views["global"].repeat(2, 1, 1, 1, 1)}, {}, given.ids)
    torch.testing.assert_close(made(two, AT).parts["supervised"], loss)


def test_labels_are_no_part_of_the_state() -> None:
    made, _, _ = method(weights=torch.ones(2))
    assert all(key.startswith(("encoder.", "head.")) for key in made.state_dict())
    assert next(iter(made.exports().values())) is made.encoder


def test_the_encoder_learns_at_its_own_rate_layer_by_layer() -> None:
    made, _, _ = method(lr_factor=0.2)
    rates = {id(p): group.lr(AT) for group in made.groups() for p in group.params}
    assert set(rates) == {id(p) for p in made.parameters()}
    assert {rates[id(p)] for p in made.head.parameters()} == {1.0}
    assert {rates[id(p)] for p in made.encoder.parameters()} == {0.2}
    decayed = {id(p): group.lr(AT) for group in layerwise(made, made.groups(), 0.5) for p in group.params}
    assert {decayed[id(p)] for p in made.head.parameters()} == {1.0}
    own = [decayed[id(p)] for p in made.encoder.parameters()]
    assert own[0] == min(own) < max(own) <= 0.2


def test_dropout_only_in_training() -> None:
    made, ids, _ = method(dropout=0.5)
    given = batch(ids)
    made.eval()
    once, again = (made(given, AT).parts["supervised"] for _ in range(2))
    assert torch.equal(once, again)
    made.train()
    torch.manual_seed(0)
    assert not torch.equal(made(given, AT).parts["supervised"], made(given, AT).parts["supervised"])
