"""The loop: it learns, stops where told, leaves nothing behind, and goes on bit for bit."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from timm.layers import DropPath

from tests.training.small import HERE, Small, Unwatched
from vesalius import registry
from vesalius.errors import NonFinite, Preempted
from vesalius.runs import TIMES, Run
from vesalius.training import checkpoints
from vesalius.training.fit import reduce_parts
from vesalius.training.method import Output, Progress
from vesalius.training.world import World
from vesalius.views.batch import Batch

METHODS = sorted(registry.names("methods"))

def lines(run: Run) -> list[dict[str, object]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in run.metrics()]


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.parametrize(("optimizer", "method"), [*(("adamw", method) for method in METHODS), *((name, "byol") for name in ("sgd", "lars"))])
def test_stopped_and_resumed_is_never_stopped(tmp_path: Path, optimizer: str, method: str) -> None:
    whole = Small(tmp_path / "whole", method, optimizer=optimizer)
    whole.run()
    part = Small(tmp_path / "part", method, optimizer=optimizer)
    part.watch = Unwatched(every=4)
    original = part.watch.look

    def stop(method_: object, at: Progress) -> object:
        if at.step == 8:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(method_, at)  # type: ignore[arg-type]

    part.watch.look = stop  # type: ignore[method-assign]
    with pytest.raises(Preempted, match="--resume"):
        part.run()
    again = Small(tmp_path / "part", method, optimizer=optimizer)
    again.run(resume=True)
    assert same(whole.method, again.method)
    assert lines(whole.folder) == lines(again.folder)
    theirs = again.stepper.state()
    assert all(torch.equal(v, theirs[k]) for k, v in whole.stepper.state().items())


@pytest.mark.parametrize("accumulate", [1, 2])
def test_stochastic_depth_is_a_function_of_seed_and_step(tmp_path: Path, accumulate: int) -> None:
    def dropping(name: str, steps: int) -> Small:
        small = Small(tmp_path / name, steps=steps, accumulate=accumulate)
        small.method.projector = torch.nn.Sequential(DropPath(0.5), small.method.projector)
        return small

    whole, part = dropping("whole", 6), dropping("part", 6)
    whole.run()
    part.watch = Unwatched(every=4, stop_at=4)
    part.run()
    torch.manual_seed(99)  # another process's generator stands elsewhere
    torch.rand(17)
    again = dropping("part", 6)
    again.run(resume=True)
    assert same(whole.method, again.method)
    other = dropping("other", 6)
    other.method.projector[0].drop_prob = 0.0
    other.run()
    assert not same(whole.method, other.method), "something was dropped"


@pytest.mark.parametrize("method", METHODS)
def test_a_step_against_the_gradient_lowers_the_loss_of_its_batch(tmp_path: Path, method: str) -> None:
    # over a run the loss may well rise: a queue fills with harder keys, a teacher sharpens
    small = Small(tmp_path / "run", method)
    reads, samples = small.feed.at(0)
    batch = replace(small.views.apply(reads[0].pixels, reads[0].draws), ids=reads[0].ids)
    small.method.train()

    def loss() -> torch.Tensor:
        torch.manual_seed(0)
        return reduce_parts(small.method(batch, small.length.at(0)).parts, HERE, samples)

    before = loss()
    trained = [p for p in small.method.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(before, trained)
    share = 0.001 * before.detach().abs() / sum(g.square().sum() for g in gradients)
    with torch.no_grad():
        for parameter, gradient in zip(trained, gradients, strict=True):
            parameter -= share * gradient
        fell = (before - loss()) / before.abs()
    assert 0.0002 < float(fell) < 0.002, "a thousandth, as the gradient foretells"


def test_a_damaged_newest_checkpoint_is_passed_over_loudly(tmp_path: Path) -> None:
    whole = Small(tmp_path / "whole")
    whole.run()
    part = Small(tmp_path / "part")
    part.run()
    kept = sorted((tmp_path / "part" / "checkpoints").glob("step-*"))
    assert [p.name for p in kept] == ["step-00000009", "step-00000012"]
    file = kept[-1] / "method.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    again = Small(tmp_path / "part")
    again.run(resume=True)
    assert any("step-00000012 is damaged" in text for text in again.display.said)
    assert same(whole.method, again.method)
    assert lines(whole.folder) == lines(again.folder)


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path: Path) -> None:
    whole = Small(tmp_path / "whole")
    whole.run()
    part = Small(tmp_path / "part")
    part.folder.measure([{"kind": "train", "step": 1, "loss": 3.0}])
    (part.folder.path / "metrics.jsonl").open("a").write('{"kind": "tr')
    part.run(resume=True)
    assert same(whole.method, part.method)
    assert lines(whole.folder) == lines(part.folder)


def test_a_checkpoint_of_another_method_is_refused(tmp_path: Path) -> None:
    Small(tmp_path / "run", "simclr", steps=3).run()
    other = Small(tmp_path / "run", "byol", steps=3)
    with pytest.raises(Exception, match="does not fit this method"):
        other.run(resume=True)


def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host looks at a step when the next is queued, as it does on a GPU."""
    monkeypatch.setattr(World, "late", property(lambda _: True))


