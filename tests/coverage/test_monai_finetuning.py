"""The tutorial's fine-tuning, and every line of its migration page, on small trees with a small network: MONAI 3 to 6, 8, 9, 20, 22 to 24."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from docs.migration_monai import COMMANDS
from torch import nn

from tests.coverage.command_line import Done, vesalius
from tests.coverage.ct import ORGANS, SMALL, UNETR, VIT, best_model
from tests.trees import btcv, tcia
from tests.trees.phantoms import abdomen, write_as
from vesalius.encoders import load_encoder

Ran = Callable[[str], Done]
LINES = [ours for _, ours, _ in COMMANDS]
SHAPE = (48, 44, 10)


def the_line(words: str) -> str:
    """The one line of the page with these words."""
    (line,) = [line for line in LINES if words in line]
    return line


SSL, UNETR_LINE, SCRATCH = (
    the_line("--logdir runs/ssl "),
    the_line("--logdir_path runs/unetr"),
    the_line("--logdir_path runs/scratch"),
)
FIRST = (SSL, UNETR_LINE)
"""Lines whose runs others go on from."""


def words_of(line: str) -> list[str]:
    """The words of ``line`` after ``vesalius``, and what makes a training small."""
    words = shlex.split(line)
    words = words[words.index("vesalius.cli" if words[0] == "torchrun" else "vesalius") + 1 :]
    if words[0] == "pretrain":
        return [*words, *SMALL, *VIT, "--epochs", "1", "--debug", "true"]
    if words[0] == "finetune":
        table = ("--sizes", "[2,4]", "--seeds", "[1]") if "--sizes" in words else ()
        return [*words, *UNETR, *(VIT if "btcv-unetr-scratch" in words else ()), *table, "--steps", "1"]
    return words


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both data sets as downloaded, the tutorial's lists, its checkpoint and a new scan."""
    folder = tmp_path_factory.mktemp("clinic")
    tcia.write(folder / "tcia", shape=SHAPE)
    btcv.write(folder / "btcv", ORGANS, shape=SHAPE)
    tcia.write_list(folder / "lists" / "dataset_split.json", tcia.NAMES[:9], tcia.NAMES[9:])
    btcv.write_list(folder / "lists" / "dataset_0.json", 6)
    best_model(folder / "best_model.pt")
    values, _, affine = abdomen(SHAPE, 99)
    write_as(folder / "scans" / "new.nii.gz", values, affine, "LPS")
    return folder


@pytest.fixture(scope="module")
def ran(clinic: Path) -> Ran:
    """Runs a line once, however often it is asked for, and before it those whose runs it may need."""
    kept: dict[str, Done] = {}

    def run(line: str) -> Done:
        for each in (*FIRST, line):
            if each not in kept:
                with pytest.MonkeyPatch.context() as patch:
                    patch.chdir(clinic)
                    patch.setenv("VESALIUS_RUNS", str(clinic / "all"))
                    kept[each] = vesalius(*words_of(each))
                assert kept[each].code == 0, f"{each}\n{kept[each].said}"
        return kept[line]

    return run


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_migration_page_runs(line: str, ran: Ran, clinic: Path) -> None:
    ran(line)
    words = line.replace("=", " ").split()
    for word in ("--out", "--logdir", "--output"):
        if word in words:
            made = clinic / words[words.index(word) + 1]
            assert made.exists(), made
            assert made.suffix or made.name == "labels" or (made / "report.html").is_file()


def test_pretrained_against_random_by_number_of_volumes(ran: Ran, clinic: Path) -> None:
    """One command; the page holds both twins for each number of volumes and what pretraining adds, relatively."""
    ran(the_line("--sizes"))
    page = (clinic / "runs" / "table" / "report.html").read_text()
    assert "relative" in page.lower()
    assert (clinic / "runs" / "table" / "results.json").is_file()


def test_what_the_originals_numbers_bring_back_is_said(ran: Ran) -> None:
    for words, sentences in (("runs/theirs --compat", 3), ("as-theirs --compat", 2)):
        said = " ".join(ran(the_line(words)).said.split())
        assert said.count("compat monai-tutorial: ") == sentences


