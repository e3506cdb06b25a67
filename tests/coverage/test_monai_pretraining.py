"""The tutorial's pretraining through the command line, on phantoms in TCIA's layout: rows monai-1, 2, 7 and 10 to 19, 21."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.coverage.command_line import Done, vesalius
from tests.coverage.ct import SMALL, VIT, Data, made, pretrain
from vesalius import views
from vesalius.data.dataset import open_data
from vesalius.data.plan import Plan
from vesalius.data.references import resolve
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return made(tmp_path_factory.mktemp("ct"))


@pytest.fixture(scope="module")
def run(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return pretrain(data, tmp_path_factory.mktemp("runs") / "restoration")


def test_unlabelled_ct_of_a_list_is_learnt_from(run: Done, data: Data) -> None:
    table = resolve(str(data.tcia_list), root=data.tcia)
    assert (len(table.rows("train")), len(table.rows("val"))) == (9, 3)
    assert "9 volumes" in run.said
    assert "3 validation volumes" in run.said
    assert len(run.rows("train")) == 4
    assert run.facts["state"] == "done"


def test_where_the_list_the_volumes_and_the_run_lie_is_said_in_the_tutorials_words(run: Done, data: Data) -> None:
    assert run.config["data"]["train"] == str(data.tcia_list)
    assert run.config["data"]["root"] == str(data.tcia)
    assert (run.folder / "encoder.safetensors").is_file()


def test_a_list_with_people_on_both_sides_is_refused_and_can_be_allowed(data: Data, tmp_path: Path) -> None:
    listed = json.loads(data.tcia_list.read_text())
    listed["validation"].append(listed["training"].pop(2))  # A-0003_0 trains, A-0003_1 validates
    (tmp_path / "leaking.json").write_text(json.dumps(listed))
    words = ("pretrain", "tcia-restoration", "--data_root", str(data.tcia), "--json_path", str(tmp_path / "leaking.json"), *SMALL, *VIT)
    refused = vesalius(*words, out=tmp_path / "no")
    assert refused.code == 2
    assert "1 of 9 subjects" in " ".join(refused.said.split())
    done = vesalius(*words, "--data.allow_leakage", "true", "--batch_size", "4", "--steps", "1", out=tmp_path / "yes")
    assert done.code == 0, done.said
    assert "1 of 9 subjects" in " ".join(done.said.split())


def test_a_vit_with_two_transposed_convolutions(run: Done) -> None:
    (weights,) = run.folder.glob("checkpoints/step-*/method.safetensors")
    shapes = {name.rpartition("decoder.")[2]: tuple(value.shape) for name, value in load_file(weights).items() if "conv3d_transpose" in name}
    assert shapes["conv3d_transpose.weight"] == (48, 16, 4, 4, 4)
    assert shapes["conv3d_transpose_1.weight"] == (16, 1, 4, 4, 4)
    assert len(load_file(run.folder / "encoder.safetensors")) == 161  # the keys of MONAI's ViT


def test_patches_views_holes_and_blocks(run: Done, data: Data) -> None:
    """What the run's recipe draws of its own volumes: foreground patches, two damages of each, and the patch untouched."""
    assert run.config["views"] == "ct-restoration"
    plan = Plan.model_validate(run.config["data"]["plan"])
    store = open_data("ct", resolve(str(data.tcia_list), root=data.tcia), plan, Terminal(quiet=True)).store
    made = views.at_size(views.load(run.config["views"], 1), plan.patch)
    rows = np.arange(len(store.ids))
    draws = made.draw(1, 0, rows, store.ids[rows], store.extents[rows], ground=store.ground(rows))
    batch = made.apply(store.read(rows[:, None], draws.windows), draws)
    clean, corrupted = batch.views["clean"][0], batch.views["corrupted"]
    assert clean.shape[1:] == (1, 32, 32, 32)
    assert len(corrupted) == 2
    assert (clean > 0).flatten(1).any(1).all()  # something of the body in every patch
    changed = (corrupted != clean).flatten(2).float().mean(2)
    assert (changed > 0).all()
    assert (corrupted[0] != corrupted[1]).flatten(1).any(1).all()
    outside = changed > 0.3  # out-painting keeps six boxes, in-painting fills six
    assert outside.any()
    assert (~outside).any()
    low, high = clean.flatten(1).amin(1), clean.flatten(1).amax(1)
    assert (corrupted.flatten(2).amin(2) >= low - 1e-5).all()
    assert (corrupted.flatten(2).amax(2) <= high + 1e-5).all()  # noise between the patch's own least and greatest


def test_l1_on_the_first_view_times_one_plus_the_contrast_of_both(run: Done) -> None:
    for row in run.rows("train"):
        assert row["loss/l1"] > 0
        assert row["contrastive"] > 0
        assert row["loss/l1_contrastive"] == pytest.approx(row["loss/l1"] * row["contrastive"], rel=1e-4)
        assert row["loss"] == pytest.approx(row["loss/l1"] + row["loss/l1_contrastive"], rel=1e-4)
    assert run.config["method"] == {"name": "restoration", "temperature": 0.05}


def test_the_documents_temperature_is_finite(data: Data, tmp_path: Path) -> None:
    run = pretrain(data, tmp_path / "run", "tcia-restoration", "--method.temperature", "0.005", "--precision", "bf16")
    assert all(np.isfinite(row["loss"]) for row in run.rows("train"))


def test_pictures_of_patch_views_and_reconstruction(run: Done, data: Data, tmp_path: Path) -> None:
    from PIL import Image

    assert Image.open(run.folder / "figures" / "reconstruction-planes.png").size[0] > 100
    told = vesalius("recipes", "show", "ct-restoration", "--views", f"tcia-covid19-ct@{data.tcia}", "--count", "2", out=tmp_path / "views.png")
    assert told.code == 0, told.said
    assert Image.open(tmp_path / "views.png").size[0] > 100


def test_the_documents_numbers_are_the_recipes() -> None:
    told = vesalius("recipes", "show", "tcia-restoration")
    assert told.code == 0
    shown = {line.split("\t")[0]: line.split("\t")[1] for line in told.said.splitlines() if line.count("\t") >= 2}
    expected = {
        "epochs": "300.0", "batch_size": "8", "data.draws_per_sample": "2", "method.temperature": "0.05", "optimizer.name": "adam",
        "optimizer.lr": "0.0001", "validate_every.epochs": "2.0", "method.name": "restoration",
    }  # fmt: skip
    assert {key: shown.get(key) for key in expected} == expected


def test_curves_of_training_and_validation(run: Done) -> None:
    rows = run.rows("monitor")
    assert [row["step"] for row in rows] == [0, 2, 4]
    for row in rows:
        found = {key.rpartition("/")[2]: value for key, value in row.items() if key.startswith("monitor/reconstruction/")}
        assert {"l1", "hidden_l1", "kept_l1", "identity_l1", "mean_l1"} <= set(found)
    page = (run.folder / "report.html").read_text()
    assert "L1" in page
    assert "contrastive" in page


def test_ct_mae_runs_on_the_source_as_downloaded(data: Data, tmp_path: Path) -> None:
    words = ("--data.train", f"tcia-covid19-ct@{data.tcia}", *SMALL, *VIT, "--method.width", "24", "--method.heads", "2", "--batch_size", "4", "--steps", "2")
    done = vesalius("pretrain", "ct-mae", *words, out=tmp_path / "run")
    assert done.code == 0, done.said
    assert len(done.rows("train")) == 2
    assert "patient" not in done.said
