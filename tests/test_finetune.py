"""Fine-tuning from the user's side: every kind of task, frozen and not, what it writes, what it refuses."""

# Proves evaluate.finetuned.scoring too: see mirrors.yaml.

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import vesalius
from tests.labelled import RECIPE, changed, encoder, images
from vesalius.encoders import load_encoder, weights_hash
from vesalius.errors import UserError
from vesalius.finetune import Finetuned
from vesalius.tasks.classifier import Classifier

LABELS: dict[str, dict[str, Any]] = {
    "binary": {"data.labels": "ill"},
    "classes": {"data.labels": "side"},
    "multilabel": {"data.labels": ["one", "two"]},
    "ordinal": {"data.labels": "grade", "data.kind": "ordinal", "data.classes": ["none", "mild", "severe", "worst"]},
    "regression": {"data.labels": "age"},
}


ONE_CLASS = {
    "ill": lambda f: np.where(np.arange(len(f)) % 2, "a", "b"),
    "split": lambda f: np.where(np.arange(len(f)) % 2, "train", "val"),
    "patient": lambda f: range(len(f)),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    images(folder)
    encoder(folder / "encoder")
    return folder


def tune(place: Path, out: Path, kind: str = "binary", table: str | Path = "table.csv", **changes: Any) -> Finetuned:
    given = {"data.train": str(place / table), **LABELS[kind], **changes}
    return vesalius.finetune(RECIPE, encoder=place / "encoder", out=out, quiet=True, **given)


def score(results: dict[str, Any], model: str = "fine-tuned", split: str = "test", metric: str | None = None) -> float:
    wanted = metric or results["data"]["labelled"]["task"]["metric"]
    (row,) = [r for r in results["scores"] if (r["model"], r["split"], r["metric"]) == (model, split, wanted)]
    return float(row["value"])


@pytest.mark.parametrize("kind", LABELS)
def test_frozen(place: Path, tmp_path: Path, kind: str) -> None:
    run = tune(place, tmp_path / "run", kind)
    results = run.results
    assert json.loads((run.path / "run.json").read_text())["verb"] == "finetune"
    assert (results["kind"], results["frozen"], len(results["verdict"])) == ("finetune", True, 3)
    task = results["data"]["labelled"]["task"]
    assert task["kind"] == kind
    beside = "linear regression on the same features" if kind == "regression" else "logistic regression on the same features"
    assert score(results) > score(results, "majority") + 0.1
    assert score(results) >= score(results, beside) - (0.25 if kind == "ordinal" else 0)  # of four places no score is linear
    for row in results["scores"]:
        assert row["low"] is None or row["low"] <= row["high"]
        assert row["unit"] == "subjects", "patients, of two images each"
    assert results["data"]["labelled"]["split_by"] == "subject"
    # the encoder is the one that was given
    assert weights_hash(load_encoder(run.path)) == weights_hash(load_encoder(place / "encoder"))
    frame = pd.read_parquet(run.path / "predictions.parquet")
    assert {"id", "subject", "split"} <= set(frame.columns)
    assert set(frame["split"]) == {"val", "test"}
    outputs = {"binary": 2, "classes": 4, "multilabel": 2, "ordinal": 4}.get(kind)
    if outputs is None:
        assert np.corrcoef(frame["label"], frame["prediction"])[0, 1] > 0.5
    else:
        shares = frame[[f"prob_{i}" for i in range(outputs)]].to_numpy()
        assert ((shares >= 0) & (shares <= 1)).all()
        if kind != "multilabel":
            np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
            test = frame["split"] == "test"
            found = float((shares.argmax(1) == frame["label"])[test].mean())
            assert found == pytest.approx(score(results, metric="accuracy"))
    assert (run.path / "report.html").is_file()
    if kind == "regression":
        assert {"confusion", "curves", "calibration", "mistakes"} <= results["absent"].keys()
        return
    assert results["calibration"]["after"]["ece"] >= 0
    assert len(results["curves"]["roc"]) == {"binary": 1, "multilabel": 2}.get(kind, 4)
    assert all(len(c["fpr"]) == len(c["tpr"]) <= 200 for c in results["curves"]["roc"])
    examples = json.loads((run.path / "examples" / "examples.json").read_text())
    assert (run.path / "examples" / "sprite.png").is_file()
    if kind != "multilabel":
        counts = np.array(results["confusion"]["counts"])
        assert counts.sum() == int((frame["split"] == "test").sum())
        assert len(examples["mistakes"]) == min(40, counts.sum() - counts.trace())


def test_the_classifier_gives_what_the_predictions_say(place: Path, tmp_path: Path) -> None:
    run = tune(place, tmp_path / "run")
    model = run.classifier
    assert model.temperature == run.results["calibration"]["temperature"]
    from vesalius.data.dataset import open_data, resolve
    from vesalius.data.settings import StoreSettings
    from vesalius.features import forward
    from vesalius.terminal import Terminal

    table = resolve(str(place / "table.csv"), labels="ill")
    data = open_data("x", table, StoreSettings(size=20, channels=1), Terminal(quiet=True))
    frame = pd.read_parquet(run.path / "predictions.parquet")
    rows = data.store.rows(np.array([int(i, 16) for i in frame["id"]], np.uint64))
    with torch.no_grad():
        found = model.cooled(model.head_logits(forward(model.encoder, data.store, rows)))
    np.testing.assert_allclose(frame[["prob_0", "prob_1"]].to_numpy(), found, atol=1e-5)


@pytest.mark.parametrize("kind", ["binary", "ordinal", "regression"])
def test_end_to_end(place: Path, tmp_path: Path, kind: str) -> None:
    run = tune(place, tmp_path / "run", kind, **{"encoder.freeze": False, "balanced": kind == "binary", "dropout": 0.1})
    results = run.results
    assert results["frozen"] is False
    # the best weights are really restored
    best = run.path / "checkpoints" / "best-validation"
    kept = load_encoder(best)
    assert weights_hash(load_encoder(run.path)) == weights_hash(kept)
    assert (run.path / "classifier.safetensors").read_bytes() == (best / "classifier.safetensors").read_bytes()
    looks = [r for r in map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines()) if r["kind"] == "monitor"]
    chosen = results["checkpoints"]["chosen_by_labels"]
    key = f"monitor/{chosen['metric']}"
    assert chosen["value"] == max(row[key] for row in looks)
    assert f"{chosen['step']} of 24 steps" in kept.card.trained_on
    # and they are scored: validation as the monitor saw it
    assert score(results, split="val") == pytest.approx(chosen["value"], abs=1e-5)
    assert (run.path / "views.png").is_file()
    assert score(results, split="val") >= looks[0][key]


