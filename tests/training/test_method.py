"""The contract of a method: progress, groups by shape, and that every registered one keeps to it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods import cases
from vesalius import registry
from vesalius.encoders.encoder import Encoder
from vesalius.training.method import Group, Method, Progress, groups_by_shape


def test_progress() -> None:
    at = Progress(25, 100, 2, 10.0, 10)
    assert at.done == 0.25
    assert at.cosine(1.0, 3.0) == pytest.approx(3 - 2 * (1 + math.cos(math.pi / 4)) / 2)
    assert (Progress(0, 100, 0, 1.0, 100).cosine(0.9, 1.0), Progress(0, 0, 0, 0.0, 1).done) == (0.9, 0.0)
    assert Progress(99, 100, 0, 1.0, 100).cosine(0.9, 1.0) < 1.0


def test_groups_go_by_shape_and_leave_out_what_is_frozen() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    net[3].weight.requires_grad_(False)
    decay, plain = groups_by_shape(net.parameters())
    assert [p is net[0].weight for p in decay.params] == [True]
    assert {id(p) for p in plain.params} == {id(p) for p in (net[0].bias, net[1].weight, net[1].bias, net[3].bias)}
    assert (decay.decay, plain.decay) == (True, False)
    assert Group([]).lr(Progress(0, 1, 0, 1.0, 1)) == 1.0


@pytest.mark.parametrize("name", sorted(registry.names("methods")))
def test_every_method_keeps_the_contract(name: str) -> None:
    module = registry.entry("methods", name)
    method = cases.build(name)
    assert isinstance(method, Method)
    assert module.Config.model_config.get("extra") == "forbid"
    assert all(info.description for info in module.Config.model_fields.values()), "each field says what it means"
    exported = method.exports()
    assert all(isinstance(e, Encoder) for e in exported.values())
    members = {id(m) for m in method.modules()}
    assert all(id(e) in members for e in exported.values()), "so that its state is in the checkpoint"
    grouped = [id(p) for group in method.groups() for p in group.params]
    assert len(grouped) == len(set(grouped)), "no parameter in two groups"
    assert set(grouped) == {id(p) for p in method.parameters() if p.requires_grad}
    projected = method.eval().project(torch.rand(2, next(iter(exported.values())).card.dim))
    assert projected is None or projected.shape[0] == 2
    assert (module.__doc__ or "").strip(), "the paper is named"