def test_fine_tuning_in_the_tutorials_words(ran: Ran, clinic: Path) -> None:
    ran(UNETR_LINE)
    run = Done(0, "", clinic / "runs" / "unetr")
    assert (run.config["data"]["train"], run.config["data"]["root"]) == ("lists/dataset_0.json", "./btcv")
    assert run.config["encoder"]["weights"] == "runs/ssl"
    assert (run.folder / "segmenter.safetensors").is_file()
    assert json.loads((run.folder / "results.json").read_text())["verdict"]


def test_unetr_takes_every_tensor_of_the_pretrained_vit(ran: Ran) -> None:
    said = ran(UNETR_LINE).said
    assert "161 of 161 tensors" in said
    assert "2×2×2 mm" in said  # the encoder's plan, not BTCV's own 1.5 x 1.5 x 2


def test_from_a_downloaded_checkpoint_without_pretraining(ran: Ran) -> None:
    said = ran(the_line("best_model.pt")).said
    assert "161 of 161 tensors from best_model.pt" in said
    assert "1.5×1.5×2 mm" in said  # the file does not say how its volumes were prepared: BTCV's own plan


def test_the_same_from_random_weights(ran: Ran) -> None:
    assert "of random weights" in ran(SCRATCH).said


@pytest.mark.parametrize("size", [24, 12])
def test_btcv_by_24_and_12_volumes(size: int, ran: Ran, clinic: Path, tmp_path: Path) -> None:
    """6 is a line of the page. 24 as a task of the source, 12 by its list; volumes as Synapse gives them."""
    ran(SSL)
    root = btcv.write(tmp_path / "btcv", shape=(40, 40, 8))
    file = btcv.write_list(tmp_path / "dataset_0_init_12.json", 12, test=())
    train = (
        ("--data.train", f"btcv@{root}:{size}") if size == 24 else ("--json_path", str(file), "--data_root", str(root))
    )
    words = ("--encoder", str(clinic / "runs" / "ssl"), *train, *UNETR, "--steps", "1")
    done = vesalius("finetune", "btcv-unetr", *words, out=tmp_path / "run")
    assert done.code == 0, done.said
    assert f"{size} training, 3 validation and 3 test volumes" in done.said
    assert "13 labels: spleen, right kidney" in done.said


def test_the_vit_in_a_network_of_ones_own(ran: Ran, clinic: Path, tmp_path: Path) -> None:
    """Exported as MONAI's state dict, and as a part of another network that learns."""
    from monai.networks.nets import ViT

    ran(SSL)
    run = clinic / "runs" / "ssl"
    told = vesalius("export", str(run), "--to", "monai", out=tmp_path / "vit")
    assert told.code == 0, told.said
    state = torch.load(tmp_path / "vit" / "model.pt", weights_only=True)
    vit = ViT(1, (32, 32, 32), (16, 16, 16), hidden_size=48, mlp_dim=96, num_layers=12, num_heads=4, proj_type="conv")
    vit.load_state_dict(state.get("state_dict", state), strict=True)

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = load_encoder(run)
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


def test_robustness_of_both_twins(ran: Ran, clinic: Path, tmp_path: Path) -> None:
    for line in (UNETR_LINE, SCRATCH):
        ran(line)
    runs = [word for name in ("unetr", "scratch") for word in ("--run", str(clinic / "runs" / name))]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(clinic)  # the runs name their data from there
        done = vesalius("evaluate", "robustness", *runs, "--perturbations", "noise", out=tmp_path / "robustness")
    assert done.code == 0, done.said
    assert (tmp_path / "robustness" / "report.html").is_file()


def test_new_volumes_get_labels_on_their_own_voxels(ran: Ran, clinic: Path) -> None:
    ran(the_line("vesalius predict"))
    given = nibabel.load(clinic / "scans" / "new.nii.gz")
    (found,) = (clinic / "labels").rglob("*.nii.gz")
    labels = nibabel.load(found)
    assert labels.shape == given.shape
    assert np.allclose(labels.affine, given.affine)
    assert set(np.unique(np.asarray(labels.dataobj))) <= set(range(14))