def test_early_stopping_and_a_head_from_nothing(place: Path, tmp_path: Path) -> None:
    changes = {"encoder.freeze": False, "linear_first": False, "patience": 1, "encoder.lr_factor": 0.0, "optimizer.lr": 0.0}
    run = tune(place, tmp_path / "run", **changes)
    found = run.results["checkpoints"]
    assert found["stopped_early"]
    assert found["last"]["step"] < 24
    assert "nothing was better" in found["sentence"]
    steps = [json.loads(line)["step"] for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert max(steps) == found["last"]["step"]
    state = tmp_path / "run" / "run.json"
    facts = json.loads(state.read_text())
    before = (run.path / "results.json").read_text()
    state.write_text(json.dumps({**facts, "state": "running"}))  # as if killed while it was being examined
    vesalius.finetune(resume=run.path, quiet=True)
    assert [json.loads(line)["step"] for line in (run.path / "metrics.jsonl").read_text().splitlines()] == steps
    now = json.loads((run.path / "results.json").read_text())
    assert {k: v for k, v in now.items() if k != "cost"} == {k: v for k, v in json.loads(before).items() if k != "cost"}


def test_what_training_spoils_is_not_kept(place: Path, tmp_path: Path) -> None:
    # six steps at such a rate give a loss of millions; some more may happen to find their way back
    wild = {"steps": 6, "encoder.freeze": False, "optimizer.lr": 10.0, "encoder.lr_factor": 1.0, "metric": "loss"}
    run = tune(place, tmp_path / "run", "classes", **wild)
    assert run.results["checkpoints"]["chosen_by_labels"]["step"] == 0
    assert weights_hash(load_encoder(run.path)) == weights_hash(load_encoder(place / "encoder"))


def test_seeds_repeat_the_run(place: Path, tmp_path: Path) -> None:
    run = tune(place, tmp_path / "run", steps=6, seeds=[1, 2], **{"encoder.freeze": False, "linear_first": False})
    alone = tune(place, tmp_path / "alone", steps=6, seed=2, **{"encoder.freeze": False, "linear_first": False})
    results = run.results
    each = [json.loads((run.path / f"seed-{seed}" / "results.json").read_text()) for seed in (1, 2)]
    assert each[1]["scores"] == alone.results["scores"]
    values = [score(one) for one in each]
    (row,) = [r for r in results["scores"] if (r["model"], r["split"], r["metric"]) == ("fine-tuned", "test", "roc_auc")]
    assert (row["values"], row["unit"], row["n"]) == (values, "seeds", 2)
    assert row["value"] == pytest.approx(np.mean(values))
    assert row["spread"] == pytest.approx(np.std(values, ddof=1))
    assert "Over 2 seeds" in results["verdict"][0]
    assert json.loads((run.path / "run.json").read_text())["state"] == "done"
    with pytest.raises(UserError, match="holds several runs: seed-1, seed-2"):
        _ = run.classifier
    # interrupted between two seeds, it goes on with what is not done
    facts = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**facts, "state": "failed"}))
    stamp = (run.path / "seed-1" / "results.json").stat().st_mtime_ns
    vesalius.finetune(resume=run.path, quiet=True)
    assert (run.path / "seed-1" / "results.json").stat().st_mtime_ns == stamp


# ---- labels as the world has them


