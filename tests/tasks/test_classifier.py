"""The fine-tuned model on disk: what is saved is what is loaded, for every kind of task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.tasks.cases import TASKS
from vesalius.encoders import build_encoder, load_encoder
from vesalius.errors import UserError
from vesalius.tasks import heads
from vesalius.tasks.classifier import Classifier


def model(kind: str, temperature: float = 1.7) -> Classifier:
    torch.manual_seed(0)
    encoder = build_encoder("resnet18", width=0.0625, channels=1, size=(16, 16))
    head = heads.build(TASKS[kind], encoder.card.dim, torch.arange(9.0) * 3)
    for parameter in head.parameters():
        parameter.data.normal_()
    return Classifier(encoder, head, 1.0 if kind == "regression" else temperature).eval()


@pytest.mark.parametrize("kind", TASKS)
def test_saved_is_loaded(kind: str, tmp_path: Path) -> None:
    mine = model(kind)
    mine.save(tmp_path)
    theirs = Classifier.load(tmp_path)
    x = torch.rand(5, 1, 16, 16)
    with torch.no_grad():
        assert torch.equal(mine.logits(x), theirs.logits(x))
        assert torch.equal(mine.probabilities(x), theirs.probabilities(x))
        assert torch.equal(mine(x), theirs.cooled(theirs.head_logits(theirs.encoder(x).pooled)))
    assert theirs.task == TASKS[kind]
    assert not theirs.training
    facts = json.loads((tmp_path / "classifier.json").read_text())
    assert facts["task"] == TASKS[kind].as_dict()
    assert (facts["dim"], facts["input"]) == (32, "pooled")
    assert set(facts["versions"]) == {"vesalius", "torch"}
    assert load_encoder(tmp_path).card.dim == 32, "the folder is an encoder too"


@pytest.mark.parametrize("kind", ["classes", "binary", "ordinal"])
def test_probabilities_are_those_of_cooled_logits(kind: str) -> None:
    mine = model(kind)
    x = torch.rand(5, 1, 16, 16)
    with torch.no_grad():
        logits, found = mine.logits(x), mine.probabilities(x)
    torch.testing.assert_close(found.sum(1), torch.ones(5))
    torch.testing.assert_close(found, (logits / 1.7).softmax(1))


def test_what_holds_no_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no classifier"):
        Classifier.load(tmp_path)
    model("binary").save(tmp_path)
    one, two = tmp_path / "one", tmp_path / "two"
    model("binary").save(one)
    model("classes").save(two)
    (one / "classifier.safetensors").write_bytes((two / "classifier.safetensors").read_bytes())
    with pytest.raises(UserError, match="does not fit"):
        Classifier.load(one)
    (one / "classifier.json").write_text('{"task": {"kind": "nonsense"}}')
    with pytest.raises(UserError, match="Fine-tune again"):
        Classifier.load(one)
