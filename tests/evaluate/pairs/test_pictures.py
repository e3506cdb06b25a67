from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vesalius
from tests.labelled import encoder, images
from vesalius.data.dataset import resolve
from vesalius.errors import UserError
from vesalius.evaluate.config import configured
from vesalius.evaluate.pairs import pictures
from vesalius.terminal import Terminal

QUIET = Terminal(quiet=True)
LOOKING = """
from pydantic import BaseModel, ConfigDict
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured, Value

VESALIUS = {"protocols": ["NAME"]}
TAKES = ("pictures",)


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def examine(config, asked):
    return compared("NAME", config, asked, measure, rule="The deviation of features.", baselines=(), pictures=True)


def measure(config, pair):
    vectors = pair.features("images")
    return Measured(values={"std": Value(float(vectors.std()))}, facts={"ids": [int(i) for i in pair.split("images").ids]}, scored=(len(vectors),) * 2)
"""


def picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (20, 24), dtype=np.uint8)).save(path)
    return path


def test_files_folders_and_a_folder_of_folders_are_data_sets(tmp_path):
    for number, place in enumerate(("chexpert/a.png", "chexpert/b.png", "bach/c.png")):
        picture(tmp_path / "sample_images" / place, number)
    lone = [str(picture(tmp_path / "x" / "1.png", 7)), str(picture(tmp_path / "y.png", 8))]
    found = pictures.named([str(tmp_path / "sample_images"), *lone, str(tmp_path / "sample_images" / "chexpert")], QUIET)
    assert {name: len(table) for name, table in found.items()} == {"bach": 1, "chexpert": 2, "chexpert-2": 2, "images": 2}
    assert all(table.task is None and table.private for table in found.values())


@pytest.mark.parametrize(("name", "said"), [("none.png", "There is no image"), ("notes.txt", "no image by its ending")])
def test_what_is_no_image_is_one_paragraph(tmp_path, name, said):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match=said):
        pictures.named([str(tmp_path / name)], QUIET)


def test_draws_are_of_the_test_split_and_the_same_whatever_their_order(tmp_path):
    table = resolve(str(images(tmp_path, count=60)), labels="ill", subject="patient")
    table = table.with_columns(split=["test" if n % 3 == 0 else "train" for n in range(60)])
    some = pictures.drawn(table, 5, seed=1)
    assert len(some) == 5
    assert set(some.ids) <= set(table.ids[table.rows("test")])
    assert set(pictures.drawn(table.subset(np.arange(60)[::-1].copy()), 5, seed=1).ids) == set(some.ids)
    assert set(pictures.drawn(table, 5, seed=2).ids) != set(some.ids)
    assert len(pictures.drawn(table, 500, seed=1)) == 20


def test_an_evaluation_looks_at_named_images_or_at_draws(tmp_path):
    plugin = tmp_path / "looking.py"
    plugin.write_text(LOOKING.replace("NAME", "looking"))
    one = str(encoder(tmp_path / "encoder"))
    files = [picture(tmp_path / "mine" / f"{n}.png", n) for n in range(3)]
    said = {"plugins": str(plugin), "device": "cpu", "quiet": True, "encoder": one}
    looked = vesalius.evaluate("looking", images=files, out=tmp_path / "named", **said)
    assert looked.results["title"] == "1 encoder on images"
    assert len(looked.results["looking"]["chosen"][0]["ids"]) == 3
    assert str(tmp_path / "mine") not in "".join(f.read_text() for f in looked.path.rglob("*.json"))
    data = str(images(tmp_path / "data", count=40))
    drawn = vesalius.evaluate("looking", data=data, n_images=2, labels="ill", subject="patient", out=tmp_path / "drawn", **said)
    assert len(drawn.results["looking"]["chosen"][0]["ids"]) == 2


def test_without_images_and_data_it_says_what_to_give(tmp_path):
    plugin = tmp_path / "peering.py"
    plugin.write_text(LOOKING.replace("NAME", "peering"))
    with pytest.raises(UserError, match="There is no --images and no --data"):
        configured("peering", (), {"plugins": str(plugin)}, encoder=["somewhere"])


def test_the_originals_sample_images_are_looked_at_under_compat(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "sample_images" / "data" / "a.png")
    plugin = tmp_path / "glancing.py"
    plugin.write_text(LOOKING.replace("NAME", "glancing"))
    data = images(tmp_path / "data", count=40).rename(tmp_path / "data" / "data.csv")
    found = vesalius.evaluate(
        "glancing", data=str(data), encoder=str(encoder(tmp_path / "encoder")), labels="ill", subject="patient",
        compat="ssl-medicalimaging", plugins=str(plugin), device="cpu", quiet=True, out=tmp_path / "run",
    )  # fmt: skip
    assert len(found.results["glancing"]["chosen"][0]["ids"]) == 1
