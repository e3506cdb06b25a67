"""``compat: innereye`` against facts of the original, by the recipes a user would load. No training.

Elsewhere: the rates of a bare schedule (training/test_schedule), heads' shapes of BYOL (methods/test_byol), class weights
0.21 and 0.79 (training/test_linear_head), the linear monitor's names (training/monitors/test_linear), the transform
(views/test_recipe), the rows 37542, 44491, 216, 43688, 41558 (data/test_splits).
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.data.sources.native import cifar
from vesalius import registry
from vesalius.data.references import resolve
from vesalius.data.splits import innereye, split_as_innereye
from vesalius.encoders import build_encoder
from vesalius.methods.byol import momentum_at
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.loading import load_pretrain
from vesalius.training.method import Method, Progress
from vesalius.training.optimizers import Stepper


def original(name: str) -> PretrainConfig:
    config, sentences = load_pretrain(name, {"compat": "innereye"})
    assert len(sentences) == 3
    return config


def method_of(config: PretrainConfig) -> Method:
    module = registry.entry("methods", config.method.name)
    encoder = build_encoder("resnet18", width=0.125, channels=3, size=(32, 32), stem="innereye")
    return module.build(encoder, module.Config(**config.method.fields))


def stepper_of(config: PretrainConfig, method: Method) -> Stepper:
    return Stepper(config.optimizer, method.groups(), {p: n for n, p in method.named_parameters()}, 128)


def test_byols_rate_is_zero_first_and_full_at_epochs_9_and_10() -> None:
    config = original("CIFAR10BYOL")
    stepper = stepper_of(config, method_of(config))
    per_epoch = 351
    rates = [stepper.set_rate(Progress(e * per_epoch + 7, 2500 * per_epoch, e, 2500.0, per_epoch)) for e in range(12)]
    assert rates[0] == 0
    for epoch in range(10):
        assert rates[epoch] == pytest.approx(epoch * 1e-4 / 9)
    assert rates[1] - rates[0] == pytest.approx(1.11e-5, rel=2e-3)
    assert rates[9] == pytest.approx(1e-4)
    assert rates[10] == pytest.approx(1e-4)
    assert rates[11] < 1e-4


def test_a_run_of_five_epochs_never_exceeds_4_4e_5() -> None:
    config = original("CIFAR10BYOL")
    stepper = stepper_of(config, method_of(config))
    assert max(stepper.set_rate(Progress(s, 50, s // 10, 5.0, 10)) for s in range(50)) == pytest.approx(4e-4 / 9)


def test_simclrs_rate_rises_step_by_step_for_ten_epochs() -> None:
    config = original("CIFAR10SimCLR")
    stepper = stepper_of(config, method_of(config))
    rates = [stepper.set_rate(Progress(s, 1000, s // 10, 100.0, 10)) for s in range(1000)]
    assert rates[0] == 0
    assert rates[100] == pytest.approx(1e-4)
    assert np.argmax(rates) == 100
    assert all(b > a for a, b in pairwise(rates[:101]))
    assert all(b < a for a, b in pairwise(rates[100:]))


def test_tau_at_step_15() -> None:
    config = original("CIFAR10BYOL")
    start = config.method.fields["momentum"]
    for steps in (20, 100, 351 * 2500):
        expected = 1 - 0.01 * (math.cos(math.pi * 15 / steps) + 1) / 2
        assert momentum_at(start, Progress(15, steps, 0, 1.0, steps)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "spared"), [("CIFAR10SimCLR", False), ("CIFAR10BYOL", True)])
def test_weight_decay_by_name_for_byol_and_on_everything_for_simclr(name: str, spared: bool) -> None:
    config = original(name)
    method = method_of(config)
    stepper = stepper_of(config, method)
    names = {p: n for n, p in method.named_parameters()}
    for group in stepper.optimizer.param_groups:
        for parameter in group["params"]:
            without = spared and ("bias" in names[parameter] or "bn" in names[parameter])
            assert group["weight_decay"] == (0 if without else 1e-6), names[parameter]
    # the original's rule goes by name: the batch norm of a down-sampling has none of these words in its own
    decayed = {names[p] for g in stepper.optimizer.param_groups if g["weight_decay"] for p in g["params"]}
    assert any("downsample.1.weight" in n for n in decayed)


def test_simclrs_head_and_temperature() -> None:
    method = method_of(original("CIFAR10SimCLR"))
    shapes = [tuple(p.shape) for p in method.projector.parameters() if p.ndim == 2]
    assert shapes == [(2048, 64), (128, 2048)]
    assert original("CIFAR10SimCLR").method.fields["temperature"] == 0.1


def test_the_linear_heads_numbers() -> None:
    monitor = next(m for m in original("CIFAR10SimCLR").monitors if m.name == "linear")
    assert {k: monitor.fields[k] for k in ("lr", "weight_decay", "dropout", "batch")} == {
        "lr": 1e-4, "weight_decay": 1e-4, "dropout": 0.2, "batch": 16,
    }  # fmt: skip


def test_the_split_is_a_tenth_of_the_training_images(tmp_path: Path) -> None:
    cifar(tmp_path, "cifar10", 20)
    table = resolve(f"cifar10@{tmp_path}")
    found = split_as_innereye(table, 42)
    train, val = innereye(100, 0.1, 42)
    assert found.rows("train").tolist() == sorted(train.tolist())
    assert found.rows("val").tolist() == sorted(val.tolist())
    assert found.rows("test").tolist() == table.rows("test").tolist()
    assert any("by image" in warning for warning in found.warnings)


def test_rates_grow_with_the_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert original("CIFAR10BYOL").optimizer.lr == pytest.approx(4e-4)
