"""Lightly's datapool: rounds of a data set that grows, in the original's own spelling, through the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.coverage.command_line import Done, vesalius
from vesalius.encoders import build_encoder, save_encoder
from vesalius.select.datapool import Datapool


def add(root: Path, *numbers: int) -> None:
    for number in numbers:
        noise = np.random.default_rng(number).integers(0, 256, (12, 14, 3), dtype=np.uint8)
        root.mkdir(exist_ok=True)
        Image.fromarray(noise).save(root / f"{number:02}.png")


def job(folder: Path, encoder: str, worker: dict[str, Any]) -> tuple[Done, list[str]]:
    """Three images of those that are new, and their names."""
    number = len(list(folder.glob("*.yaml")))
    strategies = [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}]
    config, names = folder / f"{number}.yaml", folder / f"{number}.txt"
    config.write_text(yaml.safe_dump({"workerConfig": {"useDatapool": True, **worker}, "selectionConfig": {"nSamples": 3, "strategies": strategies}}))
    words = ("--data", str(folder / "images"), "--encoder", str(folder / encoder), "--dataset", "mine", "--write", f"filenames={names}")
    done = vesalius("select", str(config), *words, out=folder / f"run-{number}")
    return done, names.read_text().split() if names.exists() else []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    for seed, name in enumerate(("one", "other")):
        save_encoder(build_encoder("resnet18", width=0.0625, stem="small", size=(12, 12), seed=seed).eval(), tmp_path / name)
    add(tmp_path / "images", *range(8))
    return tmp_path


def test_rounds_of_a_data_set_that_grows(place: Path) -> None:
    first, names = job(place, "one", {})
    assert first.code == 0, first.said
    assert len(names) == 3
    again, _ = job(place, "one", {})
    assert again.code == 2
    assert "has looked at all 8 of these images" in again.said
    add(place / "images", *range(8, 14))
    (place / "images" / names[0]).unlink()  # it was selected, and stays
    tried, _ = job(place, "one", {"datasource": {"enableDatapoolUpdate": False}})
    assert tried.code == 0, tried.said
    assert len(Datapool.open("mine").rounds) == 1
    second, more = job(place, "one", {})
    assert second.code == 0, second.said
    assert set(more) <= {f"{n:02}.png" for n in range(8, 14)}  # of the new ones only
    third, rest = job(place, "one", {"datasource": {"processAll": True}})
    assert third.code == 0, third.said
    assert not set(rest) & {*names, *more}
    assert len({*names, *more, *rest}) == 9
    history = Datapool.open("mine").history()
    assert [(facts["looked_at"], facts["members"]) for facts in history] == [(8, 3), (6, 6), (8, 9)]
    shown = vesalius("data", "datapools", "mine")
    assert [line.split("\t")[0] for line in shown.said.splitlines() if line[:1].isdigit()] == ["1", "2", "3"]
    assert all(name not in "".join(p.name for p in Datapool.open("mine").folder.rglob("*")) for name in names)


def test_another_encoder_embeds_again_or_is_refused(place: Path) -> None:
    _, names = job(place, "one", {})
    before = Datapool.open("mine")
    add(place / "images", *range(8, 12))
    done, _ = job(place, "other", {})
    assert done.code == 0, done.said
    after = Datapool.open("mine")
    assert after.encoder != before.encoder
    assert after.ids[:3].tolist() == before.ids.tolist()
    assert not np.allclose(after.vectors[:3], before.vectors)
    add(place / "images", *range(12, 16))
    (place / "images" / names[0]).unlink()
    refused, _ = job(place, "one", {})
    assert refused.code == 2
    assert "1 of its 6 images are not there any more" in refused.said
    assert len(Datapool.open("mine").rounds) == 2
