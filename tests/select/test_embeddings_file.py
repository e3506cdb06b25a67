"""Embeddings of the user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vesalius.errors import UserError
from vesalius.features.writing import write
from vesalius.select.embeddings_file import read, with_marks

NAMES = ["a/1.png", "a/2.png", "b, c.png"]
VECTORS = np.asarray([[1, 2], [3, 4.5], [-5e-8, 6]], np.float32)


def lightly(path: Path, **more: object) -> Path:
    frame = pd.DataFrame({"filenames": NAMES, "embedding_0": VECTORS[:, 0], "embedding_1": VECTORS[:, 1], "labels": 0, **more})
    frame.to_csv(path, index=False)
    return path


def test_lightlys_csv_in_any_order(tmp_path: Path) -> None:
    file = lightly(tmp_path / "e.csv")
    assert (read(file, NAMES) == VECTORS).all()
    assert (read(file, [NAMES[2], NAMES[0]]) == VECTORS[[2, 0]]).all()
    assert read(file, NAMES).dtype == np.float32
    ignored, chosen = with_marks(file, NAMES)[1:]
    assert not ignored.any()
    assert not chosen.any()


def test_the_older_columns_say_what_to_ignore_and_what_was_selected(tmp_path: Path) -> None:
    file = lightly(tmp_path / "e.csv", masked=[0, 1, 0], selected=[1, 0, 0], al_score=[0.5, 0.1, 0.2])
    ignored, chosen = with_marks(file, NAMES[::-1])[1:]
    assert ignored.tolist() == [False, True, False]
    assert chosen.tolist() == [False, False, True]
    assert (read(file, NAMES) == VECTORS).all()


def test_a_csv_that_lightly_wrote(tmp_path: Path) -> None:
    io = pytest.importorskip("lightly.utils.io")
    io.save_embeddings(str(tmp_path / "e.csv"), VECTORS, [0, 1, 0], NAMES)
    assert (read(tmp_path / "e.csv", NAMES) == VECTORS).all()


def test_more_than_ten_columns_keep_their_order(tmp_path: Path) -> None:
    wide = np.arange(36, dtype=np.float32).reshape(3, 12)
    columns = {f"embedding_{i}": wide[:, i] for i in reversed(range(12))}
    pd.DataFrame({"filenames": NAMES, **columns, "labels": 0}).to_csv(tmp_path / "e.csv", index=False)
    assert (read(tmp_path / "e.csv", NAMES) == wide).all()


@pytest.mark.parametrize("suffix", [".parquet", ".npy", ".csv"])
def test_what_embed_wrote(suffix: str, tmp_path: Path) -> None:
    about = pd.DataFrame({"id": ["0", "1", "2"], "uri": NAMES, "frame": [0, 0, 0]})
    write(tmp_path / f"e{suffix}", about, VECTORS, {})
    found = read(tmp_path / f"e{suffix}", NAMES)
    assert (found == VECTORS).all()
    assert isinstance(found, np.memmap) == (suffix == ".npy")
    assert (read(tmp_path / f"e{suffix}", NAMES[1:]) == VECTORS[1:]).all()


def test_frames_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "e.parquet", pd.DataFrame({"uri": ["x.npz"] * 3, "frame": [0, 1, 2]}), VECTORS, {})
    assert (read(tmp_path / "e.parquet", ["x.npz#2", "x.npz#0"]) == VECTORS[[2, 0]]).all()


def test_an_array_with_a_list_of_names(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", VECTORS.astype(np.float64))
    (tmp_path / "e.txt").write_text("".join(f"./{name}\n" for name in NAMES))
    found = read(tmp_path / "e.npy", NAMES)
    assert (found == VECTORS).all()
    assert found.dtype == np.float32


def test_a_list_column_of_another_program(tmp_path: Path) -> None:
    pd.DataFrame({"name": NAMES, "embedding": [row.tolist() for row in VECTORS]}).to_parquet(tmp_path / "e.parquet")
    assert (read(tmp_path / "e.parquet", NAMES) == VECTORS).all()


def refused(path: Path, names: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words) as told:
        read(path, names)
    assert "\n" not in str(told.value)


def test_missing_and_repeated_names_are_said(tmp_path: Path) -> None:
    file = lightly(tmp_path / "e.csv")
    refused(file, [*NAMES, "new.png", "other.png"], r"no vector for 2 of 5 images, among them new.png, other.png")
    refused(file, ["images/a/1.png"], r"Its names look like a/1.png: they are relative to the data's root")
    frame = pd.read_csv(file)
    pd.concat([frame, frame[:1]]).to_csv(file, index=False)
    refused(file, NAMES, "more than one vector for a/1.png")


def test_numbers_that_are_none_are_said(tmp_path: Path) -> None:
    vectors = VECTORS.copy()
    vectors[1, 0] = np.nan
    write(tmp_path / "e.parquet", pd.DataFrame({"uri": NAMES}), vectors, {})
    refused(tmp_path / "e.parquet", NAMES, "NaN or infinite numbers for 1 images, among them a/2.png")
    assert (read(tmp_path / "e.parquet", NAMES[:1]) == VECTORS[:1]).all()  # what nobody asked for does no harm
    lightly(tmp_path / "e.csv")
    text = (tmp_path / "e.csv").read_text()
    (tmp_path / "e.csv").write_text(text.replace("4.5", "four"))
    refused(tmp_path / "e.csv", NAMES, "cannot be read as a table of embeddings: .*four")
    (tmp_path / "e.csv").write_text(text.replace(",4.5", ""))
    refused(tmp_path / "e.csv", NAMES, "Expected 4 columns, got 3")


def test_lengths_that_differ_are_said(tmp_path: Path) -> None:
    pd.DataFrame({"name": NAMES, "vector": [[1.0, 2.0], [3.0], [4.0, 5.0]]}).to_parquet(tmp_path / "e.parquet")
    refused(tmp_path / "e.parquet", NAMES, r"differ in length \(1 numbers, 2 numbers\)")
    np.save(tmp_path / "e.npy", VECTORS[:2])
    (tmp_path / "e.txt").write_text("\n".join(NAMES))
    refused(tmp_path / "e.npy", NAMES, "holds 2 vectors, and 3 names are listed")


def test_files_that_are_not_it(tmp_path: Path) -> None:
    refused(tmp_path / "e.csv", NAMES, "There is no file of embeddings")
    refused(tmp_path / "e.pt", NAMES, r"ends in .pt. Embeddings are read from a file ending in .csv, .parquet, .npy")
    pd.DataFrame({"filenames": NAMES, "labels": 0}).to_csv(tmp_path / "e.csv", index=False)
    refused(tmp_path / "e.csv", NAMES, "no column of embeddings")
    pd.DataFrame({"embedding_0": [1, 2, 3]}).to_csv(tmp_path / "e.csv", index=False)
    refused(tmp_path / "e.csv", NAMES, "no column of names")
    np.save(tmp_path / "e.npy", VECTORS)
    refused(tmp_path / "e.npy", NAMES, "says nothing of whose vectors")
    np.save(tmp_path / "e.npy", np.asarray([None, "x"], dtype=object), allow_pickle=True)
    refused(tmp_path / "e.npy", NAMES, "cannot be read as an array")
    (tmp_path / "e.parquet").write_bytes(b"no parquet")
    refused(tmp_path / "e.parquet", NAMES, "cannot be read as Parquet")
