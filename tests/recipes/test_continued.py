"""Going on from weights: what is said, what the card keeps, the baselines, no network, the same from a file."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.recipes.tiny import blobs
from vesalius.encoders import build_encoder, load_encoder, timm_family, weights_hash
from vesalius.encoders.depth import layer_of
from vesalius.errors import UserError
from vesalius.pretrain import Pretrained, pretrain
from vesalius.recipes.loading import load_pretrain

TINY = {"depth": 2, "embed_dim": 24, "num_heads": 2}
DINOV2 = "timm:vit_small_patch14_dinov2.lvd142m"
MAE = "timm:vit_base_patch16_224.mae"
LITTLE: dict[str, Any] = {"quiet": True, "steps": 2, "batch_size": 8, "device": "cpu", "precision": "fp32", "threads": 1}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection is refused, and the hub's cache is empty."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def run(folder: Path, recipe: str, **changes: Any) -> Pretrained:
    data = str(blobs(folder))
    return pretrain(recipe, out=folder / "run", **{**LITTLE, "data.train": data, "data.monitor": data, **changes})


@pytest.mark.parametrize(("recipe", "weights", "decay"), [("continue-dino", DINOV2, 0.9), ("continue-mae", MAE, 0.85)])
def test_the_recipes_start_from_what_they_name_at_low_rates(recipe: str, weights: str, decay: float) -> None:
    config, _ = load_pretrain(recipe)
    assert (config.encoder.name, config.encoder.fields["weights"]) == (weights, weights)
    assert config.optimizer.layer_decay == decay
    assert config.optimizer.base_lr is not None
    assert config.optimizer.base_lr <= 1e-4
    assert config.method.name == recipe.removeprefix("continue-")


@pytest.mark.parametrize(("recipe", "network"), [("continue-dino", DINOV2), ("continue-mae", MAE)])
def test_without_a_network_one_paragraph_names_the_file_and_the_way(
    recipe: str, network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError) as caught:
        run(tmp_path, recipe, **{"data.size": 28})
    said = str(caught.value)
    assert "\n" not in said
    assert f"model.safetensors of timm/{network.removeprefix('timm:')} from the Hugging Face hub" in said
    assert said.endswith(f"--encoder.name {network} --encoder.weights PATH/model.safetensors")


def test_what_is_said_without_a_network_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the hub's layout: another size, three channels, a classifier; it is adapted, said, and in the card."""
    source = build_encoder(DINOV2, size=(70, 70), seed=5, **TINY)
    tensors = {k: v for k, v in source.network.state_dict().items() if k != "mask_token"}
    save_file({**tensors, "head.weight": torch.rand(10, 24)}, tmp_path / "model.safetensors")
    views = {name: {"count": 2, "size": side, "operations": ["random_resized_crop"]} for name, side in (("global", 28), ("local", 14))}
    changes = {f"encoder.{key}": value for key, value in TINY.items()} | {"encoder.weights": str(tmp_path / "model.safetensors")}
    method = {"name": "dino", "hidden": 8, "dim": 8, "prototypes": 12}
    done = run(tmp_path, "continue-dino", **changes, views=views, method=method, quiet=False)
    said = " ".join("".join(capsys.readouterr()).split())
    for words in (
        f"{DINOV2} starts from ",
        "tensors from model.safetensors",
        "first convolution patch_embed.proj adapted from 3 to 1 channels: kernels over the inputs summed",
        "position embeddings pos_embed interpolated from 5×5 to 2×2 patches",
        "input standardised by mean 0.449 and deviation 0.226, averages over 3 channels",
        "Layer-wise rates: 3 depths of the encoder, at 0.729 of the rate nearest the input and 0.9 at the last",
    ):
        assert words in said, words
    card = done.encoder.card
    assert card.trained_on.startswith("started from model.safetensors; ")
    assert str(tmp_path) not in card.model_dump_json()
    assert any("interpolated from 5×5 to 2×2" in note for note in card.notes)
    assert card.mean == pytest.approx(((0.485 + 0.456 + 0.406) / 3,))
    rows = done.results["probes"]
    assert {row["encoder"] for row in rows} >= {"pretrained", "starting weights", "random init", "pixel PCA"}
    assert {row["b"] for row in done.results["differences"]} >= {"starting weights", "random init"}
    assert "the weights it started from" in done.results["verdict"][0]
    assert (done.path / "report.html").is_file()


