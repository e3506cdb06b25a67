"""Transfer C1 and C4 to C7: published checkpoints fetched, converted, filled strictly and used by their names."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from tests import labelled
from tests.coverage.command_line import vesalius
from tests.encoders.zoo import files, originals
from vesalius import load_encoder
from vesalius.encoders import build_encoder
from vesalius.encoders.published import Family, Published, models

SIX = ("pirl", "moco-v2", "simclr-v1", "byol", "swav", "supervised_r50")
DOMAIN = (*(f"mimic-chexpert_lr_{rate}" for rate in ("0.01", "0.1", "1.0")), "mimic-cxr_r18_lr_1e-4", "mimic-cxr_d121_lr_1e-4")
BY_OTHERS = ("simclr-v1", "byol")
"""Whose containers TensorFlow and Haiku wrote."""
SMALL = {"stem": "standard", "width": 0.0625}


class Files(BaseHTTPRequestHandler):
    """Serves a folder, goes on where asked to, and hangs up once in the middle of the file ``breaks``."""

    folder = Path()
    breaks = ""
    ranges: list[str]

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2].partition("?")[0]
        content = (self.folder / name).read_bytes()
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        type(self).ranges += [name] if asked else []
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        broken = name == type(self).breaks
        type(self).breaks = "" if broken else type(self).breaks
        self.wfile.write(content[start : start + 1000] if broken else content[start:])

    def log_message(self, *_: object) -> None:
        pass


def small(name: str, model: Published, address: str) -> Published:
    """The model in a network that takes no time, at this server, as its publisher would have put it there."""
    url, digests = f"{address}/{model.file}", {"sha256": "", "md5": ""}
    if name in BY_OTHERS:
        return replace(originals.narrow(name)[1], url=url, **digests)
    return replace(model, architecture="resnet18", options=SMALL, size=(32, 32), url=url, **digests)


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of every published file, and the zoo asking a server of this machine for them."""
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "web"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    Files.folder, Files.ranges, Files.breaks = folder, [], "moco_v2_800ep_pretrain.pth.tar"
    tensors = dict(build_encoder("resnet18", size=(32, 32), seed=2, **SMALL).network.state_dict())
    families: dict[int, tuple[Family, dict[str, Published]]] = {}
    for name, (family, model) in models().items():
        families.setdefault(id(family), (family, {}))[1][name] = small(name, model, f"http://127.0.0.1:{server.server_port}")
        if name in BY_OTHERS:
            (folder / model.file).write_bytes(originals.checkpoint(name, tmp_path).read_bytes())
        else:
            files.write(folder, name, model.file, tensors)
    for family, made in families.values():
        monkeypatch.setattr(family, "MODELS", made)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield folder
    server.shutdown()
    server.server_close()


def test_the_six_models_in_one_command(web: Path, tmp_path: Path) -> None:
    done = vesalius("models", "prepare", "all")
    assert done.code == 0, done.said
    assert Files.ranges == ["moco_v2_800ep_pretrain.pth.tar"], "a broken download goes on"
    for name, (_, model) in models().items():
        assert f"Licence: {model.licence}" in done.said
        encoder = load_encoder(name)
        assert encoder.card.notes[0] == f"{name} of the zoo"
        assert model.file in encoder.card.notes[-1]
    assert {*SIX, *DOMAIN} <= {path.name for path in (tmp_path / "cache" / "models").iterdir()}
    again = vesalius("models", "prepare", "all")
    assert again.said.count("is prepared already") == len(models()) == 13
    (web / "PIRL.pth").write_bytes(b"<!doctype html><title>Dropbox - not found</title>")
    (tmp_path / "cache" / "models" / "pirl" / "encoder.json").unlink()
    failed = vesalius("models", "prepare", "all")
    assert failed.code == 2
    assert "pirl: not prepared" in failed.said
    assert "answered with a web page (Dropbox - not found)" in failed.said or "not the file that was expected" in failed.said
    assert "1 of 13 models were not prepared: pirl." in failed.said


def test_supervised_networks_are_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To what the original saved as models/NAME.pth: torchvision's tensors without the classifier."""
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    for name, architecture, dim in (("supervised_r18", "resnet18", 512), ("supervised_d121", "densenet121", 1024)):
        tensors = files.drawn(architecture, seed=9)
        file = files.write(tmp_path, name, models()[name][1].file, tensors, zipped=False)
        done = vesalius("models", "prepare", name, "--file", str(file))
        assert done.code == 0, done.said
        done = vesalius("export", name, "--to", "torchvision", "--out", str(tmp_path / name))
        assert done.code == 0, done.said
        saved = torch.load(tmp_path / name / "model.pth", weights_only=True)
        own = {key: value for key, value in files.body(tensors).items() if not key.endswith("num_batches_tracked")}
        assert all(torch.equal(saved[key], own[key]) for key in own)
        assert saved.keys() == files.body(tensors).keys()
        assert load_encoder(name).card.dim == dim


def test_the_domain_models(web: Path) -> None:
    for name in DOMAIN:
        done = vesalius("models", "prepare", name, "--file", str(web))
        assert done.code == 0, done.said
        card = load_encoder(name).card
        assert "CheXpert" in card.trained_on
        assert any("transductive" in note for note in card.notes)
        if name.startswith("mimic-chexpert"):
            assert [next(iter(step)) for step in card.preprocessing] == ["resize", "centre_crop", "equalise"]
            assert card.std == (1 / 255,) * 3
        else:
            assert card.preprocessing[0] == {"resize": {"shorter": 320}}
            assert (card.mean, card.std) == ((0.502,) * 3, (0.085585,) * 3)


def test_a_random_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labelled.images(tmp_path / "images", count=8)
    done = vesalius("embed", "--encoder", "random_r18", "--data", "images", "--out", "features.npy")
    assert done.code == 0, done.said
    features = np.load(tmp_path / "features.npy")
    assert features.shape == (8, 512)
    assert features.std(0).max() > 0
    card = load_encoder("random_r50").card
    assert (card.architecture, card.dim, card.trained_on) == ("resnet50", 2048, "random initialisation")


def test_one_format_strictly_loaded_with_its_preprocessing(web: Path, tmp_path: Path) -> None:
    done = vesalius("models", "prepare", "mimic-chexpert_lr_0.1", "--file", str(web), "--out", str(tmp_path / "out"))
    assert done.code == 0, done.said
    folder = tmp_path / "out" / "mimic-chexpert_lr_0.1"
    assert {path.name for path in folder.iterdir()} == {"encoder.safetensors", "encoder.json"}
    assert {"equalise": {"bins": 256}} in json.loads((folder / "encoder.json").read_text())["preprocessing"]
    state = torch.load(web / models()["swav"][1].file, weights_only=True)
    state["module.layer1.0.convolution1.weight"] = state.pop("module.layer1.0.conv1.weight")
    torch.save(state, tmp_path / "renamed.pth.tar")
    refused = vesalius("models", "prepare", "swav", "--file", str(tmp_path / "renamed.pth.tar"))
    assert refused.code == 2
    last = refused.said.strip().splitlines()[-1]
    assert "missing: layer1.0.conv1.weight; not of this network: layer1.0.convolution1.weight" in last
    asked = vesalius("embed", "--encoder", "swav", "--data", str(web))
    assert asked.code == 2
    assert "Run `vesalius models prepare swav`" in asked.said
