from __future__ import annotations

import math

import pytest
import torch

from vesalius.evaluate.fitting.attending import Probes, Training, _loss


def maps(count: int, dim: int = 8, seed: int = 0):
    """The class shows in one place of nine, drawn for each image, beside noise."""
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 2
    x = torch.randn(count, dim, 3, 3, generator=g)
    x[:, 1] *= 3  # elsewhere it means nothing
    place = torch.randint(0, 9, (count,), generator=g)
    spot = torch.zeros(count, dim)
    spot[:, 0], spot[:, 1] = 8.0, 6.0 * (2 * y - 1)
    x.flatten(2)[torch.arange(count), :, place] += spot
    return x.half(), y.float()


def test_logits_are_the_definition():
    probes = Probes(Training((0.1, 0.2), (3, 4), queries=2), 5, 3, torch.device("cpu"))
    tokens = torch.randn(4, 6, 5)
    found = probes.logits(tokens)
    assert found.shape == (4, 4, 3)
    for rate in range(2):
        for seed in range(2):
            for b in range(4):
                seen = []
                for q in probes.queries[rate][seed]:
                    look = torch.softmax(torch.stack([(t * q).sum() / math.sqrt(5) for t in tokens[b]]), 0)
                    seen.append(sum(a * t for a, t in zip(look, tokens[b])))
                expected = torch.cat(seen) @ probes.heads[rate][seed] + probes.biases[rate][seed, 0]
                torch.testing.assert_close(found[2 * rate + seed, b], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["classes", "multilabel"])
def test_probes_trained_together_are_those_trained_alone(kind):
    x, y = maps(60)
    labels = y if kind == "classes" else torch.stack([y, 1 - y], 1)
    together = Probes(Training((1e-3, 1e-2), (1, 2), queries=2, epochs=2, least=1, batch=20), 8, 2, torch.device("cpu"))
    together.fit(x, labels, kind, seed=5)
    alone = Probes(Training((1e-2,), (2,), queries=2, epochs=2, least=1, batch=20), 8, 2, torch.device("cpu"))
    alone.fit(x, labels, kind, seed=5)
    torch.testing.assert_close(together.answers(x, kind)[1, 1], alone.answers(x, kind)[0, 0], atol=1e-5, rtol=1e-4)


def test_it_finds_what_an_average_loses():
    (x, y), (tx, ty) = maps(400), maps(200, seed=1)
    probes = Probes(Training((1e-2,), (1,), least=150, batch=100), 8, 2, torch.device("cpu"))
    probes.fit(x, y, "classes", seed=1)
    attentive = float((probes.answers(tx, "classes")[0, 0].argmax(1) == ty).float().mean())
    centre = x.float().flatten(2).mean(2)
    means = torch.stack([centre[y == c].mean(0) for c in (0, 1)])
    averaged = float((torch.cdist(tx.float().flatten(2).mean(2), means).argmin(1) == ty).float().mean())
    assert attentive > averaged + 0.08


def test_unknown_labels_have_no_loss():
    logits = torch.randn(2, 3, 2)
    labels = torch.tensor([[1.0, torch.nan], [0.0, 1.0], [torch.nan, torch.nan]])
    known = [(0, 0), (1, 0), (1, 1)]
    expected = sum(torch.nn.functional.binary_cross_entropy_with_logits(logits[p, i, j], labels[i, j]) for p in range(2) for i, j in known) / 3
    torch.testing.assert_close(_loss(logits, labels, "multilabel"), expected)


def test_a_small_set_is_seen_for_the_least_number_of_steps():
    assert Training((1e-3,), (1,)).steps(100) == 200
    assert Training((1e-3,), (1,)).steps(5000) == 600
