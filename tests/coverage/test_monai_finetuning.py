"""The tutorial's fine-tuning through the command line, on phantoms in BTCV's layout: rows monai-3 to 6, 8, 9, 20, 23 and 24."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from torch import nn

from tests.coverage.command_line import Done, vesalius
from tests.coverage.ct import SHAPE, UNETR, VIT, Data, best_model, finetuned, made, pretrain
from tests.trees import btcv
from tests.trees.phantoms import abdomen, write_as
from vesalius.encoders import load_encoder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return made(tmp_path_factory.mktemp("ct"))


@pytest.fixture(scope="module")
def restoration(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Done:
    return pretrain(data, tmp_path_factory.mktemp("runs") / "restoration")


@pytest.fixture(scope="module")
def segmenter(data: Data, restoration: Done, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """In the tutorial's words, on the pretrained run."""
    return finetuned(data, tmp_path_factory.mktemp("runs") / "unetr", "btcv-unetr", "--pretrained_weights_path", str(restoration.folder))


def test_fine_tuning_in_the_tutorials_words(segmenter: Done, data: Data) -> None:
    assert segmenter.config["data"]["train"] == str(data.btcv_list)
    assert segmenter.config["data"]["root"] == str(data.btcv)
    assert (segmenter.config["steps"], segmenter.config["validate_every"]["steps"]) == (2, 1)
    assert (segmenter.folder / "segmenter.safetensors").is_file()
    results = json.loads((segmenter.folder / "results.json").read_text())
    assert results["verdict"]


def test_unetr_takes_every_tensor_of_the_pretrained_vit(segmenter: Done, restoration: Done) -> None:
    assert "161 of 161 tensors" in segmenter.said
    assert "2×2×2 mm" in segmenter.said  # the encoder's plan, not the data's own 1.5 x 1.5 x 2


def test_from_a_downloaded_checkpoint_without_pretraining(data: Data, tmp_path: Path) -> None:
    file = best_model(tmp_path / "downloaded" / "best_model.pt")
    done = vesalius("finetune", "btcv-unetr", "--encoder", str(file), "--data.train", f"btcv@{data.btcv}:6", *UNETR, "--steps", "1", out=tmp_path / "run")
    assert done.code == 0, done.said
    assert "161 of 161 tensors from best_model.pt" in done.said
    assert "1.5×1.5×2 mm" in done.said  # the file does not say how its volumes were prepared: BTCV's own plan


def test_the_same_from_random_weights(data: Data, tmp_path: Path) -> None:
    words = ("--data_root", str(data.btcv), "--json_path", str(data.btcv_list), *UNETR, *VIT, "--max_iterations", "1")
    done = vesalius("finetune", "btcv-unetr-scratch", *words, out=tmp_path / "run")
    assert done.code == 0, done.said
    assert "of random weights" in done.said


@pytest.mark.parametrize("size", [24, 12])
def test_btcv_by_24_and_12_volumes(size: int, data: Data, restoration: Done, tmp_path: Path) -> None:
    """6: every other test of this file. The source as Synapse gives it, by its tasks."""
    root = btcv.write(tmp_path / "btcv", shape=(40, 40, 8))
    file = btcv.write_list(tmp_path / "dataset_0_init_12.json", 12, test=())
    train = ("--data.train", f"btcv@{root}:{size}") if size == 24 else ("--json_path", str(file), "--data_root", str(root))
    words = ("--encoder", str(restoration.folder), *train, *UNETR, "--steps", "1")
    done = vesalius("finetune", "btcv-unetr", *words, out=tmp_path / "run")
    assert done.code == 0, done.said
    assert f"{size} training, 3 validation and 3 test volumes" in done.said
    assert "13 labels: spleen, right kidney" in done.said


def test_the_vit_in_a_network_of_ones_own(restoration: Done, tmp_path: Path) -> None:
    """Exported as MONAI's state dict, and as a part of another network that learns."""
    from monai.networks.nets import ViT

    told = vesalius("export", str(restoration.folder), "--to", "monai", out=tmp_path / "vit")
    assert told.code == 0, told.said
    state = torch.load(tmp_path / "vit" / "model.pt", weights_only=True)
    vit = ViT(1, (32, 32, 32), (16, 16, 16), hidden_size=48, mlp_dim=96, num_layers=12, num_heads=4, proj_type="conv")
    vit.load_state_dict(state.get("state_dict", state), strict=True)

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = load_encoder(restoration.folder)
            self.head = nn.ConvTranspose3d(48, 2, 16, 16)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.head(self.encoder(x).map)
            return out

    own = Own()
    own(torch.rand(1, 1, 32, 32, 32)).mean().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in own.encoder.parameters())


def test_the_documents_numbers_are_the_recipes() -> None:
    told = vesalius("recipes", "show", "btcv-unetr")
    assert told.code == 0
    shown = {line.split("\t")[0]: line.split("\t")[1] for line in told.said.splitlines() if line.count("\t") >= 2}
    expected = {
        "steps": "30000", "validate_every.steps": "100", "batch_size": "4", "data.draws_per_sample": "4", "optimizer.name": "adamw",
        "optimizer.lr": "0.0001", "optimizer.weight_decay": "1e-05", "decoder.name": "unetr", "data.train": "btcv:24",
    }  # fmt: skip
    assert {key: shown.get(key) for key in expected} == expected


def test_robustness_of_both_twins(data: Data, segmenter: Done, tmp_path: Path) -> None:
    twin = finetuned(data, tmp_path / "twin", "btcv-unetr", "--pretrained_weights_path", str(segmenter.config["encoder"]["weights"]), "--use_pretrained", "0")
    words = ("evaluate", "robustness", "--run", str(segmenter.folder), "--run", str(twin.folder), "--perturbations", "noise")
    done = vesalius(*words, out=tmp_path / "robustness")
    assert done.code == 0, done.said
    assert (tmp_path / "robustness" / "report.html").is_file()


def test_new_volumes_get_labels_on_their_own_voxels(segmenter: Done, tmp_path: Path) -> None:
    values, _, affine = abdomen(SHAPE, 99)
    scan = write_as(tmp_path / "scans" / "new.nii.gz", values, affine, "LPS")
    done = vesalius("predict", str(segmenter.folder), str(tmp_path / "scans"), out=tmp_path / "labels")
    assert done.code == 0, done.said
    (found,) = (tmp_path / "labels").rglob("*.nii.gz")
    given, labels = nibabel.load(scan), nibabel.load(found)
    assert labels.shape == given.shape
    assert np.allclose(labels.affine, given.affine)
    assert set(np.unique(np.asarray(labels.dataobj))) <= set(range(14))
