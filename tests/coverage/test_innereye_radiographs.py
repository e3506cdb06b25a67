"""InnerEye 6 to 8, 13, 14, 16, 17, 20, 23, 24, 35, 36 and 48, and every line of the migration page, on small trees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from docs.migration import COMMANDS

from tests.coverage.command_line import Done, vesalius
from tests.coverage.hospital import SMALL, build, words_of
from vesalius.encoders import load_encoder, weights_hash

Ran = Callable[[str], Done]
LINES = [ours for _, ours in COMMANDS]
NIH_RSNA = "--local_dataset ./nih --extra_local_dataset_paths ./rsna"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data, and an encoder that learnt from NIH at ``runs/byol``."""
    folder = build(tmp_path_factory.mktemp("hospital"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("VESALIUS_RUNS", str(folder / "runs"))
        done = vesalius("pretrain", "NIH_RSNA_BYOL", *NIH_RSNA.split(), *SMALL, out=folder / "runs" / "byol")
    assert done.code == 0, done.said
    return folder


@pytest.fixture(autouse=True)
def _inside(hospital: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hospital)
    monkeypatch.setenv("VESALIUS_RUNS", str(hospital / "runs"))
    monkeypatch.setenv("VESALIUS_DATA", str(hospital))


@pytest.fixture(scope="module")
def ran(hospital: Path) -> Ran:
    """Runs a line once, however often it is asked for."""
    kept: dict[str, Done] = {}

    def run(line: str) -> Done:
        if line not in kept:
            words = words_of(line, hospital / "runs" / "byol")
            out = hospital / "done" / str(len(kept)) if words[0] in ("pretrain", "finetune") else None
            kept[line] = vesalius(*words, out=out)
            assert kept[line].code == 0, kept[line].said
        return kept[line]

    return run


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_migration_page_runs(line: str, ran: Ran) -> None:
    done = ran(line)
    if done.folder != Path():
        assert done.facts["state"] == "done"
        assert (done.folder / "report.html").is_file()


def test_rsna_is_read_as_kaggle_gives_it_and_watched_on(ran: Ran) -> None:
    done = ran(f"vesalius pretrain NIH_RSNA_BYOL {NIH_RSNA}")
    assert done.config["data"]["monitor"] == "rsna-pneumonia"
    assert any("monitor/linear/roc_auc" in row for row in done.rows("monitor"))
    checked = ran("vesalius data check rsna-pneumonia@./rsna --no-decode")
    assert "pneumonia" in checked.said
    assert "subjects unknown" in checked.said


def test_nih_is_learnt_from_without_labels_and_without_its_test_images(ran: Ran) -> None:
    done = ran(f"vesalius pretrain NIH_RSNA_BYOL {NIH_RSNA}")
    assert done.config["data"]["train"] == "nih-chestxray14"
    assert "18 images from nih-chestxray14" in " ".join(done.said.split()), "the official lists leave 6 of 24 to test with"


def test_chexpert_is_read_as_it_is_downloaded(ran: Ran) -> None:
    done = ran("vesalius pretrain chexpert-simclr --local_dataset ./chexpert")
    assert (done.config["data"]["train"], done.config["data"]["task"]) == ("chexpert", "five")
    assert any("monitor/linear/roc_auc" in row for row in done.rows("monitor"))


def test_nih_rsna_byol(ran: Ran) -> None:
    config = ran(f"vesalius pretrain NIH_RSNA_BYOL {NIH_RSNA}").config
    assert (config["method"]["name"], config["data"]["train"], config["data"]["monitor"]) == ("byol", "nih-chestxray14", "rsna-pneumonia")
    assert next(m for m in config["monitors"] if m["name"] == "linear")["balanced"] is True


def test_nih_rsna_simclr(ran: Ran) -> None:
    config = ran(f"vesalius pretrain NIH_RSNA_SimCLR {NIH_RSNA}").config
    assert (config["method"]["name"], config["data"]["train"], config["data"]["monitor"]) == ("simclr", "nih-chestxray14", "rsna-pneumonia")


def test_cxrimageclassifier(ran: Ran, hospital: Path) -> None:
    done = ran("vesalius finetune CXRImageClassifier --local_dataset ./rsna --src_checkpoint=runs/byol")
    found = pd.read_parquet(done.folder / "predictions.parquet")
    assert sum(column.startswith("prob_") for column in found) == 2
    assert done.config["balanced"] is True
    assert weights_hash(load_encoder(done.folder)) == weights_hash(load_encoder(hospital / "runs" / "byol"))


def test_nih_covid_byol_and_covidmodel(ran: Ran) -> None:
    config = ran("vesalius pretrain NIH_COVID_BYOL --local_dataset ./nih --extra_local_dataset_paths ./covid").config
    assert config["data"]["monitor"] == "covid-cxr"
    done = ran("vesalius finetune CovidModel --local_dataset ./covid --pretraining_run_recovery_id=RUN_ID")
    assert done.config["data"]["task"] == "four"
    results = yaml.safe_load((done.folder / "results.json").read_text())
    asked = {row["question"] for row in results.get("operating", [])}
    assert asked <= {"CVX12 against CVX03", "CVX3 against CVX0", "CVX2 against CVX1"}
    assert asked or "operating" in results["absent"]


def test_data_sets_by_id_for_azure(ran: Ran) -> None:
    job = ran(LINES[6]).said
    assert "azureml:ID@latest" in job
    assert "--data.root ${{inputs.train}}" in job


def test_weights_of_another_run_by_its_id(ran: Ran, hospital: Path) -> None:
    done = ran("vesalius finetune CXRImageClassifier --local_dataset ./rsna --pretraining_run_recovery_id=RUN_ID")
    assert weights_hash(load_encoder(done.folder)) == weights_hash(load_encoder(hospital / "runs" / "byol"))


def test_weights_of_another_run_are_not_the_same_run_gone_on_with(hospital: Path) -> None:
    words = ("finetune", "CXRImageClassifier", "--local_dataset", "./rsna")
    told = vesalius(*words, "--run_recovery_id", "runs/byol")
    assert told.code == 2
    assert "--pretraining_run_recovery_id" in told.said
    both = vesalius(*words, "--run_recovery_id", "runs/byol", "--pretraining_run_recovery_id", "runs/byol")
    assert both.code == 2
    assert "Give one of them" in both.said


YAML = "preprocess: {resize: 36, center_crop_size: 32}\naugmentation: {use_random_affine: true, random_affine: {max_angle: 20}}\n"


def test_augmentation_files_for_encoder_and_head(ran: Ran, hospital: Path) -> None:
    (hospital / "ssl.yaml").write_text(YAML)
    (hospital / "head.yaml").write_text(YAML.replace("20", "5"))
    both = ran(f"vesalius pretrain NIH_RSNA_SimCLR {NIH_RSNA} --ssl_augmentation_config ssl.yaml --linear_head_augmentation_config head.yaml")
    degrees = [
        views["global"]["operations"][0]["affine"]["degrees"] for views in (both.config["views"], both.monitor("linear")["views"])
    ]
    assert degrees == [20, 5]


def test_the_heads_augmentations_fall_back_to_the_encoders(ran: Ran, hospital: Path) -> None:
    (hospital / "ssl.yaml").write_text(YAML)
    one = ran(f"vesalius pretrain NIH_RSNA_SimCLR {NIH_RSNA} --ssl_augmentation_config ssl.yaml --num_epochs 1")
    assert "(linear_head_augmentation_config) is not given: the linear monitor learns from images changed" in " ".join(one.said.split())


def test_the_two_augmentation_files_are_there_by_name(ran: Ran) -> None:
    encoder = ran("vesalius recipes show radiograph-innereye-encoder").said
    head = ran("vesalius recipes show radiograph-innereye-head").said
    assert "elastic" in encoder
    assert "elastic" not in head
    assert Path(__file__).resolve().parents[2].joinpath("docs", "augmentation-files.md").is_file()
