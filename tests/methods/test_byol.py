"""BYOL's loss, its momentum and what moves the teacher."""

import math

import pytest
import torch
from lightly.loss import NegativeCosineSimilarity

from vesalius.methods.byol import COMPAT, Config, build, momentum_at, regression
from vesalius.training.method import Progress
from vesalius.training.teacher import frozen_copy, move_towards


def test_equals_a_slow_version_and_lightly() -> None:
    generator = torch.Generator().manual_seed(0)
    prediction = torch.randn(6, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    slow = torch.stack([(p / p.norm() - t / t.norm()).pow(2).sum() for p, t in zip(prediction, target)])
    ours = regression(prediction, target)
    torch.testing.assert_close(ours, slow)
    torch.testing.assert_close(
        torch.autograd.grad(ours.sum(), prediction, retain_graph=True)[0], torch.autograd.grad(slow.sum(), prediction, retain_graph=True)[0]
    )
    peer = 2 + 2 * NegativeCosineSimilarity()(prediction, target)
    torch.testing.assert_close(ours.mean(), peer, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.autograd.grad(ours.mean(), prediction)[0], torch.autograd.grad(peer, prediction)[0], rtol=1e-5, atol=1e-6)


def test_closed_forms() -> None:
    axes = torch.eye(3)
    torch.testing.assert_close(regression(axes, axes), torch.zeros(3))
    torch.testing.assert_close(regression(axes, -axes), torch.full((3,), 4.0))
    torch.testing.assert_close(regression(axes, axes.roll(1, 0)), torch.full((3,), 2.0))


@pytest.mark.parametrize(("start", "step", "steps"), [(0.99, 15, 100), (0.9, 0, 10), (0.99, 99, 100)])
def test_momentum_follows_the_papers_cosine(start: float, step: int, steps: int) -> None:
    at = Progress(step, steps, 0, 1.0, steps)
    expected = 1 - (1 - start) * (math.cos(math.pi * step / steps) + 1) / 2
    assert momentum_at(start, at) == pytest.approx(expected, abs=1e-12)


def test_teacher_moves_by_the_rule_and_stays_where_told() -> None:
    student = torch.nn.Linear(3, 2)
    teacher = frozen_copy(student)
    with torch.no_grad():
        student.weight.add_(1.0)
    before = teacher.weight.clone()
    move_towards(teacher, student, 0.9, torch.tensor(False))
    torch.testing.assert_close(teacher.weight, before, rtol=0, atol=0)
    for finite in (None, torch.tensor(True)):
        teacher = frozen_copy(student)
        with torch.no_grad():
            teacher.weight.copy_(before)
        move_towards(teacher, student, 0.9, finite)
        torch.testing.assert_close(teacher.weight, 0.9 * before + 0.1 * student.weight)
    assert not any(p.requires_grad for p in teacher.parameters())


def test_innereye_heads_have_the_originals_shapes() -> None:
    from vesalius.encoders import build_encoder

    encoder = build_encoder("resnet18", width=0.125, stem="small")
    method = build(encoder, Config(**COMPAT["innereye"]))
    shapes = [tuple(p.shape) for p in method.projector.parameters() if p.ndim == 2]
    assert shapes == [(2048, encoder.card.dim), (128, 2048)]
    assert [tuple(p.shape) for p in method.predictor.parameters() if p.ndim == 2] == [(128, 128), (128, 128)]
    linears = [m for m in method.projector if isinstance(m, torch.nn.Linear)]
    assert [m.bias is not None for m in linears] == [False, True]
