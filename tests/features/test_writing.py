from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vesalius.errors import UserError
from vesalius.features import writing
from vesalius.features.writing import suffix_of, write


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> tuple[pd.DataFrame, np.ndarray]:
    monkeypatch.setattr(writing, "_BLOCK", 4)
    vectors = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32) * 1e-3
    about = pd.DataFrame({"id": [f"{i:016x}" for i in range(10)], "split": [None] * 8 + ["val", None]})
    about["label.class"] = [np.nan] * 6 + [1.0, 2.0, np.nan, 0.0]
    return about, vectors


def test_parquet(tmp_path: Path, rows: tuple[pd.DataFrame, np.ndarray]) -> None:
    import pyarrow.parquet as pq

    file = tmp_path / "sub" / "x.parquet"
    assert write(file, *rows, {"layer": "pooled"}) == [file]
    read = pd.read_parquet(file)
    assert np.array_equal(np.stack(read["vector"].to_list()), rows[1])
    assert read["id"].tolist() == rows[0]["id"].tolist()
    assert read["label.class"].equals(rows[0]["label.class"])
    assert json.loads(pq.read_schema(file).metadata[b"vesalius"]) == {"layer": "pooled"}


def test_npy(tmp_path: Path, rows: tuple[pd.DataFrame, np.ndarray]) -> None:
    files = write(tmp_path / "x.npy", *rows, {})
    assert [f.name for f in files] == ["x.npy", "x.ids.csv"]
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert np.array_equal(mapped, rows[1])
    assert pd.read_csv(tmp_path / "x.ids.csv", dtype={"id": str})["id"].tolist() == rows[0]["id"].tolist()


def test_csv_gives_the_same_numbers_back(tmp_path: Path, rows: tuple[pd.DataFrame, np.ndarray]) -> None:
    write(tmp_path / "x.csv", *rows, {})
    read = pd.read_csv(tmp_path / "x.csv", dtype={"id": str})
    assert list(read.columns) == ["id", "split", "label.class", "v0", "v1", "v2"]
    assert np.array_equal(read[["v0", "v1", "v2"]].to_numpy(np.float32), rows[1])


@pytest.mark.parametrize("name", ["x.parquet", "x.npy", "x.csv"])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, rows: tuple[pd.DataFrame, np.ndarray], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text("old")

    def fail(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / name, *rows, {})
    assert (tmp_path / name).read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_other_suffixes_are_refused() -> None:
    with pytest.raises(UserError, match=r"\.parquet, \.npy, \.csv"):
        suffix_of(Path("x.xlsx"))
