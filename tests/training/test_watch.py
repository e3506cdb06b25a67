"""Watching, in whole runs: no tensor of the method changes, each labelled image is seen once an epoch, all are scored."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.reliability.harness import make_data, recipe
from tests.training.small import HERE
from tests.training.test_world import ranks
from vesalius import registry
from vesalius.encoders import build_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.measures import metrics
from vesalius.pretrain import pretrain
from vesalius.training.linear_head import LinearHead
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import Finding, Interval
from vesalius.training.watch import Watch, Watched
from vesalius.training.world import World


def fingerprint(method: Method) -> str:
    """SHA-256 over every weight and buffer, and over which modules are in training mode."""
    digest = hashlib.sha256()
    for name, tensor in method.state_dict().items():
        digest.update(name.encode() + tensor.detach().contiguous().numpy().tobytes())
    digest.update(repr([(name, module.training) for name, module in method.named_modules()]).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("name", sorted(registry.names("methods")))
def test_watching_changes_nothing_and_sees_everything(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before_and_after: list[tuple[str, str]] = []
    learnt: list[int] = []
    scored: list[int] = []
    look, learn, evaluate = Watch.look, LinearHead.learn, metrics.evaluate

    def looked(self: Watch, method: Method, at: Any) -> Any:
        before = fingerprint(method)
        scored.clear()
        found = look(self, method, at)
        before_and_after.append((before, fingerprint(method)))
        assert 32 in scored, "all of the 32 validation images are scored"
        return found

    def learning(self: LinearHead, vectors: torch.Tensor, *words: Any, **named: Any) -> Any:
        learnt.append(len(vectors))
        return learn(self, vectors, *words, **named)

    def evaluating(kind: Any, labels: torch.Tensor, *words: Any, **named: Any) -> Any:
        scored.append(len(labels))
        return evaluate(kind, labels, *words, **named)

    monkeypatch.setattr(Watch, "look", looked)
    monkeypatch.setattr(LinearHead, "learn", learning)
    monkeypatch.setattr(metrics, "evaluate", evaluating)
    given = {**recipe(make_data(tmp_path / "data"), name), "epochs": 4, "validate_every": {"epochs": 2}}
    given["monitors"] = ["linear", "knn", "spread", {"name": "lidar", "images": 20, "views": 3}]
    pretrain(given, out=tmp_path / "run", quiet=True)
    assert len(before_and_after) == 3, "at the start, after two epochs, after four"
    assert all(before == after for before, after in before_and_after)
    assert len({before for before, _ in before_and_after}) == 3, "it did learn in between"
    assert learnt == [96] * 4, "each of the 96 labelled training images, once an epoch"


class Reading:
    """A monitor that keeps what it reads."""

    metric, higher_is_better = "count", True

    def __init__(self, name: str, splits: tuple[str, ...] = ("train", "val"), stop: bool = False) -> None:
        self.name, self.splits, self.stop = name, splits, stop
        self.seen: list[dict[str, torch.Tensor]] = []
        self.memory = torch.zeros(2)

    def __call__(self, features: Any, method: Method, at: Progress) -> Finding:
        self.seen.append({split: features(split).vectors for split in self.splits})
        return Finding({"count": float(len(self.seen))}, {"count": True}, stop=self.stop, warning="Look." if self.stop else None)

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {"memory": self.memory}

    def load_state_dict(self, state: Any) -> None:
        self.memory = state["memory"]


def watched(calls: list[tuple[str, int]], name: str, train: int = 7, val: int = 5) -> Watched:
    def forward(encoder: Any, rows: Any) -> torch.Tensor:
        calls.append((name, len(rows)))
        return torch.from_numpy(rows).float()[:, None] * torch.ones(1, 3)

    rows = {"train": np.arange(train), "val": np.arange(100, 100 + val)}
    return Watched(forward, rows, {"train": {}, "val": {}})


class Exporting(Method):
    """What Watch asks of a method."""

    def exports(self) -> dict[str, Encoder]:
        return {"encoder": ENCODER}

    def forward(self, batch: Any, at: Progress) -> Any:
        """Never called here."""


ENCODER = build_encoder("resnet18", width=0.0625)


def at(step: int) -> Progress:
    return Progress(step, 40, step // 10, 4.0, 10)


def test_monitors_of_one_set_share_one_pass() -> None:
    calls: list[tuple[str, int]] = []
    one, two = Reading("one"), Reading("two", ("val",))
    shared = watched(calls, "a")
    watch = Watch(HERE, [(one, shared, Interval(epochs=1)), (two, shared, Interval(epochs=1))])
    scalars, best, warnings, ends = watch.look(Exporting(), at(10))
    assert calls == [("a", 7), ("a", 5)]
    assert one.seen[0]["val"] is two.seen[0]["val"]
    assert scalars == {"monitor/one/count": 1.0, "monitor/two/count": 1.0}
    assert (best, warnings, ends) == (["best-one", "best-two"], [], False)
    watch.look(Exporting(), at(20))
    assert len(calls) == 4, "the next event reads anew"


def test_each_monitor_has_its_own_data_and_interval() -> None:
    calls: list[tuple[str, int]] = []
    often, seldom = Reading("often", ("val",)), Reading("seldom", ("val",), stop=True)
    watch = Watch(HERE, [(often, watched(calls, "a"), Interval(steps=5)), (seldom, watched(calls, "b", val=9), Interval(epochs=2))])
    assert [step for step in range(41) if watch.due(at(step))] == list(range(0, 41, 5))
    ended = {step: watch.look(Exporting(), at(step)) for step in range(0, 41, 5)}
    assert (len(often.seen), len(seldom.seen)) == (9, 3)
    assert calls.count(("a", 5)) == 9
    assert calls.count(("b", 9)) == 3
    assert [step for step, (_, _, warnings, ends) in ended.items() if ends and warnings == ["Look."]] == [0, 20, 40]
    assert ended[0][1] == [], "the encoder before its first step is nobody's best"


def test_further_criteria_choose_checkpoints_of_their_own() -> None:
    class Two(Reading):
        also = ("depth",)

        def __call__(self, features: Any, method: Method, at: Progress) -> Finding:
            return Finding({"count": 1.0, "depth": 2.0}, {"count": at.step < 20, "depth": True})

    watch = Watch(HERE, [(Two("one"), watched([], "a"), Interval(epochs=1))])
    assert [watch.look(Exporting(), at(step))[1] for step in (0, 10, 20)] == [[], ["best-one", "best-one-depth"], ["best-one-depth"]]


def test_views_are_asked_for_by_name_and_shared_by_ranks() -> None:
    def forward(encoder: Any, rows: Any, step: int) -> torch.Tensor:
        assert step == 10
        return torch.from_numpy(rows).float()[:, None, None] + torch.arange(2.0)[:, None] * torch.ones(3)

    def work(here: World) -> None:
        monitor, calls = Reading("one", ("views",)), []
        base = watched(calls, "a")
        seen = replace(base, rows={**base.rows, "views": np.array([4, 6, 9])}, views=forward)
        Watch(here, [(monitor, seen, Interval(epochs=1))]).look(Exporting(), at(10))
        assert calls == []
        assert monitor.seen[0]["views"].shape == (3, 2, 3)
        assert monitor.seen[0]["views"][:, 1, 0].tolist() == [5, 7, 10]

    assert ranks(2, work) == [0, 0]


def test_states_are_kept_by_name() -> None:
    one, two = Reading("linear"), Reading("linear-2")
    watch = Watch(HERE, [(m, watched([], "a"), Interval(epochs=1)) for m in (one, two)])
    one.memory, two.memory = torch.ones(2), torch.full((2,), 7.0)
    state = watch.state()
    assert set(state) == {"linear/memory", "linear-2/memory"}
    watch.load_state({"linear/memory": torch.full((2,), 3.0), "linear-2/memory": torch.full((2,), 4.0)})
    assert (one.memory.tolist(), two.memory.tolist()) == ([3, 3], [4, 4])


def test_ranks_share_the_pass_and_all_see_all() -> None:
    def work(here: World) -> None:
        calls: list[tuple[str, int]] = []
        monitor = Reading("one")
        Watch(here, [(monitor, watched(calls, "a", train=7, val=1), Interval(epochs=1))]).look(Exporting(), at(10))
        assert [count for _, count in calls] == [[4, 1], [3, 0]][here.rank], "each rank reads its share"
        assert monitor.seen[0]["train"][:, 0].tolist() == list(range(7))
        assert monitor.seen[0]["val"][:, 0].tolist() == [100]

    assert ranks(2, work) == [0, 0]
