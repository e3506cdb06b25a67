from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import vesalius
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.occluded import drawing, occlusion
from vesalius.evaluate.pairs.shelf import Shelf
from vesalius.evaluate.protocols import saliency
from vesalius.measures.occlusion import attentive_diffusion

SAID = {"device": "cpu", "quiet": True, "replicates": 100}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A network of convolutions, a transformer, and three pictures of which two are bright in one place."""
    folder = tmp_path_factory.mktemp("given")
    torch.manual_seed(0)
    save_encoder(build_encoder("resnet18", width=0.0625, channels=3, size=(20, 20)), folder / "cnn")
    save_encoder(build_encoder("timm:vit_tiny_patch16_224", channels=3, size=(32, 32), depth=2, embed_dim=24), folder / "vit")
    (folder / "pictures").mkdir()
    for n in range(3):
        pixels = np.random.default_rng(n).integers(0, 40, (30, 30, 3), dtype=np.uint8)
        pixels[2:9, 18:27] += np.uint8(200 * (n > 0))
        Image.fromarray(pixels).save(folder / "pictures" / f"{n}.png")
    return folder


@pytest.fixture(scope="module")
def found(given, tmp_path_factory):
    out = tmp_path_factory.mktemp("found") / "run"
    return vesalius.evaluate(
        "saliency", encoder=[f"cnn={given / 'cnn'}", f"vit={given / 'vit'}"], images=given / "pictures", out=out, stride=2, window=4, **SAID
    )  # fmt: skip


def test_both_kinds_of_network_have_maps_pictures_and_numbers(found):
    results = found.results["saliency"]
    rows = results["pictures"]
    assert {(row["encoder"], row["data"]) for row in rows} == {("cnn", "pictures"), ("vit", "pictures")}
    assert len(rows) == 6
    for row in rows:
        values = np.load(found.path / row["map"])
        side = {"cnn": 20, "vit": 32}[row["encoder"]]
        assert values.shape == (side, side)
        assert values.min() >= 0
        assert row["diffusion"] == float(attentive_diffusion(torch.from_numpy(values)))
        assert row["mean_saliency"] == pytest.approx(values.mean(), rel=1e-5)
        for what in ("image", "heat", "overlay"):
            with Image.open(found.path / row[what]) as picture:
                assert picture.size == (side, side)
    assert [one["data"] for one in results["sheets"]] == ["pictures"]
    with Image.open(found.path / results["sheets"][0]["file"]) as sheet:
        assert sheet.size[0] > 3 * 160
        assert sheet.size[1] > 3 * 160
    assert "pictures/0.png" not in json.dumps(found.results)


def test_means_have_intervals_and_nothing_is_called_better(found):
    results = found.results["saliency"]
    for name in ("attentive_diffusion", "mean_saliency"):
        (cell,) = [one for one in results["cells"] if (one["encoder"], one["metric"]) == ("cnn", name)]
        key = {"attentive_diffusion": "diffusion"}.get(name, name)
        assert cell["value"] == pytest.approx(np.mean([row[key] for row in results["pictures"] if row["encoder"] == "cnn"]))
        assert cell["low"] <= cell["value"] <= cell["high"]
        assert cell["n"] == 3
    assert not results["ties"]
    assert "best" not in " ".join(found.results["verdict"])


def test_a_bright_place_is_where_the_feature_moves(found):
    for row in found.results["saliency"]["pictures"]:
        values = np.load(found.path / row["map"])
        side = len(values)
        bright = values[side * 2 // 30 : side * 9 // 30, side * 18 // 30 : side * 27 // 30].mean()
        with Image.open(found.path / row["image"]) as picture:
            if row["encoder"] == "cnn" and np.asarray(picture).max() > 150:
                assert bright > 2 * values.mean()


def test_an_evaluation_goes_on_without_scoring_again(given, tmp_path, monkeypatch):
    said = {"encoder": str(given / "cnn"), "images": given / "pictures", "window": 4, "stride": 4, "coarse_to_fine": False, **SAID}
    whole = vesalius.evaluate("saliency", out=tmp_path / "whole", **said)
    calls = []
    real = drawing.written

    def stops(*arguments):
        calls.append(arguments[2])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(drawing, "written", stops)
    with pytest.raises(KeyboardInterrupt):
        vesalius.evaluate("saliency", out=tmp_path / "killed", **said)
    monkeypatch.setattr(occlusion, "Scanner", None)  # every score is there
    again = vesalius.evaluate("saliency", resume=tmp_path / "killed", quiet=True)
    assert again.results["saliency"]["pictures"] == whole.results["saliency"]["pictures"]


def test_under_compat_it_is_the_originals(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_images" / "bach").mkdir(parents=True)
    Image.open(given / "pictures" / "1.png").save(tmp_path / "sample_images" / "bach" / "one.png")
    said = {"encoder": str(given / "cnn"), "images": "sample_images", "window": 4, "stride": 4, "compat": "ssl-medicalimaging", **SAID}
    results = vesalius.evaluate("saliency", out=tmp_path / "run", **said).results["saliency"]
    (chosen,) = results["chosen"]
    assert (chosen["margin"], chosen["colours"]) == (3, "jet")
    (cell,) = [one for one in results["cells"] if one["metric"] == "attentive_diffusion"]
    assert cell["low"] is None  # of one image
    (row,) = results["pictures"]
    assert np.load(tmp_path / "run" / row["map"]).shape == (20, 20)
    with Image.open(tmp_path / "run" / row["image"]) as picture:
        assert picture.size == (20, 20)


@pytest.mark.parametrize("how", ["occlusion", "grad-cam", "integrated-gradients", "attention-rollout", "attention"])
def test_no_module_is_ever_in_training_mode(given, tmp_path, monkeypatch, how):
    taken, modes = Shelf.taken, []
    monkeypatch.setattr(Shelf, "taken", lambda self, name, load: taken(self, name, load).train())
    watch = torch.nn.modules.module.register_module_forward_pre_hook(lambda module, _: modes.append(module.training))
    which = "cnn" if how == "occlusion" else "vit"
    said = {"encoder": str(given / which), "images": given / "pictures" / "0.png", "stride": 10, "map": how, **SAID}
    try:
        found = vesalius.evaluate("saliency", out=tmp_path / "run", **said)
    finally:
        watch.remove()
    assert len(modes) > 20
    assert not any(modes)
    assert found.results["saliency"]["chosen"][0]["map"] == how


def test_grad_cam_takes_a_named_layer(given, tmp_path):
    said = {"encoder": f"cnn={given / 'cnn'}", "images": given / "pictures" / "1.png", "map": "grad-cam", **SAID}
    last, early = (vesalius.evaluate("saliency", out=tmp_path / f"run{n}", cam_layer=layer, **said) for n, layer in enumerate(("", "layer1")))
    assert early.results["saliency"]["chosen"][0]["layer"] == "layer1"
    maps = [np.load(one.path / one.results["saliency"]["pictures"][0]["map"]) for one in (last, early)]
    assert abs(np.diff(maps[1])).mean() > 1.5 * abs(np.diff(maps[0])).mean(), "a map of 20 pixels has more in it than one of 3"
    with pytest.raises(UserError, match=r"the map is occlusion\. Add --map grad-cam"):
        vesalius.evaluate("saliency", out=tmp_path / "other", **{**said, "map": "occlusion", "cam_layer": "layer1"})


def test_volumes_are_one_paragraph():
    volumes = SimpleNamespace(name="swin", card=SimpleNamespace(size=(16, 16, 16)))
    with pytest.raises(UserError, match="swin is no encoder of images"):
        saliency.measure(saliency.Config(), SimpleNamespace(encoder=volumes))
