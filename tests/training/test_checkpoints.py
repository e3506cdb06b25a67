"""Checkpoints: whole or absent, the newest kept, a damaged one passed over, layouts given back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from vesalius.errors import UserError
from vesalius.training import checkpoints
from vesalius.training.method import groups_by_shape
from vesalius.training.optimizers import OptimizerConfig, Stepper


def made(seed: int = 0, width: int = 4) -> tuple[nn.Module, Stepper]:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Flatten(), nn.LazyLinear(2))
    net(torch.rand(2, 3, 6, 6))
    net.to(memory_format=torch.channels_last)
    names = {p: n for n, p in net.named_parameters()}
    return net, Stepper(OptimizerConfig(name="adamw", lr=0.1), groups_by_shape(net.parameters()), names, 8)


def learn(net: nn.Module, stepper: Stepper, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    net(torch.rand(4, 3, 6, 6, generator=generator).contiguous(memory_format=torch.channels_last)).square().sum().backward()
    stepper.step(torch.zeros(()))


def test_what_is_saved_comes_back_and_goes_on_bit_for_bit(tmp_path: Path) -> None:
    one, stepper = made()
    learn(one, stepper, 1)
    folder = checkpoints.save(tmp_path, 1, one, stepper, {"m/x": torch.arange(3)}, {"best": 0.5})
    two, other = made(seed=9)
    step, monitors, record = checkpoints.load(folder, two, other)
    assert (step, record, monitors["m/x"].tolist()) == (1, {"best": 0.5}, [0, 1, 2])
    assert [p.stride() for p in one.parameters()] == [p.stride() for p in two.parameters()]
    for parameter, fields in other.optimizer.state.items():
        assert fields["exp_avg"].stride() == parameter.stride()
    for net, its in ((one, stepper), (two, other)):
        learn(net, its, 2)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert one[1].running_mean.data_ptr() != two[1].running_mean.data_ptr()


def test_the_newest_two_are_kept_and_named_ones_are_not_counted(tmp_path: Path) -> None:
    net, stepper = made()
    checkpoints.save(tmp_path, 0, net, stepper, {}, {}, name="nonfinite")
    (tmp_path / ".step-00000001.tmp-9-9-dead").mkdir()
    for step in (1, 2, 3, 10):
        checkpoints.save(tmp_path, step, net, stepper, {}, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["nonfinite", "step-00000003", "step-00000010"]
    newest = checkpoints.newest(tmp_path, pytest.fail)
    assert newest is not None
    assert newest.name == "step-00000010"


@pytest.mark.parametrize("harm", ["cut", "gone", "flipped", "state cut", "state without sums"])
def test_damage_is_seen_and_said(tmp_path: Path, harm: str) -> None:
    net, stepper = made()
    for step in (1, 2):
        checkpoints.save(tmp_path, step, net, stepper, {}, {})
    place = tmp_path / "step-00000002"
    file, state = place / "method.safetensors", place / "state.json"
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif harm == "gone":
        file.unlink()
    elif harm == "flipped":
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    elif harm == "state cut":
        state.write_text(state.read_text()[:20])
    else:
        state.write_text(json.dumps({"step": 2}))
    said: list[str] = []
    newest = checkpoints.newest(tmp_path, said.append)
    assert newest is not None
    assert newest.name == "step-00000001"
    assert len(said) == 1
    assert "step-00000002 is damaged" in said[0]


def test_nothing_whole_is_nothing(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path / "absent", pytest.fail) is None


def test_another_network_is_refused(tmp_path: Path) -> None:
    net, stepper = made()
    folder = checkpoints.save(tmp_path, 1, net, stepper, {}, {})
    with pytest.raises(UserError, match=r"does not fit this method: \d tensor.*config\.yaml"):
        checkpoints.load(folder, *made(width=5))


def test_a_failing_writer_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, stepper = made()
    checkpoints.save(tmp_path, 1, net, stepper, {}, {})
    monkeypatch.setattr(checkpoints, "checksum", lambda file: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        checkpoints.save(tmp_path, 2, net, stepper, {}, {})
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000001"]
