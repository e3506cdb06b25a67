from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.evaluate.perceptual.random_networks import TRUE, written
from tests.labelled import images
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.perceptual import backbones, distances, seen
from vesalius.evaluate.verb import Evaluated, evaluate

NETS = ["alexnet", "vgg", "squeezenet"]
MODELS, SETS = {"good": 6, "bad": 60}, ("chexpert", "bach")
SECRET = "patient_smith"


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    home = tmp_path_factory.mktemp("torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(home))
        patch.setenv("VESALIUS_CACHE", str(home / "cache"))
        patch.setenv("VESALIUS_RUNS", str(home / "runs"))
        yield written(home / "hub" / "checkpoints", patch)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The original's folders: two models, two data sets of three images; ``bad`` did not reconstruct the last."""
    root, random = tmp_path_factory.mktemp("tree"), np.random.default_rng(0)
    for data in SETS:
        (root / "sample_images" / data).mkdir(parents=True)
        for number in range(3):
            small = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            picture = small.resize((72, 64), Image.Resampling.BICUBIC)
            picture.save(root / "sample_images" / data / f"{SECRET}_{data}_{number}.png")
            for model, away in MODELS.items():
                (root / "reconstructed_images" / model).mkdir(parents=True, exist_ok=True)
                if (model, data, number) != ("bad", "bach", 2):
                    noisy = np.asarray(picture) + random.normal(0, away, (64, 72, 3))
                    file = root / "reconstructed_images" / model / f"{model}_True_{SECRET}_{data}_{number}.png"
                    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file)
    return root


def compared(tree: Path, **fields: Any) -> Evaluated:
    given = {"reconstructed": tree / "reconstructed_images", "originals": tree / "sample_images", "device": "cpu", "quiet": True, **fields}
    return evaluate("perceptual-distance", **{name: str(value) if isinstance(value, Path) else value for name, value in given.items()})


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean differences in place of the networks' distances."""

    def apart(models: Any, originals: torch.Tensor, made: torch.Tensor, _: int) -> dict[str, torch.Tensor]:
        return dict.fromkeys(models, (originals - made).abs().mean((1, 2, 3)))

    monkeypatch.setattr(distances, "loaded", lambda files, _: files)
    monkeypatch.setattr(distances, "apart", apart)


@pytest.fixture(scope="module")
def run(tree: Path, networks: dict[str, Path]) -> Evaluated:
    return compared(tree)


def table(run: Evaluated, net: str) -> dict[str, dict[str, float]]:
    with open(run.path / "perceptual-distance" / f"{net}.csv", newline="") as file:
        return {row.pop("model"): {name: float(value) for name, value in row.items()} for row in csv.DictReader(file)}


def test_three_tables_of_models_by_data_sets_hold_the_mean_distances(run: Evaluated, tree: Path, networks: dict[str, Path]) -> None:
    models = distances.loaded(networks, torch.device("cpu"))
    for net in NETS:
        found = table(run, net)
        assert list(found) == sorted(MODELS)
        assert all(list(row) == sorted(SETS) for row in found.values())
        assert all(found["good"][data] < found["bad"][data] for data in SETS)
        originals = [tree / "sample_images" / "bach" / f"{SECRET}_bach_{n}.png" for n in range(2)]
        both = [seen.pair(one, tree / "reconstructed_images" / "bad" / f"bad_True_{one.name}", None) for one in originals]
        each = distances.apart({net: models[net]}, *(seen.stacked([two[part] for two in both]) for part in (0, 1)), 1)[net]
        assert found["bad"]["bach"] == pytest.approx(float(each.mean()), abs=1e-6)
    assert sorted(file.name for file in (run.path / "perceptual-distance").glob("*.csv")) == sorted(f"{net}.csv" for net in NETS)


def test_less_is_better_and_the_mean_of_the_networks_decides(run: Evaluated) -> None:
    results = run.results
    found = results["perceptual_distance"]
    cells = {(row["encoder"], row["data"], row["metric"]): row for row in found["cells"]}
    for model in MODELS:
        own = [table(run, net)[model]["chexpert"] for net in NETS]
        row = cells[model, "chexpert", "perceptual_distance"]
        assert row["primary"]
        assert row["value"] == pytest.approx(np.mean(own), abs=1e-5)
        assert (row["n"], row["units"], row["unit"]) == (3, 3, "images")
        assert row["low"] < row["value"] < row["high"]
        assert [cells[model, "chexpert", f"perceptual_distance@{net}"]["value"] for net in NETS] == pytest.approx(own, abs=1e-6)
    assert cells["bad", "bach", "perceptual_distance"]["low"] is None  # two images
    assert all(tie["best"] == "good" for tie in found["ties"])
    assert "good reaches perceptual distance" in results["verdict"][1]


