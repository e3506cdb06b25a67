"""Optimizers: LARS against a slow version, found_inf, decay groups, state that keeps its strides."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from vesalius.training.method import Group, Progress, groups_by_shape
from vesalius.training.optimizers import LARS, OptimizerConfig, Stepper, peak_rate

NAMES = ["sgd", "adam", "adamw", "lars"]


def network() -> nn.Module:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    return made.to(memory_format=torch.channels_last)


def stepper(module: nn.Module, name: str, **fields: object) -> Stepper:
    config = OptimizerConfig.model_validate({"name": name, "lr": 0.1, **fields})
    return Stepper(config, groups_by_shape(module.parameters()), {p: n for n, p in module.named_parameters()}, 256)


def backward(module: nn.Module, seed: int, poison: bool = False) -> None:
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(seed)).contiguous(memory_format=torch.channels_last)
    loss = module(x).pow(2).mean() * (float("nan") if poison else 1.0)
    loss.backward()


AT = Progress(50, 100, 0, 1.0, 100)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_that_is_not_finite_changes_nothing(name: str) -> None:
    module = network()
    step = stepper(module, name)
    step.set_rate(AT)
    for seed in range(2):
        backward(module, seed)
        step.step(torch.tensor(0.0))
    weights = [p.clone() for p in module.parameters()]
    state = {k: v.clone() for k, v in step.state().items()}
    backward(module, 3, poison=True)
    step.step(torch.tensor(1.0))
    assert all(torch.equal(a, b) for a, b in zip(weights, module.parameters()))
    assert all(torch.equal(state[k], v) for k, v in step.state().items())


@pytest.mark.parametrize("name", NAMES)
def test_state_comes_back_bit_for_bit(name: str) -> None:
    one = network()
    first = stepper(one, name)
    for seed in range(3):
        first.set_rate(AT)
        backward(one, seed)
        first.step(torch.tensor(0.0))
    two = network()
    two.load_state_dict(one.state_dict())
    second = stepper(two, name)
    second.load_state({k: v.contiguous().clone() for k, v in first.state().items()})
    for seed in range(3, 6):
        for module, step in ((one, first), (two, second)):
            step.set_rate(AT)
            backward(module, seed)
            step.step(torch.tensor(0.0))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values()))
    for parameter, fields in second.optimizer.state.items():
        assert all(v.stride() == parameter.stride() for v in fields.values() if v.shape == parameter.shape)


def test_lars_against_a_slow_version() -> None:
    torch.manual_seed(0)
    weight, bias = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(3))
    w, b, mw, mb = weight.detach().clone(), bias.detach().clone(), torch.zeros(3, 4), torch.zeros(3)
    sets = [{"params": [weight], "weight_decay": 0.01}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = LARS(sets, lr=0.2, momentum=0.9, weight_decay=0.0, trust=0.001)
    for _ in range(4):
        weight.grad, bias.grad = torch.randn(3, 4), torch.randn(3)
        g = weight.grad + 0.01 * w
        mw = 0.9 * mw + 0.001 * w.norm() / g.norm() * g
        mb = 0.9 * mb + bias.grad
        w, b = w - 0.2 * mw, b - 0.2 * mb
        optimizer.step()
    torch.testing.assert_close(weight.detach(), w)
    torch.testing.assert_close(bias.detach(), b)


def test_lars_leaves_a_zero_weight_its_gradient() -> None:
    weight = nn.Parameter(torch.zeros(2, 2))
    optimizer = LARS([weight], lr=0.5, momentum=0.0, weight_decay=0.1, trust=0.001)
    weight.grad = torch.ones(2, 2)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((2, 2), -0.5))


@pytest.mark.parametrize(
    ("by", "undecayed"),
    [("shape", {"0.bias", "1.weight", "1.bias", "4.bias"}), ("name", {"0.bias", "1.bias", "4.bias"}), ("all", set())],
)
def test_what_decays(by: str, undecayed: set[str]) -> None:
    module = network()
    step = stepper(module, "adam", decay_by=by, weight_decay=0.5)
    names = {p: n for n, p in module.named_parameters()}
    found = {names[p] for g in step.optimizer.param_groups if not g["weight_decay"] for p in g["params"]}
    assert found == undecayed


def test_automatic_rates_follow_the_batch() -> None:
    assert peak_rate(OptimizerConfig(name="sgd"), 512) == pytest.approx(0.24)
    assert peak_rate(OptimizerConfig(name="lars"), 256) == pytest.approx(0.3)
    assert peak_rate(OptimizerConfig(name="adamw"), 1024) == pytest.approx(2e-3)
    assert peak_rate(OptimizerConfig(lr=0.7), 1024) == 0.7
    assert peak_rate(OptimizerConfig(name="adamw", base_lr=1.5e-4), 4096) == pytest.approx(2.4e-3)
    assert peak_rate(OptimizerConfig(name="adamw", base_lr=1.5e-4, lr=0.7), 4096) == 0.7


def test_weight_decay_follows_half_a_cosine_where_it_decays() -> None:
    module = network()
    step = stepper(module, "adamw", weight_decay=0.04, weight_decay_end=0.4)
    for at in (Progress(n, 100, 0, 1.0, 100) for n in (0, 25, 50, 99)):
        step.set_rate(at)
        decay, plain = (group["weight_decay"] for group in step.optimizer.param_groups)
        assert decay == pytest.approx(0.4 + (0.04 - 0.4) * (1 + math.cos(math.pi * at.step / 100)) / 2)
        assert plain == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_scheduled_decay_is_what_the_step_uses(name: str) -> None:
    """Half way through, the scheduled decay is that of a constant one at the middle."""
    weights = []
    for fields in ({"weight_decay": 0.1, "weight_decay_end": 0.3}, {"weight_decay": 0.2}, {"weight_decay": 0.1}):
        module = network()
        step = stepper(module, name, **fields)
        step.set_rate(AT)
        backward(module, 0)
        step.step(torch.tensor(0.0))
        weights.append(module[0].weight.detach().clone())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-6, atol=1e-7)
    assert not torch.equal(weights[0], weights[2])


def test_lars_refuses_a_decay_that_would_end_its_scaling() -> None:
    with pytest.raises(ValidationError, match="neither end can be 0"):
        OptimizerConfig(name="lars", weight_decay=0.1, weight_decay_end=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_group_at_factor_0_stands_still_and_starts_afresh(name: str) -> None:
    """Neither decay, momentum nor moments move it; let go, its first step is that of a new optimizer."""
    module = network()
    last, rest = module[4].weight, [p for p in module.parameters() if p is not module[4].weight]
    groups = [Group(rest, decay=False), Group([last], lr=lambda at: 0.0 if at.epoch < 1 else 1.0)]
    names = {p: n for n, p in module.named_parameters()}
    config = OptimizerConfig.model_validate({"name": name, "lr": 0.1, "weight_decay": 0.3, "warmup": 0.0, "schedule": {"name": "constant"}})
    step = Stepper(config, groups, names, 256)
    before = last.detach().clone()
    for n in range(3):
        step.set_rate(Progress(n, 6, 0, 2.0, 3))
        backward(module, n)
        step.step(torch.tensor(0.0))
    assert torch.equal(last, before)
    assert not any(key.startswith("4.weight/") for key in step.state()), "nothing is remembered of it"
    fresh = nn.Parameter(before.clone())
    alone = Stepper(config, [Group([fresh])], {fresh: "fresh"}, 256)
    for one in (step, alone):
        one.set_rate(Progress(3, 6, 1, 2.0, 3))
    backward(module, 3)
    fresh.grad = last.grad.clone()
    step.step(torch.tensor(0.0))
    alone.step(torch.tensor(0.0))
    assert torch.equal(last, fresh)
    assert not torch.equal(last, before)
