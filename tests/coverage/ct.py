"""Phantoms in the layout of the tutorial's unlabelled data set, its list, its checkpoint, and a small network in its words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from tests.coverage.command_line import Done, vesalius
from tests.trees import tcia

SHAPE = (72, 68, 12)
"""58 x 54 x 60 mm."""
SMALL = ("--data.plan.patch", "[32,32,32]", "--threads", "1")
VIT = ("--encoder.hidden_size", "48", "--encoder.mlp_dim", "96", "--encoder.num_heads", "4")
"""UNETR needs twelve blocks, and 32 voxels are the least that it takes."""
UNETR = (*SMALL, "--decoder.feature_size", "4")
ORGANS = (*range(1, 7), 35, 36)


@dataclass(frozen=True)
class Data:
    """``tcia``: the tree as downloaded; ``tcia_list``: a list in the tutorial's form, of what is there."""

    tcia: Path
    tcia_list: Path


def made(folder: Path) -> Data:
    """Twelve chest volumes of nine people."""
    names = tcia.NAMES
    file = tcia.write_list(folder / "lists" / "dataset_split.json", [*names[:7], *names[9:11]], [names[7], names[8], names[11]])
    return Data(tcia.write(folder / "tcia", names, shape=SHAPE), file)


def pretrain(data: Data, out: Path, recipe: str = "tcia-restoration", *words: str) -> Done:
    """A few steps of pretraining in the tutorial's words; must succeed."""
    place = ("--data_root", str(data.tcia), "--json_path", str(data.tcia_list), "--logdir", str(out))
    done = vesalius("pretrain", recipe, *place, *SMALL, *VIT, "--batch_size", "4", "--steps", "4", "--validate_every.steps", "2", *words)
    assert done.code == 0, done.said
    return Done(done.code, done.said, out)


def best_model(path: Path, hidden: int = 48) -> Path:
    """A ``best_model.pt`` as the tutorial's script writes it, of a small ViTAutoEnc."""
    from monai.networks.nets import ViTAutoEnc

    torch.manual_seed(0)
    net = ViTAutoEnc(1, (32, 32, 32), (16, 16, 16), hidden_size=hidden, mlp_dim=96, num_layers=12, num_heads=12, proj_type="conv")
    state = {"epoch": 500, "state_dict": net.state_dict(), "optimizer": torch.optim.Adam(net.parameters()).state_dict()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    return path
