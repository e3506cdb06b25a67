from __future__ import annotations

import pytest
import torch
from torch import nn

from vesalius import random
from vesalius.training.linear_head import LinearHead, class_weights

CPU = torch.device("cpu")


def test_class_weights_are_the_originals():
    labels = torch.tensor([0.0] * 79 + [1.0] * 21 + [torch.nan] * 50)
    weights, missing = class_weights(labels, "binary", 2)
    torch.testing.assert_close(weights, torch.tensor([0.21, 0.79]))
    assert missing == []


def test_a_missing_class_weighs_zero():
    weights, missing = class_weights(torch.tensor([0.0, 0.0, 2.0]), "classes", 4)
    torch.testing.assert_close(weights, torch.tensor([1 / 3, 0, 2 / 3, 0]))
    assert missing == [1, 3]


def test_multilabel_weights_are_those_of_each_label():
    labels = torch.tensor([[1.0, 0], [0, torch.nan], [0, 0], [0, 0]])
    weights, missing = class_weights(labels, "multilabel", 2)
    torch.testing.assert_close(weights, torch.tensor([[0.25, 0.75], [1.0, 0.0]]))
    assert missing == [1]


@pytest.mark.parametrize("kind", ["classes", "multilabel"])
def test_learning_is_plain_adam_on_a_plain_linear_layer(kind):
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    y = (torch.arange(50) % 3).float() if kind == "classes" else (x[:, :3] > 0).float()
    head = LinearHead(6, 3, kind, lr=0.01, weight_decay=0.1, device=CPU)
    layer = nn.Linear(6, 3)
    nn.init.zeros_(layer.weight), nn.init.zeros_(layer.bias)
    adam = torch.optim.Adam(layer.parameters(), lr=0.01, weight_decay=0.1, foreach=False)
    weights, _ = class_weights(y, kind, 3)
    for epoch in range(3):
        logits, mean = head.learn(x, y, weights, seed=5, epoch=epoch, batch=16, dropout=0.0)
        total = 0.0
        for rows in torch.from_numpy(random.permutation(5, epoch, 50)).split(16):
            if kind == "classes":
                loss = nn.functional.cross_entropy(layer(x[rows]), y[rows].long(), weights)
            else:
                share = torch.where(y[rows] > 0, weights[:, 1], weights[:, 0])
                loss = (
                    nn.functional.binary_cross_entropy_with_logits(layer(x[rows]), y[rows], share, reduction="sum")
                    / share.sum()
                )
            adam.zero_grad(), loss.backward(), adam.step()
            total += float(loss.detach()) * len(rows)
        assert mean == pytest.approx(total / 50, rel=1e-5)
    torch.testing.assert_close(head.weight, layer.weight)
    torch.testing.assert_close(head.bias, layer.bias)
    assert logits.shape == (50, 3)


def test_unknown_labels_pull_at_nothing():
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    y = torch.full((20, 2), torch.nan)
    y[:, 0] = (x[:, 0] > 0).float()
    head = LinearHead(4, 2, "multilabel", lr=0.1, weight_decay=0.0, device=CPU)
    head.learn(x, y, None, seed=0, epoch=0, batch=8, dropout=0.0)
    assert torch.equal(head.weight[1], torch.zeros(4))
    assert float(head.weight[0, 0].detach()) > 0


def test_dropout_keeps_the_expected_value_and_its_share():
    x = torch.ones(4000, 1)
    head = LinearHead(1, 2, "classes", lr=1e-9, weight_decay=0.0, device=CPU)
    with torch.no_grad():
        head.weight[1] = 1.0
    logits, _ = head.learn(x, torch.zeros(4000), None, seed=0, epoch=0, batch=4000, dropout=0.2)
    assert float(logits[:, 1].mean()) == pytest.approx(1, abs=0.03)
    assert float((logits[:, 1] == 0).float().mean()) == pytest.approx(0.2, abs=0.03)


def test_it_works_where_gradients_are_switched_off():
    head = LinearHead(2, 2, "classes", lr=0.1, weight_decay=0.0, device=CPU)
    with torch.no_grad():
        head.learn(torch.randn(8, 2), torch.arange(8.0) % 2, None, seed=0, epoch=0, batch=4, dropout=0.0)
    assert float(head.weight.detach().abs().sum()) > 0


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
@pytest.mark.parametrize("balanced", [False, True])
def test_a_label_may_lie_between_no_and_yes(kind, balanced):
    head = LinearHead(3, 2, kind, lr=0.01, weight_decay=0.0, device=CPU)
    logits, soft = torch.randn(4, 2), torch.tensor([0.7, 0.0, 1.0, 0.2])
    weights = torch.tensor([0.3, 1.7]) if balanced else torch.ones(2)
    if kind == "binary":
        each, share = -logits.log_softmax(1), torch.stack([1 - soft, soft], 1) * weights
        found = head.loss(logits, soft, weights if balanced else None)
        torch.testing.assert_close(found, (share * each).sum() / share.sum())
    else:
        labels = torch.stack([soft, soft], 1)
        share = torch.stack([1 - labels, labels]) * weights[:, None, None]
        each = torch.stack([-(-logits).sigmoid().log(), -logits.sigmoid().log()])
        found = head.loss(logits, labels, weights.expand(2, 2) if balanced else None)
        torch.testing.assert_close(found, (share * each).sum() / share.sum())
