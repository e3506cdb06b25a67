"""InfoNCE against a slow version, closed forms, its symmetries and lightly; the queue, its order and what moves the keys."""

import math

import pytest
import torch
from lightly.loss import NTXentLoss
from torch import Tensor
from torch.nn import functional as F

from tests.methods import cases
from tests.training.test_world import ranks
from vesalius.errors import UserError
from vesalius.methods.moco import Config, MoCo, enqueue, info_nce
from vesalius.training.method import Output, Progress
from vesalius.training.world import World
from vesalius.views.batch import Batch

AT = Progress(0, 10, 0, 1.0, 10)


def vectors(rows: int = 6, dim: int = 5, queue: int = 9) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    query, key, held = (torch.randn(n, dim, generator=g, dtype=torch.float64) for n in (rows, rows, queue))
    return query.requires_grad_(), key, F.normalize(held, dim=1)


def slow(query: Tensor, key: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """Equation 1 of the paper, sample by sample."""
    losses = []
    for q, k in zip(query, key):
        q, k = q / q.norm(), k / k.norm()
        positive = torch.exp(torch.dot(q, k) / temperature)
        losses.append(-torch.log(positive / (positive + sum(torch.exp(torch.dot(q, held) / temperature) for held in queue))))
    return torch.stack(losses)


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_equals_the_slow_version(temperature: float) -> None:
    query, key, queue = vectors()
    weights = torch.linspace(0.5, 2, len(query), dtype=torch.float64)
    ours, theirs = info_nce(query, key, queue, temperature), slow(query, key, queue, temperature)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(*(torch.autograd.grad((loss * weights).sum(), query)[0] for loss in (ours, theirs)))


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_equals_lightly(temperature: float) -> None:
    query, key, queue = (t.detach().float() for t in vectors(16, 8, 33))
    query.requires_grad_()
    peer = NTXentLoss(temperature, memory_bank_size=(33, 8))
    peer.memory_bank.bank = queue.clone()
    ours, theirs = info_nce(query, key, queue, temperature).mean(), peer(query, key)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(*(torch.autograd.grad(loss, query)[0] for loss in (ours, theirs)), rtol=1e-5, atol=1e-6)


def test_closed_forms() -> None:
    same = torch.ones(4, 3, dtype=torch.float64)
    # all vectors equal: the key is as likely as each of the queue's seven
    torch.testing.assert_close(info_nce(same, 5 * same, F.normalize(torch.ones(7, 3, dtype=torch.float64), dim=1), 0.3), torch.full((4,), math.log(8)).double())
    axes = torch.eye(4, dtype=torch.float64)
    expected = -2.0 + math.log(math.exp(2.0) + 1 + math.exp(-2.0))  # cosines 1, 0 and -1, T = 0.5
    torch.testing.assert_close(info_nce(axes[:1], axes[:1], torch.stack([axes[1], -axes[0]]), 0.5), torch.tensor([expected]).double())


def test_symmetries() -> None:
    query, key, queue = vectors()
    base = info_nce(query, key, queue, 0.2)
    torch.testing.assert_close(info_nce(3 * query, 0.1 * key, queue, 0.2), base)
    torch.testing.assert_close(info_nce(query, key, queue.flip(0), 0.2), base)
    torch.testing.assert_close(info_nce(query.flip(0), key.flip(0), queue, 0.2), base.flip(0))
    rotation = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0]
    torch.testing.assert_close(info_nce(query @ rotation, key @ rotation, queue @ rotation, 0.2), base)


def test_extreme_similarities_stay_finite() -> None:
    axis = torch.eye(2)
    for key, queue in ((axis[:1], -axis[:1]), (-axis[:1], axis[:1])):
        query = (axis[:1] + torch.tensor([[0.0, 1e-3]])).requires_grad_()
        loss = info_nce(query, key, queue, 0.001)
        assert loss.isfinite().all()
        assert torch.autograd.grad(loss.sum(), query)[0].isfinite().all()


def test_autocast_changes_nothing() -> None:
    query, key, queue = (t.detach().float() for t in vectors(32, 16, 64))
    query.requires_grad_()
    plain = torch.autograd.grad(info_nce(query, key, queue, 0.005).mean(), query)[0]
    with torch.autocast("cpu", torch.bfloat16):
        loss = info_nce(query, key, queue, 0.005).mean()
    torch.testing.assert_close(torch.autograd.grad(loss, query)[0], plain)


# ---- the queue


@pytest.mark.parametrize("finite", [None, torch.tensor(True)])
def test_the_queue_is_a_ring(finite: Tensor | None) -> None:
    """Batches of 4, 3 and 4 into seven rows: against a list that forgets its oldest."""
    queue, pointer = torch.full((7, 1), -1.0), torch.zeros((), dtype=torch.int64)
    seen = 0
    for rows in (4, 3, 4, 4, 1, 7):
        keys = torch.arange(seen, seen + rows, dtype=torch.float32)[:, None]
        enqueue(queue, pointer, keys, finite)
        seen += rows
        kept = range(max(0, seen - 7), seen)
        assert sorted(queue[queue >= 0].tolist()) == list(kept)
        assert pointer.item() == seen % 7
        assert all(queue[number % 7].item() == number for number in kept), "each at its place"


