"""The page about fine-tuning says what the runs found, and no more; the runs themselves on a handful of images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from docs import finetune_numbers as numbers
from tests.data_sets import require


def found(shift: float) -> dict[str, object]:
    def results(base: float) -> dict[str, object]:
        rows = [
            {"model": model, "metric": metric, "split": "test", "value": value, "spread": 0.004}
            for model, value in (("fine-tuned", base + shift), (numbers.LOGISTIC, base))
            for metric in ("roc_auc", "accuracy")
        ]
        counts = {"train": {"images": 4708}, "val": {"images": 524}, "test": {"images": 624}}
        return {"scores": rows, "seeds": [1, 2, 3], "data": {"labelled": {"counts": counts}}}

    cost = {"parameters": 2_800_000, "epochs": 60.0, "seconds": 600.0, "device": "cpu", "threads": 2}
    config = {"encoder": {"name": "resnet18", "width": 0.5}, "method": {"name": "simclr"}}
    return {"frozen": results(0.93), "tuned": results(0.94), "scratch": results(0.9), "pretrained": {"cost": cost}, "config": config}


def test_the_page_holds_numbers_and_the_verdict() -> None:
    text = numbers.page(found(0.02))
    assert "| frozen encoder | 0.950 ± 0.004 | 0.950 ± 0.004 |" in text
    assert "| logistic regression on features of the pretrained encoder | 0.930 ± 0.004" in text
    assert "| ResNet-18, 28 px, from random weights (MedMNIST v2) | 0.944 | 0.854 |" in text
    assert "A test AUC of 0.94 was wanted; reached by: frozen encoder, end to end." in text
    assert "None reaches the test AUC of 0.94" in numbers.page(found(-0.1))


def test_the_runs_on_a_handful_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.load(require("pneumoniamnist"))
    few = {name: whole[name][:: max(1, len(whole[name]) // 40)] for name in whole.files}
    np.savez(tmp_path / "pneumoniamnist.npz", **few)
    monkeypatch.setattr(numbers, "ENCODER", {"name": "resnet18", "stem": "small", "width": 0.0625})
    plan = numbers.pretraining
    monkeypatch.setattr(numbers, "pretraining", lambda *given: {**plan(*given), "batch_size": 16, "examine": False})
    given = [str(tmp_path / "runs"), "--data", str(tmp_path / "pneumoniamnist.npz"), "--page", str(tmp_path / "page.md")]
    given += ["--epochs", "1", "--tune-epochs", "1", "--seeds", "1", "2"]
    numbers.main(given)
    text = (tmp_path / "page.md").read_text()
    assert "seeds 1, 2" in text
    stamps = [p.stat().st_mtime_ns for p in sorted((tmp_path / "runs").rglob("results.json"))]
    numbers.main(given)
    assert [p.stat().st_mtime_ns for p in sorted((tmp_path / "runs").rglob("results.json"))] == stamps, "nothing is made again"
    assert (tmp_path / "page.md").read_text() == text
    assert json.loads((tmp_path / "runs" / "tuned" / "run.json").read_text())["state"] == "done"
