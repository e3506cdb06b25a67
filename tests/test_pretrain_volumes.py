"""Pretraining on volumes, whole: what is written, who validates, the same damage at every look, resumed to the bit, two ranks as one."""

# Proves recipes.planned too: see mirrors.yaml.

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from tests.training.test_world import ranks
from tests.volumes import head, write, write_tree
from vesalius.errors import UserError
from vesalius.pretrain import pretrain
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.material import load_material
from vesalius.terminal import Terminal
from vesalius.training.feed import Feed
from vesalius.training.world import World

VIT = {"name": "monai:vit", "hidden_size": 24, "mlp_dim": 48, "num_layers": 3, "num_heads": 2}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight heads of four people, with label volumes; a name that must not be written anywhere."""
    root = tmp_path_factory.mktemp("data") / "Canary-Name"
    write_tree(root, 8, side=(40, 40, 34))
    return root


def recipe(scans: Path, **more: Any) -> dict[str, Any]:
    return {
        "data": {
            "train": f"volumes@{scans}", "subject": r"case_00(\d)", "draws_per_sample": 2, "split": {"val": 0.25},
            "plan": {"patch": [32, 32, 32], "modality": "mr", "spacing": [2, 2, 3], "intensity": {"rule": "percentiles"}},
        },
        "views": "ct-restoration", "encoder": VIT, "method": {"name": "restoration"},
        "optimizer": {"name": "adam", "lr": 1e-3, "weight_decay": 0, "warmup": {"steps": 0}, "schedule": {"name": "constant"}},
        "steps": 6, "batch_size": 4, "validate_every": {"steps": 2}, "checkpoint_every": {"steps": 3},
        "monitors": ["reconstruction", "tissue", "spread"], "export": "best-reconstruction",
        "precision": "fp32", "device": "cpu", "threads": 1, **more,
    }  # fmt: skip


def rows_of(run: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def run(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:  # the tests' own cache: its key is what ids are made with
        patch.setenv("VESALIUS_CACHE", str(tmp_path_factory.getbasetemp() / "vesalius-cache"))
        return pretrain(recipe(scans), out=tmp_path_factory.mktemp("runs") / "run", quiet=True).path


def test_the_run_holds_its_plan_pictures_and_curves_and_no_name(run: Path) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    card = json.loads((run / "encoder.json").read_text())
    assert config["data"]["plan"]["spacing"] == card["plan"]["spacing"] == [2, 2, 3]
    assert config["data"]["plan"]["patch"] == card["size"] == [32, 32, 32]
    assert {"rule", "low", "high"} <= set(config["data"]["plan"]["intensity"])
    results = json.loads((run / "results.json").read_text())
    assert results["data"]["train"]["validation"] == 2
    assert any("L1 is" in sentence for sentence in results["verdict"])
    assert any("not measured" in sentence for sentence in results["verdict"])
    assert (run / "figures" / "reconstruction-planes.png").is_file()
    report = (run / "report.html").read_text()
    assert 'id="reconstruction"' in report
    assert "patches per second" in report
    assert "Operations per patch" in report
    assert "RAS, percentiles 0.5 to 99.5, patches of 32 × 32 × 32" in report
    for file in (file for file in run.rglob("*") if file.is_file() and file.name != "config.yaml"):
        assert b"Canary" not in file.read_bytes(), file.name


def test_the_same_damage_of_held_out_volumes_at_every_look(run: Path) -> None:
    looks = [row for row in rows_of(run) if row["kind"] == "monitor"]
    assert [row["step"] for row in looks] == [0, 2, 4, 6]
    for name in ("identity_l1", "mean_l1", "hidden_share"):
        assert len({row[f"monitor/reconstruction/{name}"] for row in looks}) == 1, "fixed: what is seen and hidden does not change"
    assert len({row["monitor/reconstruction/l1"] for row in looks}) == 4
    assert all(0 <= row["monitor/tissue/balanced_accuracy"] <= 1 for row in looks)
    exported = json.loads((run / "results.json").read_text())["checkpoints"]["exported"]
    best = min(looks[1:], key=lambda row: row["monitor/reconstruction/l1"])
    assert exported["step"] == best["step"]


def test_interrupted_and_gone_on_with_it_is_the_same_run(run: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = Feed.at

    def dies(self: Feed, step: int) -> Any:
        if step == 4:
            raise RuntimeError("killed")
        return at(self, step)

    monkeypatch.setattr(Feed, "at", dies)
    with pytest.raises(RuntimeError, match="killed"):
        pretrain(recipe(scans), out=tmp_path / "run", quiet=True)
    monkeypatch.setattr(Feed, "at", at)
    again = pretrain(resume=tmp_path / "run", quiet=True).path
    mine, theirs = (load_file(folder / "checkpoints" / "step-00000006" / "method.safetensors") for folder in (again, run))
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    kept = [[{k: v for k, v in row.items() if "/" in k or k == "step"} for row in rows_of(folder)] for folder in (again, run)]
    assert kept[0] == kept[1]


def test_two_ranks_are_one_process(run: Path, scans: Path, tmp_path: Path) -> None:
    def work(here: World) -> None:
        found = pretrain(recipe(scans, batch_size=2, steps=2, examine=False), out=tmp_path / "two", quiet=True)
        assert found.path == tmp_path / "two"

    assert ranks(2, work) == [0, 0]
    one, two = ([row for row in rows_of(folder) if row["step"] <= 2] for folder in (run, tmp_path / "two"))
    for key in ("loss/l1", "loss/l1_contrastive", "contrastive", "monitor/reconstruction/l1", "monitor/tissue/balanced_accuracy"):
        mine, theirs = ([row[key] for row in rows if key in row] for rows in (one, two))
        assert len(mine) == 2
        np.testing.assert_allclose(theirs, mine, rtol=2e-4, err_msg=key)


def test_what_does_not_fit_is_said(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--views ct-mae"):
        pretrain({**recipe(scans), "views": "simclr"}, out=tmp_path / "a", quiet=True)
    with pytest.raises(UserError, match=r"holds volumes, and the recipe's views are of images\. Take a recipe of volumes, such as mr-mae"):
        pretrain("cifar10-simclr", out=tmp_path / "a", quiet=True, **{"data.train": str(scans), "data.download": False})
    with pytest.raises(UserError, match=r"data\.size is for images"):
        pretrain(recipe(scans), out=tmp_path / "b", quiet=True, **{"data.size": 64})
    with pytest.raises(UserError, match=r"a plan has no 'spaceing'"):
        pretrain(recipe(scans), out=tmp_path / "c", quiet=True, **{"data.plan": {"spaceing": [1, 1, 1]}})
    assert not (tmp_path / "a").exists()


def test_what_is_held_out_elsewhere_is_not_learnt_from(scans: Path, tmp_path: Path) -> None:
    """Another folder's held-out volumes: the same voxels under another name, and other volumes of the same people."""
    other = write_tree(tmp_path / "other", 8, side=(40, 40, 34), seed=6)  # its first two are the last two of the others
    given = recipe(scans, monitors=["spread"])
    given["data"] |= {"monitor": f"volumes@{other}", "subject": None, "split": {"val": 0.4, "test": 0.4}}
    config, _ = load_pretrain(given)
    material = load_material(config, Terminal(quiet=True))
    assert material.plan is not None
    monitor = next(iter(material.monitors.values()))
    held = {str(name) for split in ("val", "test") for name in monitor.table.frame["uri"].iloc[monitor.table.rows(split)]}
    shared = sum(f"imagesTr/case_00{number}.nii.gz" in held for number in (0, 1))
    assert material.overlap["left_out_by"]["equal"] == shared >= 1
    assert len(material.rows) == 8 - shared
    given["data"] |= {"subject": r"(case_\d+)", "split": {"val": 0.2, "test": 0.2}}
    people = load_material(load_pretrain(given)[0], Terminal(quiet=True)).overlap["left_out_by"]
    assert people["equal"] + people["people"] >= 2, "the same names are the same people"
    assert people["people"] >= 1


def test_volumes_with_classes_are_examined_as_images_are(tmp_path: Path) -> None:
    lines = ["path,label,subject"]
    for number in range(24):
        image, labels, affine = head(20, number)
        if number % 2:
            image[labels == 3] = 900
        write(tmp_path / f"{number}.nii.gz", image, affine)
        lines.append(f"{number}.nii.gz,{('dark', 'bright')[number % 2]},p{number}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    data = {"train": str(tmp_path / "t.csv"), "monitor": str(tmp_path / "t.csv"), "split": {"val": 0.2, "test": 0.3}, "plan": {"patch": [32, 32, 32]}}
    method = {"name": "mae", "width": 24, "depth": 1, "heads": 2}
    given = recipe(tmp_path, data=data, views="mr-mae", method=method, monitors=["reconstruction", "knn"], export="last", steps=2)
    run = pretrain(given, out=tmp_path / "run", quiet=True)
    assert {row["encoder"] for row in run.results["probes"]} == {"pretrained", "random init", "pixel PCA", "mean and deviation", "majority"}
    assert (run.path / "examples" / "sprite.png").is_file()
    assert any("smaller than a patch" in text for text in run.results["warnings"])