def test_a_name_and_its_file_give_the_same_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = build_encoder(DINOV2, size=(70, 70), seed=5, **TINY).network.state_dict()
    monkeypatch.setattr(timm_family, "pretrained", lambda name: dict(source))
    monkeypatch.setattr(timm_family, "made_for", lambda name: (70, 70))
    save_file(dict(source), tmp_path / "model.safetensors")
    named, given = (
        build_encoder(DINOV2, channels=1, size=(28, 28), weights=weights, **TINY)
        for weights in (DINOV2, tmp_path / "model.safetensors")
    )
    assert weights_hash(named) == weights_hash(given)
    assert (named.card.mean, named.card.std) == (given.card.mean, given.card.std)
    assert named.card.mean


def test_a_continued_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """Stopped and resumed, with layer-wise rates, from weights that are by then no longer there to be read twice the same."""
    file = tmp_path / "w.safetensors"
    save_file(build_encoder("resnet18", width=0.125, seed=9).network.state_dict(), file)
    changes = {
        "encoder": {"name": "resnet18", "width": 0.125, "weights": str(file)}, "method": {"name": "simclr", "hidden": 16, "dim": 8},
        "optimizer": {"name": "adamw", "lr": 1e-3, "layer_decay": 0.7}, "views": "simclr-24", "examine": False, "monitors": [],
        "steps": 6, "checkpoint_every": {"steps": 2},
    }  # fmt: skip
    data = str(blobs(tmp_path))
    whole = pretrain("continue-dino", out=tmp_path / "whole", **{**LITTLE, "data.train": data, "data.monitor": data, **changes})
    part = tmp_path / "part"
    killed = _killed_after(3)
    with pytest.raises(KeyboardInterrupt), killed:
        pretrain("continue-dino", out=part, **{**LITTLE, "data.train": data, "data.monitor": data, **changes})
    again = pretrain(resume=part, quiet=True)
    assert weights_hash(load_encoder(whole.path)) == weights_hash(load_encoder(again.path))
    assert weights_hash(load_encoder(whole.path)) != weights_hash(build_encoder("resnet18", width=0.125, seed=9))


def _killed_after(step: int) -> Any:
    from vesalius.training.optimizers import Stepper

    patch, original, taken = pytest.MonkeyPatch(), Stepper.step, 0

    def counted(self: Stepper, bad: torch.Tensor) -> None:
        nonlocal taken
        taken += 1
        if taken > step:
            raise KeyboardInterrupt
        original(self, bad)

    class Block:
        def __enter__(self) -> None:
            patch.setattr(Stepper, "step", counted)

        def __exit__(self, *_: object) -> None:
            patch.undo()

    return Block()


def test_layers_near_the_input_move_less(tmp_path: Path) -> None:
    """One step of SGD without decay: each layer's change is its factor times what it would be at the full rate."""
    file = tmp_path / "w.safetensors"
    save_file(build_encoder("resnet18", width=0.125, seed=9).network.state_dict(), file)
    start = build_encoder("resnet18", width=0.125, channels=1, size=(24, 24), weights=file, seed=1).network
    moved: dict[float | None, dict[str, torch.Tensor]] = {}
    for decay in (None, 0.5):
        folder = tmp_path / str(decay)
        folder.mkdir()
        done = run(
            folder, "continue-dino", steps=1, views="simclr-24", examine=False, monitors=[],
            encoder={"name": "resnet18", "width": 0.125, "weights": str(file)}, method={"name": "simclr", "hidden": 16, "dim": 8},
            optimizer={"name": "sgd", "lr": 0.1, "weight_decay": 0.0, "weight_decay_end": None, "momentum": 0.0, "layer_decay": decay, "clip": None},
        )  # fmt: skip
        after = load_encoder(done.path).network.state_dict()
        moved[decay] = {name: after[name] - tensor for name, tensor in start.named_parameters()}
    depths, layers = layer_of(load_encoder(tmp_path / "None" / "run"))
    for name, full in moved[None].items():
        torch.testing.assert_close(moved[0.5][name], full * 0.5 ** (layers - depths[name]), atol=2e-7, rtol=2e-3)


def test_the_run_says_which_weights(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file(build_encoder("resnet18", width=0.125, seed=9).network.state_dict(), file)
    done = run(
        tmp_path, "continue-dino", views="simclr-24", method={"name": "simclr", "hidden": 16, "dim": 8}, monitors=[], examine=False,
        encoder={"name": "resnet18", "width": 0.125, "weights": str(file)},
    )  # fmt: skip
    card = json.loads((done.path / "encoder.json").read_text())
    assert card["trained_on"].startswith("started from w.safetensors; ")
    assert any("tensors from w.safetensors" in note for note in card["notes"])
