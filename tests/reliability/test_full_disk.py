"""A real disk of 64 MB that fills while a run saves: one paragraph, no checkpoint lost, and the run goes on later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.recipes.tiny import blobs, tiny
from tests.reliability.harness import compare
from tests.reliability.processes import vesalius
from vesalius.files import free_bytes
from vesalius.training import checkpoints

MB = 1 << 20


@pytest.fixture
def disk(small_disk: Path) -> Path:
    return small_disk


def write(folder: Path) -> Path:
    """A recipe whose checkpoints take 8 MB each."""
    recipe = tiny(blobs(folder), steps=6, checkpoint_every={"steps": 1}, validate_every={"steps": 100})
    recipe["encoder"] = {"name": "resnet18", "width": 0.25, "stem": "small"}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return folder / "recipe.yaml"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run on a disk with room, beside its recipe."""
    folder = tmp_path_factory.mktemp("whole")
    done = vesalius(folder, "pretrain", write(folder), "--out", "run")
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.mark.parametrize("leave", [18, 4])
def test_a_disk_that_fills(disk: Path, whole: Path, leave: int) -> None:
    """``leave`` MB are free at the start: the disk is full at the third checkpoint, or at the first."""
    place = whole.parent  # one cache, with it one key, with it the same numbers for the same images
    filler = disk / "filler"
    filler.write_bytes(bytes(free_bytes(disk) - leave * MB))
    done = vesalius(place, "pretrain", "recipe.yaml", "--out", disk / "run")
    assert done.returncode == 5, done.stderr
    said = done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "full" in said
    assert "--resume" in said or "run the same command again" in said
    kept = sorted((disk / "run" / "checkpoints").glob("step-*"))
    assert [checkpoints.damage(checkpoint) for checkpoint in kept] == [None] * len(kept)
    assert bool(kept) == (leave > 4)
    assert not list((disk / "run" / "checkpoints").glob(".*.tmp-*")), "the failed attempt gave its room back"
    filler.unlink()
    resumed = vesalius(place, "pretrain", "--resume", disk / "run")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((disk / "run" / "run.json").read_text())["state"] == "done"
    assert compare(whole, disk / "run") == []
