"""Volumes with one label each, through every verb: embedded, classified on the pooled encoder, predicted, disturbed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import vesalius
from tests import volumes
from vesalius.data.plan import Intensity, Plan
from vesalius.encoders import build_encoder, save_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.features import compute
from vesalius.finetune import Finetuned

PLAN = Plan(spacing=(2, 2, 3), patch=(16, 16, 16))


def network(plan: Plan = PLAN) -> Encoder:
    encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16, 16))
    encoder.card = encoder.card.model_copy(update={"plan": plan})
    return encoder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One store, and one key of ids, for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder := tmp_path_factory.mktemp("cache")))
        yield folder


@pytest.fixture(autouse=True)
def the_same_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(cache))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """28 heads of 14 people as NIfTI, and a CSV of files; the ventricles of the ill are bright."""
    folder, rows = tmp_path_factory.mktemp("scans"), []
    for number in range(28):
        image, labels, affine = volumes.head((20, 18, 16), seed=number)
        if ill := number % 2:
            image[labels == 3] += 700
        volumes.write(folder / "scans" / f"p{number:02}.nii.gz", image, affine)
        rows.append({"file": f"scans/p{number:02}.nii.gz", "patient": f"p{number // 2}", "ill": "yes" if ill else "no"})
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


@pytest.fixture(scope="module")
def run(cache: Path, table: Path, tmp_path_factory: pytest.TempPathFactory) -> Finetuned:
    folder = tmp_path_factory.mktemp("tuned")
    save_encoder(network(), folder / "encoder")
    data = {"train": str(table), "labels": "ill", "subject": "patient", "split": {"val": 0.2, "test": 0.3}}
    return vesalius.finetune({"steps": 4, "data": data, "threads": 1}, encoder=str(folder / "encoder"), out=folder / "run", quiet=True)


def test_a_table_of_volume_files_is_learnt_from_a_frozen_encoder(run: Finetuned):
    scores = {row["metric"]: row for row in run.results["scores"] if row["model"] == "fine-tuned" and row["split"] == "test"}
    assert scores["roc_auc"]["value"] > 0.9, "bright ventricles are easy to see"
    assert scores["roc_auc"]["unit"] == "subjects"
    assert run.classifier.encoder.card.plan == PLAN, "the plan goes with the encoder"
    assert (run.path / "examples" / "sprite.png").is_file()


def test_the_encoder_learns_too_where_it_is_not_frozen(table: Path, tmp_path: Path):
    save_encoder(network(), tmp_path / "encoder")
    data = {"train": str(table), "labels": "ill", "subject": "patient", "split": {"val": 0.2, "test": 0.3}}
    given = {"steps": 2, "batch_size": 4, "validate_every": {"steps": 2}, "data": data, "threads": 1, "precision": "fp32"}
    tuned = vesalius.finetune(given, encoder={"weights": str(tmp_path / "encoder"), "freeze": False}, out=tmp_path / "run", quiet=True)
    rows = [json.loads(line) for line in (tuned.path / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if row["kind"] == "train"]
    assert losses
    assert np.isfinite(losses).all()
    assert tuned.results["frozen"] is False
    assert (tuned.path / "views.png").is_file()
    with pytest.raises(UserError, match=r"data\.size is for images"):
        vesalius.finetune({**given, "data": {**data, "size": 32}}, encoder=str(tmp_path / "encoder"), quiet=True)


def test_new_scans_are_predicted_by_the_plan_of_the_card(run: Finetuned, table: Path, tmp_path: Path):
    (table.parent / "scans" / "broken.nii.gz").write_bytes(b"no volume")
    try:
        found = vesalius.predict(run.path, str(table.parent / "scans"), out=tmp_path / "p.csv", quiet=True)
    finally:
        (table.parent / "scans" / "broken.nii.gz").unlink()
    answers = found.table.set_index("uri")["prediction"]
    assert len(answers) == 28
    told = pd.read_csv(table).set_index(pd.read_csv(table)["file"].str.removeprefix("scans/"))["ill"]
    assert (answers == told[answers.index]).mean() > 0.9
    assert pd.read_csv(tmp_path / "p.left_out.csv")["uri"].tolist() == ["broken.nii.gz"]


def test_vectors_of_volumes_are_means_over_tiles_and_follow_the_plan(table: Path, tmp_path: Path):
    plain = vesalius.embed(network(), str(table), out=tmp_path / "plain.parquet", quiet=True)
    assert plain.vectors.shape == (28, 32)
    other = PLAN.model_copy(update={"intensity": Intensity(rule="zscore")})
    assert np.abs(vesalius.embed(network(other), str(table), quiet=True).vectors - plain.vectors).max() > 0.01
    again = vesalius.embed(network(), str(table), out=tmp_path / "plain.parquet", quiet=True)
    assert np.array_equal(again.vectors, plain.vectors)


def test_equal_records_of_unlike_intensities_have_features_of_their_own(table: Path):
    """The rule for intensities is in no record's address: it must be in the key of what is kept."""
    from vesalius.data.dataset import open_data, resolve
    from vesalius.terminal import Terminal

    found = []
    for rule in (Intensity(), Intensity(rule="percentiles", low=5, high=95)):
        plan = PLAN.model_copy(update={"intensity": rule})
        data = open_data("scans", resolve(str(table)), plan, Terminal(quiet=True))
        found.append((data.store.digests, compute(network(plan), data.store, np.arange(4))))
    assert np.array_equal(found[0][0], found[1][0])
    assert found[1][1].computed == 4, "nothing of the first was taken for the second"
    assert not found[0][1].vectors.equal(found[1][1].vectors)


def test_robustness_of_a_classifier_of_volumes(run: Finetuned, tmp_path: Path):
    found = vesalius.evaluate("robustness", run=run.path, perturbations=["low_resolution", "bias_field"], out=tmp_path / "e", quiet=True)
    areas = {row["perturbation"]: row["change"] for row in found.results["robustness"]["areas"]}
    assert areas["low_resolution"] <= 0
    assert (found.path / "figures" / "robustness.png").stat().st_size > 2000


def test_images_for_an_encoder_of_volumes_and_the_other_way_round_are_refused(table: Path, tmp_path: Path):
    from PIL import Image

    (tmp_path / "images").mkdir()
    for number in range(3):
        Image.new("L", (20, 20), 40 * number).save(tmp_path / "images" / f"{number}.png")
    with pytest.raises(UserError, match="volumes"):
        vesalius.embed(network(), str(tmp_path / "images"), quiet=True)
    flat = build_encoder("resnet18", width=0.0625, channels=1, size=(16, 16))
    with pytest.raises(UserError, match="holds volumes, and resnet18 is an encoder of images"):
        vesalius.embed(flat, str(table), quiet=True)