def test_a_fifth_of_the_labels_is_missing(place: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    holes = {name: lambda f, name=name: f[name].mask(rng.random(len(f)) < 0.2) for name in ("ill", "age")}
    table = changed(place / "table.csv", "holes.csv", **holes)
    for kind, freeze in (("binary", True), ("binary", False), ("regression", True)):
        run = tune(place, tmp_path / f"{kind}-{freeze}", kind, table, steps=6, **{"encoder.freeze": freeze})
        frame = pd.read_parquet(run.path / "predictions.parquet")
        assert frame["label"].isna().sum() > 3, "they are predicted, not scored"
        assert any("have no label" in text for text in run.results["warnings"])
        rows = [r for r in run.results["scores"] if r["split"] == "test"]
        assert all(r["value"] is not None for r in rows)
        patients = frame[(frame["split"] == "test") & frame["label"].notna()]["subject"].nunique()
        assert {r["n"] for r in rows} == {patients}


def test_a_class_that_validation_lacks(place: Path, tmp_path: Path) -> None:
    def split(frame: pd.DataFrame) -> list[str]:
        where = np.where(np.arange(len(frame)) % 8 < 4, "train", np.where(np.arange(len(frame)) % 8 < 6, "val", "test"))
        return list(np.where((where == "val") & (frame["side"] == "floor"), "train", where))

    table = changed(place / "table.csv", "absent.csv", split=split, patient=lambda f: range(len(f)))
    for freeze in (True, False):
        run = tune(place, tmp_path / str(freeze), "classes", table, steps=6, **{"encoder.freeze": freeze})
        assert "No val image is of class floor; nothing is chosen by it." in run.results["warnings"]
        frame = pd.read_parquet(run.path / "predictions.parquet")
        floor = run.results["confusion"]["classes"].index("floor")
        said = frame[[f"prob_{i}" for i in range(4)]].to_numpy().argmax(1)
        assert ((said == floor) & (frame["label"] == floor))[frame["split"] == "test"].any(), "it is answered all the same"


def test_one_class_of_two_in_validation(place: Path, tmp_path: Path) -> None:
    table = changed(
        place / "table.csv", "one.csv", patient=lambda f: range(len(f)),
        split=lambda f: np.where(np.arange(len(f)) % 3 == 0, "test", np.where((np.arange(len(f)) % 3 == 1) & (f["ill"] == "no"), "val", "train")),
    )  # fmt: skip
    run = tune(place, tmp_path / "run", table=table, steps=12, **{"encoder.freeze": False})
    assert any("roc_auc is not defined on the validation labels" in text for text in run.results["warnings"])
    assert run.results["calibration"]["temperature"] == 1.0
    assert [r["value"] for r in run.results["scores"] if (r["split"], r["metric"], r["model"]) == ("val", "roc_auc", "fine-tuned")] == [None]
    assert score(run.results) > 0


def test_no_test_split(place: Path, tmp_path: Path) -> None:
    run = tune(place, tmp_path / "run", **{"data.split.test": 0})
    assert {r["split"] for r in run.results["scores"]} == {"val"}
    assert "test" in run.results["absent"]
    assert run.results["confusion"]["split"] == "val"


@pytest.mark.parametrize(
    ("table", "changes", "words"),
    [
        ({"ill": lambda f: "yes"}, {}, "is 'yes' wherever it is known"),
        (ONE_CLASS, {"data.split.test": 0}, "All labelled training images are of one class, 'a'"),
        ({"age": lambda f: 7.5}, {"data.labels": "age", "data.kind": "regression"}, "are equal"),
        ({}, {"data.labels": "age", "balanced": True}, "balanced weighs classes"),
        ({}, {"data.labels": "weight"}, "no column 'weight'"),
        ({}, {"metric": "auc"}, "There is no metric 'auc'"),
        ({}, {"data.channels": 3}, "the encoder takes 1"),
        ({}, {"data.labels": "grade", "data.classes": ["none", "mild"]}, "Name each of them once, least first"),
    ],
)
def test_what_cannot_be_learnt_is_one_paragraph(place: Path, tmp_path: Path, table: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    file = changed(place / "table.csv", "odd.csv", **table)
    with pytest.raises(UserError, match=words) as error:
        tune(place, tmp_path / "run", table=file, **changes)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    assert not (tmp_path / "run").exists(), "nothing was begun"


def test_a_network_by_name_and_a_mapping(place: Path, tmp_path: Path) -> None:
    given = {"name": "resnet18", "width": 0.0625, "size": 16, "stem": "small"}
    run = vesalius.finetune({**RECIPE, "data": {"train": str(place / "table.csv"), "labels": "ill"}}, encoder=given, out=tmp_path / "run", quiet=True)
    assert Classifier.load(run.path).encoder.card.size == (16, 16)
    assert "roc_auc" in run._repr_html_()
    with pytest.raises(UserError, match="would differ"):
        vesalius.finetune(RECIPE, resume=run.path, seed=4, encoder="resnet18", quiet=True, **{"data.train": "x"})
    assert vesalius.finetune(resume=run.path, quiet=True).path == run.path
