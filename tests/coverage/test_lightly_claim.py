"""Lightly 18: what embeddings learnt so are good for, tested: the experiment on the document's claim, on a hundred small images.

What came out on real images is in docs/does-selection-help.md; here it is tested that the experiment measures what it says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import _selection as shared
from benchmarks import embedding_claim as claim
from PIL import Image

from tests.coverage.command_line import vesalius
from tests.coverage.lightly_jobs import at_home

SIDE = 16


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[shared.Given]:
    with at_home(tmp_path_factory.mktemp("home")) as patch:
        patch.setattr(shared, "NETWORK", {"name": "resnet18", "stem": "small", "width": 0.0625})
        yield shared.Given(tmp_path_factory.mktemp("claim"), shared.Level("tiny", 1, 1, 4, 100, 3, 40), Path(), Path())


@pytest.fixture(scope="module")
def images() -> shared.Images:
    """Discs and squares under changing light."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    shapes = (np.hypot(down, across) < 5.5, np.maximum(abs(down), abs(across)) < 4.6)
    labels = np.arange(120) % 2
    pixels = np.stack([np.where(shapes[k], rng.uniform(120, 200), 60) + rng.normal(0, 6, (SIDE, SIDE)) for k in labels]).clip(0, 255).astype(np.uint8)
    split = np.repeat(["train", "val", "test"], [72, 12, 36])
    return shared.Images("shapes", pixels[..., None], labels.astype(np.float32), split, np.arange(120), ("disc", "square"))


def test_label_errors_touch_the_target_model_and_not_the_self_supervised_one(asked: shared.Given, images: shared.Images) -> None:
    wrong = claim.flipped(images)
    train = images.of("train")
    assert (wrong[train] != images.labels[train]).sum() == round(0.2 * 72)
    assert (np.delete(wrong, train) == np.delete(images.labels, train)).all()
    found = []
    for name, labels in (("right", images.labels), ("wrong", wrong)):
        (asked.folder / name).mkdir()
        here = replace(asked, folder=asked.folder / name)
        shared.as_npz(here, images, "shapes", labels)  # what both trainings read
        for train_one in (shared.ssl, shared.target):
            found.append(shared.embedded(here, train_one(here, images, "shapes"), images.pixels, SIDE, train_one.__name__))
    assert np.array_equal(found[0], found[2])
    right, wrong = ((asked.folder / name / "shapes-target" / "metrics.jsonl").read_text().splitlines() for name in ("right", "wrong"))
    losses = [[row["loss"] for line in lines if "loss" in (row := json.loads(line))] for lines in (right, wrong)]
    assert losses[0]
    assert losses[0] != losses[1]  # which epoch is handed over may be the first of all, whatever was learnt


@pytest.mark.parametrize(("change", "none"), [("brightness", 0.0), ("rotation", 0.0), ("blur", -1.0)])
def test_a_change_by_nothing_is_none_and_by_much_is_one(images: shared.Images, change: str, none: float) -> None:
    pixels = torch.from_numpy(images.pixels[:4]).permute(0, 3, 1, 2).float() / 255
    made = claim.CHANGES[change]
    torch.testing.assert_close(made(pixels, torch.full((4,), none)), pixels, atol=1e-4, rtol=0)
    assert float((made(pixels, torch.ones(4)) - pixels).abs().mean()) > 0.005


class _Mean(torch.nn.Module):
    """Knows the light and nothing else; or, blind, nothing."""

    def __init__(self, blind: bool) -> None:
        super().__init__()
        self.blind, self.card = blind, type("Card", (), {"channels": 1})()

    def forward(self, x: torch.Tensor) -> object:
        mean = x.mean((1, 2, 3), keepdim=False)[:, None]
        pooled = torch.cat([torch.ones_like(mean), torch.zeros_like(mean) if self.blind else mean], 1)
        return type("Encoding", (), {"pooled": pooled})()


def test_what_an_embedding_holds_is_read_back_and_what_it_does_not_is_not(asked: shared.Given, images: shared.Images) -> None:
    pixels, labels = np.tile(images.pixels[-36:], (10, 1, 1, 1)), np.tile(images.labels[-36:], 10)
    many = shared.Images("many", pixels, labels, np.repeat("test", 360), np.arange(360), ("a", "b"))
    seen = claim.read_back(asked, "many", many, _Mean(False), SIDE, "mean", "brightness")
    blind = claim.read_back(asked, "many", many, _Mean(True), SIDE, "blind", "brightness")
    assert seen["brightness"] > 0.7
    assert seen["brightness, low"] < seen["brightness"] < seen["brightness, high"]
    assert blind["brightness"] < 0.05


def test_selections_by_each_embedding_are_judged_on_the_same_features(asked: shared.Given, images: shared.Images) -> None:
    plain = images.pixels.reshape(len(images.pixels), -1).astype(np.float32)
    vectors = {claim.NEUTRAL: plain / np.linalg.norm(plain, axis=1, keepdims=True), "labels": np.eye(2, dtype=np.float32)[images.labels.astype(int)]}
    found = claim.selections(asked, images, vectors)
    for row in found.values():
        assert row["selected"] == 24 == row["disc among them"] + row["square among them"]
        assert row["roc_auc difference_low"] <= row["roc_auc difference"] <= row["roc_auc difference_high"]
    assert found[claim.NEUTRAL]["roc_auc random"] == found["labels"]["roc_auc random"]
    knn = claim.neighbours(images, vectors["labels"], claim.flipped(images), 40)
    assert knn["kNN accuracy"] == 1.0
    assert knn["kNN, flipped labels accuracy"] == 1.0  # a fifth of twenty neighbours does not outvote the others


def test_ways_of_selecting_choose_so_many(images: shared.Images) -> None:
    plain = images.pixels.reshape(len(images.pixels), -1).astype(np.float32)
    found = shared.selections(plain / np.linalg.norm(plain, axis=1, keepdims=True), images.labels, images.classes, 12)
    for way, rows in found.items():
        assert len(set(rows.tolist())) == 12, way
        if "balanced" in way:
            assert images.labels[rows].sum() == 6, way


def test_a_selection_says_what_its_encoder_was_good_for(asked: shared.Given, images: shared.Images, tmp_path: Path) -> None:
    """Through the command line: learnt on the images themselves, and a probe on what it chose beside random choices."""
    for number, (pixels, label) in enumerate(zip(images.pixels[..., 0], images.labels, strict=True)):
        file = tmp_path / "shapes" / images.classes[int(label)] / f"{number:03d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    done = vesalius(
        "select", "--data", str(tmp_path / "shapes"), "--n", "16", "--strategy", "diversity", "--threads", "1", "--device", "cpu",
        "--training.epochs", "1", "--training.recipe.encoder.width", "0.0625", "--training.augmentation.image_size", "16",
        out=tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.said
    probe = json.loads((tmp_path / "run" / "results.json").read_text())["probe"]
    assert {row["metric"] for row in probe["rows"]} >= {"roc_auc", "balanced_accuracy"}
    for row in probe["rows"]:
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
