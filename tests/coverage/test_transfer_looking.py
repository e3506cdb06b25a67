"""Transfer E5 to E9, E11: what looks into an encoder, and what that has to do with its scores."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vesalius
from tests.evaluate.perceptual import random_networks
from tests.labelled import images
from tests.trees import chexpert, transfer
from vesalius.encoders import Encoder, build_encoder, load_encoder, save_encoder
from vesalius.evaluate.occluded.occlusion import Hiding
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.report.page import build

SAID = {"device": "cpu", "quiet": True, "precision": "fp32"}
SIDE = 16
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
NETS = ("alexnet", "vgg", "squeezenet")


def saved(folder: Path, seed: int, top1: float | None = None) -> Path:
    """A small encoder of random weights that says what it reached on ImageNet."""
    encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=3, size=(SIDE, SIDE), seed=seed)
    encoder.card = encoder.card.model_copy(update={"imagenet_top1": top1, "trained_on": "photographs", "mean": MEAN, "std": STD})
    save_encoder(encoder, folder)
    return folder


def picture(path: Path, side: int, seed: int) -> Path:
    """A smooth picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 255, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """``sample_images`` of two data sets as the original has them, encoders, and networks of the perceptual distance."""
    folder = tmp_path_factory.mktemp("home")
    for number, place in enumerate(("chexpert/patient00001_view1_frontal.png", "bach/iv001.png", "bach/iv002.png")):
        picture(folder / "sample_images" / place, SIDE + 4, number)  # with the margin of a window of 3
    for number, place in enumerate(("chexpert/patient00001_view1_frontal.png", "bach/iv001.png")):
        picture(folder / "few" / place, SIDE, number)
    for name, seed in (("moco-v2", 1), ("swav", 2)):
        saved(folder / name, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        patch.setenv("TORCH_HOME", str(folder / "torch"))
        patch.delenv("VESALIUS_DATA", raising=False)
        patch.chdir(folder)
        patch.setattr(importlib.import_module("vesalius.report"), "build", lambda runs, *_: runs[0] / "report.html")  # tested by itself
        random_networks.written(folder / "torch" / "hub" / "checkpoints", patch)
        yield folder


def by_loop(encoder: Encoder, file: Path, window: int) -> np.ndarray:
    """Occlusion as it is described: each window hidden in turn, its score added to what it covers, the border cut off."""
    with Image.open(file) as opened:
        image = torch.from_numpy(np.asarray(opened.convert("RGB"))).permute(2, 0, 1).float() / 255
    mean = torch.tensor(encoder.card.mean)[:, None, None]
    count = image.shape[1] - window + 1
    hidden = []
    for row in range(count):
        for column in range(count):
            hidden.append(image.clone())
            hidden[-1][:, row : row + window, column : column + window] = mean
    encoder.eval()
    with torch.no_grad():
        whole = encoder(image[None]).pooled
        scores = (encoder(torch.stack(hidden)).pooled - whole).norm(dim=1) / whole.norm()
    found = torch.zeros(image.shape[1:], dtype=torch.float64)
    for place, score in enumerate(scores):
        row, column = divmod(place, count)
        found[row : row + window, column : column + window] += score.double()
    return (found / window**2)[window - 1 : -window + 1, window - 1 : -window + 1].numpy()


def test_saliency_is_a_map_two_pictures_and_a_number_in_the_log(home: Path, tmp_path: Path) -> None:
    """E5."""
    assert (Hiding().window, Hiding().stride, Hiding().fill) == (10, 1, "mean"), "as the original's; here less, of a small image"
    found = vesalius.evaluate(
        "saliency", datasets=["chexpert", "bach"], model=f"moco-v2={home / 'moco-v2'}", compat="ssl-medicalimaging", window=3, out=tmp_path / "run", **SAID
    )
    rows = found.results["saliency"]["pictures"]
    assert sorted(row["data"] for row in rows) == ["bach", "bach", "chexpert"]
    for row in rows:
        values = np.load(tmp_path / "run" / row["map"])
        assert values.shape == (SIDE, SIDE)
        assert row["diffusion"] == pytest.approx(100 * (values > values.mean()).mean())
    (row,) = (row for row in rows if row["data"] == "chexpert")
    reference = by_loop(load_encoder(str(home / "moco-v2")), home / "sample_images" / "chexpert" / "patient00001_view1_frontal.png", 3)
    assert np.abs(np.load(tmp_path / "run" / row["map"]) - reference).max() < 1e-5
    for name in ("heatmap", "superimposed"):
        with Image.open(tmp_path / "run" / "saliency_maps" / "moco-v2" / "chexpert" / f"{name}.png") as shown:
            assert shown.size == (SIDE, SIDE)
    *_, first, second = (tmp_path / "run" / "logs" / "saliency" / "moco-v2.log").read_text().splitlines()
    assert first == f"INFO:root:Attentive diffusion on dataset chexpert with model moco-v2: {row['diffusion']:.2f}%"
    assert "on dataset bach" in second


@pytest.fixture(scope="module")
def reconstructed(home: Path) -> vesalius.result.Result:
    """Two encoders on two data sets, and the distances of what came out."""
    return vesalius.evaluate(
        "reconstruction,perceptual-distance", images="few", encoder=[f"{name}={home / name}" for name in ("moco-v2", "swav")],
        layer="layer4", iterations=15, lr=0.01, side=64, out=home / "reconstructed", **SAID,
    )  # fmt: skip


def test_images_are_found_again_from_features_of_a_layer(reconstructed: vesalius.result.Result) -> None:
    """E6."""
    found = reconstructed.results["reconstruction"]
    rows = [row for row in found["pictures"] if row["encoder"] != "random init"]
    assert {(row["encoder"], row["data"]) for row in rows} == {(name, data) for name in ("moco-v2", "swav") for data in ("bach", "chexpert")}
    for row in rows:
        assert row["layer"] == "layer4"
        for what in ("image", "original"):
            with Image.open(reconstructed.path / row[what]) as shown:
                assert (shown.format, shown.size, shown.mode) == ("PNG", (SIDE, SIDE), "RGB")
        assert (reconstructed.path / row["strip"]).is_file()
    curve = [row["value"] for row in found["curves"] if (row["encoder"], row["data"], row["metric"]) == ("moco-v2", "chexpert", "feature_error")]
    assert min(curve) < 0.8 * curve[0]
    assert not any("patient00001" in file.name for file in reconstructed.path.rglob("*"))


def test_distances_of_three_networks_are_tables_of_models_by_data_sets(reconstructed: vesalius.result.Result) -> None:
    """E7."""
    for net in NETS:
        with open(reconstructed.path / "perceptual-distance" / f"{net}.csv", newline="") as file:
            table = {row.pop("model"): row for row in csv.DictReader(file)}
        assert set(table) >= {"moco-v2", "swav"}
        assert all(set(row) == {"bach", "chexpert"} and all(float(value) > 0 for value in row.values()) for row in table.values())
    cells = {(row["encoder"], row["data"], row["metric"]): row["value"] for row in reconstructed.results["perceptual_distance"]["cells"]}
    each = [cells["swav", "bach", f"perceptual_distance@{net}"] for net in NETS]
    assert cells["swav", "bach", "perceptual_distance"] == pytest.approx(sum(each) / 3)


def test_eighteen_transforms_by_whitened_cosine_and_mahalanobis(home: Path, tmp_path: Path) -> None:
    """E8."""
    found = vesalius.evaluate(
        "invariance", encoder=f"moco-v2={home / 'moco-v2'}", data=str(images(tmp_path / "data", count=60)), labels="ill", subject="patient",
        transform="all", settings=2, probes=8, replicates=100, out=tmp_path / "run", **SAID,
    )  # fmt: skip
    cells = {row["metric"]: row["value"] for row in found.results["invariance"]["cells"] if row["encoder"] == "moco-v2"}
    assert len(TRANSFORMS) == 18
    grey = {name for name, one in TRANSFORMS.items() if one.colour}
    for name in set(TRANSFORMS) - grey:
        assert -1 <= cells[f"whitened_cosine@{name}"] <= 1
        assert cells[f"mahalanobis@{name}"] > 0, "no setting changes nothing"
    assert not any(f"whitened_cosine@{name}" in cells for name in grey), "of grey images there are no colours to change"
    kept = {file.stem for file in (tmp_path / "run" / "invariance" / "moco-v2").rglob("*.safetensors")}
    assert {"mean_feature", "feature_cov_matrix"} <= kept


def test_two_real_views_of_one_person(home: Path, tmp_path: Path) -> None:
    """E9."""
    data = [chexpert.write(tmp_path / "chexpert", 24, version="CheXpert-v1.0", side=24), transfer.eyepacs(tmp_path / "eyes", 15)]
    found = vesalius.evaluate(
        "multiview-invariance", encoder=f"moco-v2={home / 'moco-v2'}", data=[f"chexpert@{data[0]}", f"eyepacs@{data[1]}"], filter="all",
        replicates=100, out=tmp_path / "run", **SAID,
    )  # fmt: skip
    told = {row["data"]: row for row in found.results["multiview_invariance"]["chosen"] if row["encoder"] == "moco-v2"}
    assert set(told["chexpert"]["views"]) == {"frontal", "lateral"}
    assert set(told["eyepacs"]["views"]) == {"L", "R"}
    cells = {(row["data"], row["metric"]): row["value"] for row in found.results["multiview_invariance"]["cells"] if row["encoder"] == "moco-v2"}
    for name in told:
        assert -1 <= cells[name, "whitened_cosine"] <= 1
        assert cells[name, "mahalanobis"] > 0


def test_measures_and_scores_are_held_against_each_other_in_plots(home: Path, tmp_path: Path) -> None:
    """E11: scores, attentive diffusion, invariance and ImageNet's accuracy of six encoders, with Pearson's coefficient and its p."""
    encoders = [f"e{n}={saved(tmp_path / f'e{n}', n, 60.0 + 3 * n)}" for n in range(6)]
    found = vesalius.evaluate(
        "knn,saliency,invariance", encoder=encoders, data=str(images(tmp_path / "data", count=60)), labels="ill", subject="patient", n_images=1,
        replicates=100, out=tmp_path / "run", **SAID,
        **{"saliency.stride": 6, "invariance.transform": "rotation", "invariance.settings": 2, "invariance.probes": 4},
    )  # fmt: skip
    rows = {(row["a"], row["b"]): row for row in json.loads((found.path / "results.json").read_text())["correlations"] if row["on"] is None}
    assert {("ImageNet top-1", "knn"), ("knn", "saliency"), ("knn", "invariance"), ("ImageNet top-1", "saliency")} <= set(rows)
    for row in rows.values():
        assert row["n"] == 6
        assert row["pearson_low"] <= row["pearson"] <= row["pearson_high"]
        assert row["low"] <= row["spearman"] <= row["high"]
        assert 0 < row["pearson_p"] <= 1
        assert row["p"] <= row["p_holm"]
    page = build([found.path]).read_text()
    assert "knn, ROC-AUC against saliency, attentive diffusion (%)" in page
    assert "knn, ROC-AUC against ImageNet top-1 (%)" in page
