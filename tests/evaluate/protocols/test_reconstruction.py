from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import vesalius
from tests.labelled import encoder, images
from vesalius.evaluate.pairs.examinee import EncoderExaminee
from vesalius.evaluate.protocols import reconstruction
from vesalius.evaluate.reconstructed import fitting

SHORT = {"reconstruction.iterations": 6, "reconstruction.size": 32, "device": "cpu", "precision": "fp32", "quiet": True, "replicates": 100}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reconstruction")
    table = images(folder, count=3)
    table.unlink()
    encoder(folder / "encoder", channels=3)
    return folder


@pytest.fixture(scope="module")
def run(files):
    fields = {"reconstruction.seeds": 2, "reconstruction.at_once": 2, "reconstruction.layer": {"resnet18": "layer2"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(files / "cache"))  # in which the key of the images' ids lies
        return vesalius.evaluate("reconstruction", encoder=str(files / "encoder"), images=str(files / "png"), out=files / "run", **SHORT, **fields)


@pytest.fixture(scope="module")
def found(run):
    return json.loads((run.path / "results.json").read_text())["reconstruction"]


def test_it_is_measured_with_intervals_over_images_and_both_seeds(found):
    assert [row["metric"] for row in found["cells"]] == list(reconstruction.METRICS)
    assert all(row["low"] <= row["value"] <= row["high"] and row["n"] == 3 and row["repeats"] == 2 for row in found["cells"])
    for facts in found["chosen"]:
        assert (facts["layer"], facts["module"], facts["layer_shape"]) == ("layer2", "layer2", [8, 16, 16])
        assert (facts["iterations"], facts["size"], facts["generator_scales"]) == (6, [32, 32], 4)
        assert facts["seconds_per_image"] >= 0


def test_every_image_and_seed_has_its_pictures_and_numbers(run, found):
    rows = found["pictures"]
    assert len(rows) == 2 * 3
    cells = {(row["encoder"], row["metric"]): row["value"] for row in found["cells"]}
    for name in {row["encoder"] for row in rows}:
        own = [row for row in rows if row["encoder"] == name]
        for metric in reconstruction.METRICS:
            assert np.mean([row[metric] for row in own]) == pytest.approx(cells[name, metric], rel=1e-5)
        assert len({row["image"] for row in own}) == 6
        assert len({row["original"] for row in own}) == 3
        assert {row["seed"] for row in own} == {1, 2}
    row = rows[0]
    picture, original = (np.asarray(Image.open(run.path / row[part])) for part in ("image", "original"))
    assert picture.shape == original.shape == (32, 32, 3)
    assert row["image"] == f"reconstruction/{row['encoder']}/png/{row['id']}.png"
    error = np.mean((picture / 255 - original / 255) ** 2)
    assert 10 * np.log10(1 / error) == pytest.approx(row["psnr"], abs=0.1)
    strip = Image.open(run.path / row["strip"])
    assert strip.width > 6 * 128


def test_the_curve_has_the_spread_of_the_images(found):
    curve = [row for row in found["curves"] if row["encoder"] == found["cells"][0]["encoder"]]
    assert [row["x"] for row in curve] == [1, 2, 3, 4, 5, 6]
    assert all(row["metric"] == "feature_error" and row["low"] <= row["value"] <= row["high"] for row in curve)


def test_a_curve_stays_where_its_fit_was_over():
    rows = reconstruction._curve(torch.tensor([[4.0, 2.0], [3.0, 1.0], [2.0, torch.nan], [1.0, torch.nan]]))
    assert [(row["x"], row["low"], row["high"]) for row in rows] == [(1, 2.0, 4.0), (2, 1.0, 3.0), (3, 1.0, 2.0), (4, 1.0, 1.0)]


def test_finished_fits_are_not_computed_again(files, run, monkeypatch):
    pairs = sorted((run.path / "reconstruction").glob("*/*/fits/*.safetensors"))
    assert len(pairs) == 3
    assert not list(run.path.rglob("*.state"))
    monkeypatch.setenv("VESALIUS_CACHE", str(files / "cache"))
    monkeypatch.setattr(fitting, "invert", lambda *_, **__: pytest.fail("fitted again"))
    for cell in run.path.glob("reconstruction/*/*.safetensors"):
        cell.unlink()
    facts = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**facts, "state": "interrupted"}))
    again = vesalius.evaluate("reconstruction", resume=run.path, quiet=True)
    assert len(json.loads((again.path / "results.json").read_text())["reconstruction"]["pictures"]) == 6


def test_compat_takes_as_many_iterations_as_the_original_and_volumes_are_refused(files, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(reconstruction, "compared", lambda name, config, *_, **__: asked.append(config.iterations))
    for compat in ("none", "ssl-medicalimaging"):
        reconstruction.examine(reconstruction.Config(), type("Asked", (), {"compat": compat})())
    assert asked == [1000, 3000]


class Opened(EncoderExaminee):
    """An encoder that is at hand, without its shelf."""

    encoder = None

    def __init__(self, name: str, architecture: str, size: tuple[int, ...] = (32, 32)) -> None:
        self.name, self.card = name, SimpleNamespace(architecture=architecture, size=size)
        self.encoder = SimpleNamespace(card=self.card)


def test_encoders_of_volumes_are_refused_in_one_paragraph():
    pair = SimpleNamespace(encoder=Opened("volumes", "resenc-l", (32, 32, 32)))
    with pytest.raises(vesalius.errors.UserError, match="volumes is an encoder of volumes, and reconstruction paints images"):
        reconstruction.measure(reconstruction.Config(), pair)


def test_each_encoder_can_have_a_layer_of_its_own_and_its_random_twin_has_the_same():
    every = [Opened("ours", "resnet18"), Opened("lite", "timm:lite0"), Opened("random resnet18", "resnet18"), Opened("vit", "timm:vit")]
    panel = SimpleNamespace(examinees={one.name: one for one in every})
    config = reconstruction.Config(layer={"ours": "layer3", "timm:lite0": "blocks.4"})
    found = [reconstruction._layer(config, SimpleNamespace(encoder=one, asked=SimpleNamespace(panel=panel))) for one in every]
    assert found == ["layer3", "blocks.4", "layer3", "map"]


def test_an_unknown_layer_is_named_with_its_neighbours(files, tmp_path):
    with pytest.raises(vesalius.errors.UserError, match="has no layer 'layer9'"):
        vesalius.evaluate(
            "reconstruction", encoder=str(files / "encoder"), images=str(files / "png"), out=tmp_path / "run", **SHORT, **{"reconstruction.layer": "layer9"}
        )
    assert torch.is_grad_enabled()
