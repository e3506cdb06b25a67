"""InnerEye 43 to 47: configurations, data sets, names and transforms of one's own, as docs/extend.md shows them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.coverage.command_line import TINY, Done, vesalius
from tests.trees.pixels import radiographs

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extend.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LINES = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines()]
SMALL = (*TINY, "--steps", "4", "--batch_size", "4", "--monitors.knn.k", "3")

Ran = Callable[[str], Done]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files, a folder of images by class, and the wards' images with their table."""
    folder = tmp_path_factory.mktemp("desk")
    for language, text in BLOCKS:
        if (named := re.match(r"# ([\w.]+)\n", text)) and language in ("python", "yaml"):
            (folder / named[1]).write_text(text)
    rows = ["file,ill,patient"]
    for number, pixels in enumerate(radiographs(40, 32)):
        if number % 2:
            pixels[8:16, 8:24] = np.maximum(pixels[8:16, 8:24], 220)
        for place in (folder / "images" / ("clear", "ill")[number % 2], folder / "wards"):
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place / f"{number:02d}.png")
        rows.append(f"{number:02d}.png,{number % 2},smith{number // 2}")
    (folder / "wards" / "wards.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(autouse=True)
def _inside(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("VESALIUS_RUNS", str(desk / "runs"))


@pytest.fixture(scope="module")
def ran(desk: Path) -> Ran:
    """Runs the page's lines in order, up to the one that is asked for."""
    kept: dict[str, Done] = {}

    def run(line: str) -> Done:
        for each in LINES[: LINES.index(line) + 1]:
            if each not in kept:
                program, *words = shlex.split(each)
                assert program == "vesalius"
                small = SMALL if words[0] == "pretrain" else ("--threads", "1") if words[0] == "finetune" else ()
                done = vesalius(*words, *small)
                assert done.code == 0, f"{each}\n{done.said}"
                kept[each] = Done(done.code, done.said, desk / words[-1]) if "--out" in words else done
        return kept[line]

    return run


@pytest.mark.parametrize("line", LINES)
def test_what_the_page_says_works(line: str, ran: Ran) -> None:
    assert ran(line).code == 0


def test_a_configuration_of_ones_own(ran: Ran) -> None:
    done = ran("vesalius pretrain radiographs.yaml --out runs/recipe")
    assert (done.config["method"]["name"], done.config["method"]["temperature"]) == ("simclr", 0.1)
    text = (done.folder / "config.yaml").read_text()
    assert "temperature: 0.1  # radiographs.yaml" in text
    assert "weight_decay: 0.0001  # nih-rsna-simclr" in text
    assert "steps: 4  # given with the command" in text
    assert "radiographs.yaml" in ran("vesalius recipes show radiographs.yaml").said


def test_a_data_set_of_ones_own(ran: Ran) -> None:
    checked = ran("vesalius data check my_data.py:Wards@./wards")
    assert "40" in checked.said
    done = ran("vesalius pretrain wards.yaml --out runs/wards")
    assert done.config["data"]["train"] == "my_data.py:Wards"
    ran("vesalius predict runs/ill my_data.py:Wards@./wards --out answers.csv")
    answers = pd.read_csv("answers.csv")
    assert len(answers) == 40
    assert set(answers["uri"]) == {f"{n:02d}.png" for n in range(40)}


def test_the_data_are_divided_and_loaded_by_themselves(ran: Ran) -> None:
    done = ran("vesalius pretrain wards.yaml --out runs/wards")
    assert any("monitor/linear/roc_auc" in row for row in done.rows("monitor"))
    ill = ran("vesalius finetune classifier --encoder runs/wards --data.train my_data.py:Wards --data.root ./wards --out runs/ill")
    found = pd.read_parquet(ill.folder / "predictions.parquet")
    assert set(found["split"]) == {"val", "test"}
    whose = found.groupby("subject")["split"].nunique()
    assert (whose == 1).all(), "one patient's two images lie on one side"
    assert "smith" not in " ".join(found["subject"])


def test_a_registered_name(ran: Ran) -> None:
    done = ran("vesalius pretrain shadows.yaml --out runs/shadows")
    assert done.config["data"]["train"] == "wards"
    assert [kept["copy"] for kept in done.facts["plugins"]] == ["plugins/0-my_data.py", "plugins/1-my_views.py"]
    resumed = vesalius("pretrain", "--resume", str(done.folder))
    assert resumed.code == 0, resumed.said


def test_a_transform_of_ones_own(ran: Ran, desk: Path) -> None:
    done = ran("vesalius pretrain shadows.yaml --out runs/shadows")
    assert {"shadow": {"depth": 0.5, "p": 0.5}} in done.config["views"]["global"]["operations"]
    ran(LINES[-1])
    assert Image.open(desk / "shadows.png").size[0] > 64