@pytest.mark.usefixtures("_fast")
def test_what_is_missing_is_counted_and_named_on_the_terminal_alone(tree: Path, networks: dict[str, Path], run: Evaluated, capsys: Any) -> None:
    assert run.results["perceptual_distance"]["missing"] == 1
    assert run.results["warnings"] == ["1 file has no counterpart and was not compared."]
    compared(tree, quiet=False)
    assert f"bach/{SECRET}_bach_2.png (not reconstructed by bad)" in capsys.readouterr().err.replace("\n", "")
    for file in run.path.rglob("*"):
        assert SECRET not in file.name
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_pairs_that_the_report_shows_are_pictures_in_the_run(run: Evaluated, tree: Path) -> None:
    rows = run.results["perceptual_distance"]["pictures"]
    assert len(rows) == 11
    for row in rows:
        assert row["perceptual_distance"] == pytest.approx(np.mean([row[net] for net in NETS]))
    shown = [row for row in rows if "image" in row]
    assert len(shown) == 8
    order = sorted(row["perceptual_distance"] for row in rows)
    assert sorted(row["perceptual_distance"] for row in shown) == [*order[:4], *order[-4:]]
    with Image.open(run.path / shown[0]["original"]) as original, Image.open(run.path / shown[0]["image"]) as made:
        assert original.size == made.size == (72, 64)
    page = (run.path / "report.html").read_text()
    assert "vesalius evaluate perceptual-distance" in page
    assert "reconstructed RECONSTRUCTED" in page
    assert page.count("data:image/") == 16


def test_an_evaluation_that_was_stopped_goes_on_without_the_networks(tree: Path, networks: dict[str, Path], run: Evaluated, monkeypatch: Any) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the networks were loaded for nothing")

    monkeypatch.setenv("VESALIUS_CACHE", str(networks["vgg"].parents[2] / "cache"))  # whose key names the images
    facts = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**facts, "state": "stopped"}))
    before = (run.path / "perceptual-distance" / "vgg.csv").read_text()
    monkeypatch.setattr(distances, "loaded", refuse)
    again = evaluate("perceptual-distance", resume=run.path, quiet=True)
    assert again.path == run.path
    assert (run.path / "perceptual-distance" / "vgg.csv").read_text() == before


@pytest.mark.usefixtures("_fast")
def test_side_brings_all_pictures_to_one_size(tree: Path, networks: dict[str, Path]) -> None:
    found = compared(tree, side=64).results["perceptual_distance"]
    assert {tuple(row["sizes"]) for row in found["chosen"]} == {("64 × 64",)}
    original = compared(tree, compat="ssl-medicalimaging").results["perceptual_distance"]
    assert {tuple(row["sizes"]) for row in original["chosen"]} == {("224 × 224",)}


def test_without_the_networks_or_anything_to_compare_no_run_is_made(tree: Path, networks: dict[str, Path], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    with pytest.raises(UserError, match=r"nothing says where they are.*reconstruction,perceptual-distance"):
        evaluate("perceptual-distance", quiet=True)
    with pytest.raises(UserError, match="There is no folder"):
        compared(tree, originals=tmp_path / "nowhere")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(backbones, "BACKBONES", TRUE)
    with pytest.raises(UserError, match=r"alexnet-owt-7be5be79\.pth .* vgg16-397923af\.pth .* squeezenet1_1-b8a52dc0\.pth"):
        compared(tree)
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("_fast")
def test_what_the_same_evaluation_reconstructed_and_an_earlier_one_did(networks: dict[str, Path], tmp_path: Path) -> None:
    """Named first, it runs last; its images are those of the encoders, by id and subject; an earlier run gives the same numbers."""
    data = str(images(tmp_path / "data", count=24))
    tiny = build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16))
    tiny.card = tiny.card.model_copy(update={"trained_on": "something"})  # so that it has a twin without training
    save_encoder(tiny, tmp_path / "encoder")
    said = {"encoder": f"tiny={tmp_path / 'encoder'}", "data": data, "labels": "ill", "subject": "patient", "n_images": 5}
    both = evaluate("perceptual-distance,reconstruction", **said, iterations=2, device="cpu", quiet=True, out=tmp_path / "both")
    assert both.results["protocols"] == ["reconstruction", "perceptual-distance"]
    made, compared = both.results["reconstruction"]["pictures"], both.results["perceptual_distance"]["pictures"]
    assert [(row["encoder"], row["id"], row["image"]) for row in compared] == [(row["encoder"], row["id"], row["image"]) for row in made]
    assert {row["layer"] for row in compared} == {"map"}
    assert list(table(both, "vgg")) == ["tiny"]
    cells = {row["encoder"]: row for row in both.results["perceptual_distance"]["cells"] if row["primary"]}
    assert set(cells) == {"tiny", "random init"}
    known = {row["encoder"]: row["units"] for row in both.results["reconstruction"]["cells"] if row["primary"]}
    assert {name: row["units"] for name, row in cells.items()} == known
    assert cells["tiny"]["unit"] == "subjects"
    again = evaluate("perceptual-distance", reconstructed=str(both.path), device="cpu", quiet=True, out=tmp_path / "again")
    assert [row["perceptual_distance"] for row in again.results["perceptual_distance"]["pictures"]] == [row["perceptual_distance"] for row in compared]
    assert [row["name"] for row in again.results["encoders"] if row["baseline"]] == ["random init"]
    assert table(again, "alexnet") == table(both, "alexnet")


@pytest.mark.usefixtures("_fast")
def test_under_compat_columns_are_the_originals_names(networks: dict[str, Path], tmp_path: Path) -> None:
    for file in ("sample_images/nih-chestxray14/1.png", "reconstructed_images/m/m_True_1.png"):
        (tmp_path / file).parent.mkdir(parents=True)
        Image.new("L", (64, 64)).save(tmp_path / file)
    assert table(compared(tmp_path, compat="ssl-medicalimaging"), "vgg") == {"m": {"chestx": 0.0}}