@pytest.mark.parametrize("method", METHODS)
def test_looked_at_late_a_run_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    whole = Small(tmp_path / "whole", method)
    whole.run()
    late(monkeypatch)
    other = Small(tmp_path / "late", method)
    other.run()
    assert [row["step"] for row in lines(other.folder)] == [row["step"] for row in lines(whole.folder)]
    if method in ("byol", "dino", "moco"):  # a teacher that may have to stand still is moved by another sum
        losses = [[row["loss"] for row in small.folder.metrics() if row["kind"] == "train"] for small in (whole, other)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    else:
        assert same(whole.method, other.method)
        assert lines(whole.folder) == lines(other.folder)


@pytest.mark.parametrize("looked_at", ["at once", "late"])
@pytest.mark.parametrize("step", [0, 5, 7])
@pytest.mark.parametrize("method", METHODS)
def test_a_gradient_that_is_not_finite_ends_before_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, step: int, looked_at: str
) -> None:
    if looked_at == "late":
        late(monkeypatch)
    small = Small(tmp_path / "run", method)
    forward = small.method.forward
    before: dict[str, torch.Tensor] = {}

    def poisoned(batch: Batch, at: Progress) -> Output:
        if at.step == step:
            before.update({k: v.clone() for k, v in small.method.state_dict().items()})
        out = forward(batch, at)
        return Output({k: v * (float("nan") if at.step == step else 1.0) for k, v in out.parts.items()}, out.carry)

    small.method.forward = poisoned  # type: ignore[method-assign]
    with pytest.raises(NonFinite, match=f"Step {step} gave a gradient") as error:
        small.run()
    assert error.value.exit_code == 3
    assert all(torch.equal(v, before[k]) for k, v in small.method.state_dict().items())
    assert [row["step"] for row in small.folder.metrics() if row["kind"] == "train"] == list(range(1, step + 1)), "what came before it is written down"
    assert small.watch.looks == 1 + step // 4, "no monitor looked at what the step left"
    # the bundle replays the step: without the poison it is the step the run would have taken
    bundle = tmp_path / "run" / "checkpoints" / "nonfinite"
    assert checkpoints.damage(bundle) is None
    fresh = Small(tmp_path / "fresh", method)
    at, _, _ = checkpoints.load(bundle, fresh.method, fresh.stepper)
    assert at == step
    assert all(torch.equal(v, before[k]) for k, v in fresh.method.state_dict().items())


def test_a_monitor_can_end_the_run(tmp_path: Path) -> None:
    small = Small(tmp_path / "run", watch=Unwatched(every=4, stop_at=8))
    small.run()
    assert small.folder.metrics()[-1]["step"] == 8
    assert (tmp_path / "run" / "checkpoints" / "step-00000008").is_dir()


def test_accumulated_batches_of_independent_samples_are_one_batch(tmp_path: Path) -> None:
    one, two = Small(tmp_path / "one", "byol", steps=4), Small(tmp_path / "two", "byol", steps=4)
    for small in (one, two):  # batch statistics are those of a micro-batch; without them the steps are equal
        for module in small.method.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.eval()
                module.train = lambda mode=True, m=module: m  # type: ignore[method-assign,misc]
    two.feed.accumulate = 2
    one.run()
    two.run()
    a = [float(r["loss"]) for r in one.folder.metrics() if r["kind"] == "train"]
    b = [float(r["loss"]) for r in two.folder.metrics() if r["kind"] == "train"]
    assert a == pytest.approx(b, rel=1e-4)


def test_dead_parameters_are_named(tmp_path: Path) -> None:
    small = Small(tmp_path / "run", steps=1)
    small.method.register_parameter("unused", torch.nn.Parameter(torch.zeros(3)))
    small.stepper.names = {p: n for n, p in small.method.named_parameters()}
    small.run()
    assert any("get no gradient, first unused" in text for text in small.display.said)


def test_logged_rows_are_json_without_nan(tmp_path: Path) -> None:
    small = Small(tmp_path / "run", steps=3)
    small.run()
    for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line, parse_constant=lambda word: pytest.fail(word))
        assert row["step"] <= 3
