"""The teacher: a copy without gradient that moves a share of the way, and not at all after a step that was not taken."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vesalius.training.teacher import frozen_copy, move_towards


def pair() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    student = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).to(memory_format=torch.channels_last)
    teacher = frozen_copy(student)
    with torch.no_grad():
        for p in student.parameters():
            p.add_(torch.randn_like(p))
    return student, teacher


def test_the_copy_is_apart() -> None:
    student, teacher = pair()
    assert not any(p.requires_grad for p in teacher.parameters())
    assert all(p.requires_grad for p in student.parameters())
    assert not {p.data_ptr() for p in student.parameters()} & {p.data_ptr() for p in teacher.parameters()}
    assert teacher[0].weight.stride() == student[0].weight.stride()


@pytest.mark.parametrize("momentum", [0.0, 0.7, 0.996, 1.0])
@pytest.mark.parametrize("flag", [None, True, False])
def test_it_moves_by_the_formula(momentum: float, flag: bool | None) -> None:
    student, teacher = pair()
    before = [p.clone() for p in teacher.parameters()]
    student(torch.rand(2, 2, 6, 6).contiguous(memory_format=torch.channels_last))  # changes the student's statistics
    buffers = [b.clone() for b in teacher.buffers()]
    move_towards(teacher, student, momentum, None if flag is None else torch.tensor(flag))
    for old, p, s in zip(before, teacher.parameters(), student.parameters(), strict=True):
        expected = old if flag is False else momentum * old + (1 - momentum) * s
        torch.testing.assert_close(p, expected.detach(), atol=1e-6, rtol=1e-6)
    assert all(torch.equal(a, b) for a, b in zip(buffers, teacher.buffers(), strict=True)), "its statistics are its own"
