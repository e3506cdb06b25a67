"""Layer-wise rates: those of the formula, composed with the method's own; teachers untouched; resume exact."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.methods import cases
from tests.training.small import Small
from vesalius.encoders import build_encoder
from vesalius.encoders.depth import layer_of
from vesalius.methods.byol import BYOL, Config
from vesalius.recipes.config import PretrainConfig
from vesalius.runs import TIMES
from vesalius.training.layerwise import in_words, layerwise
from vesalius.training.method import Group, Method, Progress
from vesalius.training.optimizers import OptimizerConfig, Stepper

AT = Progress(30, 100, 0, 1.0, 100)
VIT = {"depth": 3, "embed_dim": 24, "num_heads": 2, "patch_size": 8}


def rates(method: Method, groups: list[Group], decay: float | None, **fields: object) -> dict[str, float]:
    """The rate in the optimizer of every trained parameter, by name."""
    names = {p: n for n, p in method.named_parameters()}
    config = OptimizerConfig.model_validate({"name": "adamw", "lr": 0.5, "layer_decay": decay, **fields})
    stepper = Stepper(config, layerwise(method, groups, config.layer_decay), names, 256)
    base = stepper.set_rate(AT)
    found = [(names[p], settings["lr"] / base) for settings in stepper.optimizer.param_groups for p in settings["params"]]
    assert len(found) == len(dict(found)), "no parameter twice"
    return dict(found)


@pytest.mark.parametrize("by", ["shape", "name", "all"])
@pytest.mark.parametrize("decay", [0.75, 1.0, None])
def test_rates_in_the_optimizer_are_those_of_the_formula(decay: float | None, by: str) -> None:
    method = cases.build("simclr")
    depths, layers = layer_of(method.encoder)  # type: ignore[arg-type]
    found = rates(method, method.groups(), decay, decay_by=by)
    assert set(found) == {n for n, p in method.named_parameters() if p.requires_grad}
    for name, rate in found.items():
        inside = name.removeprefix("encoder.network.")
        wanted = (decay or 1.0) ** (layers - depths[inside]) if name.startswith("encoder.") else 1.0
        assert rate == pytest.approx(wanted, rel=1e-12), name


def test_a_vit_by_block_as_beit_writes_it() -> None:
    """Three blocks: embeddings decay^4, block i decay^(3 - i), heads 1 (get_layer_id_for_vit, with the last norm in the last block)."""
    encoder = build_encoder("timm:vit_small_patch14_reg4_dinov2", size=(32, 32), **VIT)
    method = BYOL(encoder, Config(hidden=8, dim=4))
    found = rates(method, method.groups(), 0.5)
    start = "encoder.network."
    assert found[f"{start}reg_token"] == found[f"{start}pos_embed"] == found[f"{start}patch_embed.proj.weight"] == 0.5**4
    assert [found[f"{start}blocks.{i}.mlp.fc1.weight"] for i in range(3)] == [0.5**3, 0.5**2, 0.5]
    assert found["predictor.0.weight"] == found["projector.0.weight"] == 1
    assert not any(name.startswith("teacher") for name in found)
    assert not any(name.endswith("mask_token") for name in found), "it is not trained"


def test_a_group_keeps_its_own_rate_decay_and_name() -> None:
    method = cases.build("simclr")
    slow = [Group([*method.parameters()], lr=lambda at: 2.0 * at.done, decay=False, name="slow")]
    split = layerwise(method, slow, 0.9)
    assert not any(group.decay for group in split)
    assert all(group.name.startswith("slow") for group in split)
    assert {id(p) for group in split for p in group.params} == {id(p) for p in slow[0].params}
    assert sum(len(group.params) for group in split) == len(slow[0].params)
    assert {round(g.lr(AT), 9) for g in split} == {round(0.6 * 0.9**k, 9) for k in range(10)}
    depths = layer_of(method.encoder)[0]  # type: ignore[arg-type]
    first = next(g for g in split if any(p is method.encoder.network.conv1.weight for p in g.params))  # type: ignore[union-attr]
    assert depths["conv1.weight"] == 0
    assert first.lr(AT) == pytest.approx(0.6 * 0.9**9)


def test_without_it_the_groups_are_as_they_were() -> None:
    method = cases.build("byol")
    groups = method.groups()
    assert layerwise(method, groups, None) == groups
    whole = [group for group in layerwise(method, groups, 1.0) if group.params]
    assert [[id(p) for p in g.params] for g in whole] == [[id(p) for p in g.params] for g in groups]


def test_it_is_said() -> None:
    assert "9 depths of the encoder, at 0.0751 of the rate nearest the input and 0.75 at the last" in in_words(cases.build("simclr"), 0.75)
    frozen = nn.Sequential(build_encoder("resnet18", width=0.125)).requires_grad_(False)
    assert "changes nothing" in in_words(frozen, 0.75)


@pytest.mark.parametrize("decay", [0.0, 1.5, -1.0])
def test_no_other_decay(decay: float) -> None:
    with pytest.raises(ValueError, match="layer_decay"):
        OptimizerConfig(layer_decay=decay)
    assert PretrainConfig.model_validate({"data": {"train": "x"}, "steps": 1}).optimizer.layer_decay is None


class Layered(Small):
    """A small run whose encoder learns layer by layer."""

    def __init__(self, folder: Path, name: str, optimizer: str, decay: float) -> None:
        super().__init__(folder, name, optimizer=optimizer)
        names = {p: n for n, p in self.method.named_parameters()}
        config = OptimizerConfig.model_validate({"name": optimizer, "lr": 1e-2, "layer_decay": decay})
        self.stepper = Stepper(config, layerwise(self.method, self.method.groups(), decay), names, 10)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lars"])
@pytest.mark.parametrize("name", ["simclr", "byol"])
def test_resumed_is_never_stopped(tmp_path: Path, name: str, optimizer: str) -> None:
    whole = Layered(tmp_path / "whole", name, optimizer, 0.7)
    whole.run()
    part = Layered(tmp_path / "part", name, optimizer, 0.7)
    checkpoint, step = part.stepper.step, 0

    def killed(bad: torch.Tensor) -> None:
        nonlocal step
        step += 1
        if step == 8:
            raise KeyboardInterrupt
        checkpoint(bad)

    part.stepper.step = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        part.run()
    again = Layered(tmp_path / "part", name, optimizer, 0.7)
    again.run(resume=True)
    mine, theirs = whole.method.state_dict(), again.method.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in mine.items())
    ours, others = whole.stepper.state(), again.stepper.state()
    assert all(torch.equal(value, others[key]) for key, value in ours.items())
    rows = [[{k: v for k, v in row.items() if k not in TIMES} for row in run.folder.metrics()] for run in (whole, again)]
    assert rows[0] == rows[1]
    plain = Small(tmp_path / "plain", name, optimizer=optimizer)
    plain.run()
    assert not all(torch.equal(value, mine[key]) for key, value in plain.method.state_dict().items()), "the rates matter"
