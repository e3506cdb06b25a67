"""The encoder of a run that is not done is that of its newest whole checkpoint."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from tests.recipes.tiny import blobs, tiny
from vesalius.encoders import build_encoder, load_encoder
from vesalius.errors import UserError
from vesalius.pretrain import pretrain


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unfinished")
    recipe = tiny(blobs(folder), method={"name": "byol", "hidden": 16, "dim": 8}, checkpoint_every={"steps": 2}, monitors=[])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_RUNS", str(folder / "runs"))
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        return pretrain(recipe, out=folder / "run", quiet=True).path


@pytest.fixture
def killed(done: Path, tmp_path: Path) -> Path:
    shutil.copytree(done, tmp_path / "killed")
    for file in (tmp_path / "killed").glob("encoder.*"):
        file.unlink()
    return tmp_path / "killed"


def test_it_is_the_one_the_run_would_hand_over(done: Path, killed: Path) -> None:
    x = torch.rand(2, 1, 16, 16)
    whole, begun = load_encoder(done), load_encoder(killed)
    torch.testing.assert_close(begun(x).pooled, whole(x).pooled, rtol=0, atol=0)
    assert begun.loaded is not None
    assert "checkpoint step-00000004 of a run that is not done" in begun.loaded.sentence()
    options = {k: v for k, v in begun.card.options.items() if k in ("width", "stem")}
    started = build_encoder("resnet18", channels=1, size=(16, 16), weights=str(killed), **options).eval()
    torch.testing.assert_close(started(x).pooled, whole(x).pooled, rtol=0, atol=0)
    assert started.card.trained_on == "started from step-00000004 of killed"


def test_a_damaged_checkpoint_is_passed_over_and_none_left_is_said(killed: Path) -> None:
    for step in ("00000004", "00000002"):
        file = killed / "checkpoints" / f"step-{step}" / "method.safetensors"
        assert load_encoder(killed).loaded is not None
        file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(UserError, match="holds no encoder"):
        load_encoder(killed)
