"""What is told before anything is trained or embedded, and that nothing is left of a job that never began."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.select.jobs import encoder, folder, job
from tests.select.lightly_tree import predictions
from vesalius.errors import UserError
from vesalius.select.verb import select


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = folder(tmp_path_factory.mktemp("images"), 12)
    predictions(at, "parity", "classification", {0: "even", 1: "odd"}, {"0001.png": [{"category_id": 0}]})
    return at


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strangers.txt").write_text("elsewhere.png\n")
    (tmp_path / "one.txt").write_text("0001.png\nelsewhere.png\n")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"n": 500}, "500 images are asked for, and there are 14 to choose from. Ask for fewer"),
        ({"preselected": "nowhere.txt"}, "nowhere.txt could not be read"),
        ({"preselected": "strangers.txt"}, "No name in strangers.txt"),
        ({"strategy": "weights:agee"}, "There is no metadata 'agee'"),
        ({"strategy": "weights:scores/certainty"}, "no score 'certainty'"),
        ({"strategy": "weights:scores/parity/object_frequency"}, "is of objects"),
        ({"strategy": "balance:predictions/oddness"}, "lists no task 'oddness'"),
        ({"strategy": "similarity"}, "similarity:query/FILE"),
        ({"strategy": "similarity:query/nowhere.txt"}, "nowhere.txt could not be read"),
        ({"strategy": "similarity:query/nowhere.npy"}, "nowhere.npy could not be read"),
        ({"strategy": "similarity:query/one.txt"}, "1 of its 2 names are no images"),
        ({"strategy": "diversity:objects/cells"}, "cells"),
    ],
)
def test_it_ends_before_the_training_and_leaves_no_run(data: Path, tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said.replace("(", r"\(")):
        select(data=str(data), training={"epochs": 1}, quiet=True, **{"n": 3, **fields})
    assert not list((tmp_path / "runs").glob("*"))


def test_crops_need_boxes(tmp_path: Path) -> None:
    plain = folder(tmp_path / "plain", 12)
    with pytest.raises(UserError, match="no boxes lie beside the images"):
        select(data=str(plain), training={"epochs": 1}, n=3, write=["crops=parts"], quiet=True)
    assert not list((tmp_path / "runs").glob("*"))


def test_the_line_can_be_mended_and_typed_again(data: Path, tmp_path: Path) -> None:
    network = encoder(tmp_path / "network")
    with pytest.raises(UserError, match="to choose from"):
        job(data, network, n=500, out=tmp_path / "chosen")
    assert not (tmp_path / "chosen").exists()
    assert not list((tmp_path / "runs").glob("*"))
    assert len(job(data, network, n=3, out=tmp_path / "chosen").names) == 3


def test_what_was_embedded_is_kept_when_the_selection_fails(data: Path, tmp_path: Path) -> None:
    network = encoder(tmp_path / "network")
    with pytest.raises(UserError, match="No image that could be chosen"):
        job(data, network, n=3, strategy="threshold:lightly.width>10000", out=tmp_path / "chosen")
    assert (tmp_path / "chosen" / "vectors.npy").is_file()


def test_a_folder_that_held_other_files_keeps_them(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="to choose from"):
        job(data, encoder(tmp_path / "network"), n=500, out=tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").is_file()
