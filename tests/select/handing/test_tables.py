"""Tables and lists of what was selected."""

# Proves select.picked too: see mirrors.yaml.

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.select.handing.selections import of_folder
from vesalius.errors import UserError
from vesalius.select.embeddings_file import read
from vesalius.select.handing import csv, filenames, lightly_csv, parquet

PICKED = ["b/é ü.png", "a/eins.png", "b/four's.jpg"]


def test_parquet_holds_what_is_known_of_each_pick_and_its_vector(tmp_path: Path) -> None:
    selected = of_folder(tmp_path / "data")
    assert parquet.write(selected, tmp_path / "out.parquet").files == (tmp_path / "out.parquet",)
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert found["name"].tolist() == PICKED
    assert found["order"].tolist() == [1, 2, 3]
    assert found["nearest"].fillna("").tolist() == ["", *PICKED[:2]]
    assert found["label.kind"].fillna("").tolist() == ["good <&>", "good <&>", ""]
    assert found["label.age"].tolist() == pytest.approx([68, 20, 44])
    assert json.loads(found["reasons"][0]) == {"diversity": {"distance_to_mean": 0.5}}
    assert (np.stack(found["vector"]) == selected.candidates.vectors[[4, 0, 2]]).all()
    assert found["id"][0] == f"{int(selected.candidates.frame['id'].iloc[4]):016x}"
    assert (read(tmp_path / "out.parquet", PICKED[::-1]) == selected.candidates.vectors[[2, 0, 4]]).all()


def test_csv_is_the_same_without_vectors(tmp_path: Path) -> None:
    csv.write(of_folder(tmp_path / "data"), tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv")
    assert found["name"].tolist() == PICKED
    assert list(found.columns) == ["order", "name", "id", "gain", "nearest", "distance", "reasons", "label.kind", "label.age"]


def test_file_names_are_one_on_a_line_in_the_order_of_choice(tmp_path: Path) -> None:
    filenames.write(of_folder(tmp_path / "data"), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8").split("\n") == [*PICKED, ""]


def test_lightlys_own_functions_read_its_csv(tmp_path: Path) -> None:
    io = pytest.importorskip("lightly.utils.io")
    selected = of_folder(tmp_path / "data", chosen=(5,))
    files = lightly_csv.write(selected, tmp_path / "out").files
    assert [file.name for file in files] == ["embeddings.csv", "selected_embeddings.csv", "selected_embeddings_including_datapool.csv"]
    for file, rows in zip(files, (range(6), [4, 0, 2], [5, 4, 0, 2]), strict=True):
        io.check_embeddings(str(file))
        vectors, labels, names = io.load_embeddings(str(file))
        assert names == selected.candidates.names[list(rows)].tolist()
        assert (np.asarray(vectors, np.float32) == selected.candidates.vectors[list(rows)]).all()
        assert labels == [[0, 1, 0, 1, 0, 1][row] for row in rows]
        assert (read(file, names) == selected.candidates.vectors[list(rows)]).all()


def test_without_embeddings_there_is_no_csv_of_them(tmp_path: Path) -> None:
    from dataclasses import replace

    selected = of_folder(tmp_path / "data")
    bare = replace(selected, candidates=replace(selected.candidates, vectors=None))
    parquet.write(bare, tmp_path / "out.parquet")
    assert "vector" not in pd.read_parquet(tmp_path / "out.parquet")
    with pytest.raises(UserError, match="works on embeddings"):
        lightly_csv.write(bare, tmp_path / "out")
    assert not (tmp_path / "out").exists()