def test_a_step_that_was_not_taken_leaves_the_queue() -> None:
    queue, pointer = torch.rand(5, 2), torch.tensor(3)
    before = queue.clone()
    enqueue(queue, pointer, torch.full((4, 2), math.nan), torch.tensor(False))
    assert torch.equal(queue, before)
    assert pointer.item() == 3


def test_a_queue_smaller_than_a_batch_is_refused() -> None:
    with pytest.raises(UserError, match=r"method.queue is 5, but one step makes 6 keys.*--method.queue to 6 or more") as error:
        enqueue(torch.zeros(5, 2), torch.tensor(0), torch.zeros(6, 2), None)
    assert "\n" not in str(error.value)


def test_keys_of_all_ranks_enter_in_global_order() -> None:
    keys = F.normalize(torch.randn(6, 16, generator=torch.Generator().manual_seed(2)), dim=1)
    counts = (3, 1, 2)

    def work(here: World) -> None:
        method = cases.build("moco")
        assert isinstance(method, MoCo)
        rest = method.queue[6:].clone()
        start = sum(counts[: here.rank])
        mine = 3 * keys[start : start + counts[here.rank]]  # they are normalised on their way
        method.fresh = [mine]
        method.after_step(Output({}), AT)
        torch.testing.assert_close(method.queue[:6], keys)
        assert torch.equal(method.queue[6:], rest)
        assert method.pointer.item() == 6

    assert ranks(3, work) == [0, 0, 0]


# ---- the method


def test_a_step_compares_with_the_queue_and_then_fills_it() -> None:
    method = cases.build("moco").train()
    assert isinstance(method, MoCo)
    torch.testing.assert_close(method.queue.norm(dim=1), torch.ones(37))
    assert torch.equal(method.queue, cases.build("moco").queue), "drawn from vesalius.random"
    views = torch.rand(2, 4, 1, 16, 16, generator=torch.Generator().manual_seed(3))
    batch = Batch({"global": views}, {}, torch.arange(4), {})
    with torch.no_grad():
        method.key_projector[0].weight.mul_(0.5)  # a key encoder that is not the query's
    queue, slow_weight = method.queue.clone(), method.key_projector[0].weight.clone()
    out = method(batch, AT)
    assert out.parts["info_nce"].shape == (4,)
    assert [keys.requires_grad for keys in method.fresh] == [False]
    keys, queries = method.key_projector(method.key_encoder(views[1]).pooled), method.projector(method.encoder(views[0]).pooled)
    torch.testing.assert_close(out.parts["info_nce"], slow(queries, keys, queue, 0.2))
    out.parts["info_nce"].mean().backward()
    assert {n for n, p in method.named_parameters() if p.grad is None} == {n for n, p in method.named_parameters() if n.startswith("key_")}
    method.after_step(out, AT)
    torch.testing.assert_close(method.queue[:4], F.normalize(keys, dim=1))
    assert torch.equal(method.queue[4:], queue[4:])
    moved = 0.999 * slow_weight + 0.001 * method.projector[0].weight
    torch.testing.assert_close(method.key_projector[0].weight, moved)


def test_keys_of_all_micro_batches_enter_and_those_of_evaluation_do_not() -> None:
    method = cases.build("moco").train()
    assert isinstance(method, MoCo)
    views = torch.rand(2, 5, 1, 16, 16, generator=torch.Generator().manual_seed(4))
    parts = [views[:, :3], views[:, 3:]]
    expected = torch.cat([method.key_projector(method.key_encoder(part[1]).pooled) for part in parts])
    outs = [method(Batch({"global": part}, {}, torch.arange(part.shape[1]), {}), AT) for part in parts]
    with torch.no_grad():
        method.eval()(Batch({"global": views}, {}, torch.arange(5), {}), AT)
    method.train().after_step(outs[-1], AT)
    torch.testing.assert_close(method.queue[:5], F.normalize(expected, dim=1))
    assert (method.pointer.item(), method.fresh) == (5, [])


def test_the_papers_head_and_defaults() -> None:
    config = Config()
    assert (config.queue, config.momentum, config.temperature) == (65536, 0.999, 0.2)
    method = MoCo(cases.build("simclr").encoder, Config(queue=8))
    layers = [type(m).__name__ for m in method.projector]
    assert layers == ["Linear", "ReLU", "Linear"]
    assert [tuple(m.weight.shape) for m in method.projector if isinstance(m, torch.nn.Linear)] == [(2048, method.encoder.card.dim), (128, 2048)]
    assert list(method.exports()) == ["query", "key"]
