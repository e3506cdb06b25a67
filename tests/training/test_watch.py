"""Watching, in whole runs: no tensor of the method changes, each labelled image is seen once an epoch, all are scored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.reliability.harness import make_data, recipe
from vesalius import registry
from vesalius.measures import metrics
from vesalius.pretrain import pretrain
from vesalius.training.linear_head import LinearHead
from vesalius.training.method import Method
from vesalius.training.watch import Watch


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
    pretrain(given, out=tmp_path / "run", quiet=True)
    assert len(before_and_after) == 3, "at the start, after two epochs, after four"
    assert all(before == after for before, after in before_and_after)
    assert len({before for before, _ in before_and_after}) == 3, "it did learn in between"
    assert learnt == [96] * 4, "each of the 96 labelled training images, once an epoch"
