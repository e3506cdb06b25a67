# Proves select.queries too: see mirrors.yaml.

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.select.jobs import encoder, folder, job
from tests.select.strategies.neighbourhoods import candidates, points
from vesalius.errors import UserError
from vesalius.features.writing import write
from vesalius.recipes.checking import check
from vesalius.select.candidates import Candidates, Objects
from vesalius.select.greedy import choose
from vesalius.select.inputs import embeddings
from vesalius.select.selection import SelectionConfig, built
from vesalius.select.values import Vectors

VECTORS = points(12)


def read(of: Candidates | None = None, **fields: object) -> Vectors:
    return embeddings.read(check(embeddings.Config, fields, "input"), candidates(VECTORS) if of is None else of)


def test_without_a_query_there_is_none() -> None:
    found = read()
    assert found.query is None
    assert found.of_images is not None
    assert np.array_equal(found.of_images, VECTORS)


def test_a_query_by_names_is_those_candidates(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("00007.png\n\n00003.png\n00007.png\n")
    query = {"names": str(tmp_path / "q.txt")}
    assert np.array_equal(read(query=query).query, VECTORS[[3, 7]])
    objects = Objects(points(30, seed=4), np.arange(30) % 12)
    of = candidates(VECTORS, objects={"cells": objects})
    assert np.array_equal(read(of, task="cells", query=query).query, objects.vectors[np.isin(objects.owner, [3, 7])])
    (tmp_path / "q.txt").write_text("00007.png\nnobody.png\n")
    with pytest.raises(UserError, match=r"1 of its 2 names .* nobody\.png"):
        read(query=query)
    with pytest.raises(UserError, match="could not be read"):
        read(query={"names": str(tmp_path / "none.txt")})


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_a_query_is_a_file_that_embed_wrote(tmp_path: Path, suffix: str) -> None:
    query = points(3, seed=8)
    write(tmp_path / f"q{suffix}", pd.DataFrame({"id": ["a", "b", "c"], "view": ["x"] * 3}), query, {})
    assert np.allclose(read(query={"vectors": str(tmp_path / f"q{suffix}")}).query, query, atol=1e-6)


def test_a_query_in_lightlys_form_is_scaled_as_the_candidates_are(tmp_path: Path) -> None:
    query = 7 * points(3, seed=8)
    frame = pd.DataFrame({"filenames": list("abc"), **{f"embedding_{i}": query[:, i] for i in range(5)}, "labels": 0})
    frame.to_csv(tmp_path / "q.csv", index=False)
    given = {"vectors": str(tmp_path / "q.csv")}
    assert np.allclose(read(query=given).query, query / 7, atol=1e-6)
    assert np.allclose(read(candidates(3 * VECTORS), query=given).query, query, atol=1e-6)


def test_files_that_cannot_be_a_query(tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", points(3, dim=4))
    with pytest.raises(UserError, match=r"3x4.*5 numbers"):
        read(query={"vectors": str(tmp_path / "q.npy")})
    np.save(tmp_path / "q.npy", np.full((1, 5), np.nan))
    with pytest.raises(UserError, match="not finite"):
        read(query={"vectors": str(tmp_path / "q.npy")})
    np.save(tmp_path / "o.npy", np.asarray([{}]), allow_pickle=True)
    (tmp_path / "q.csv").write_text("a,b\n1,2\n")
    for name, said in (("q.csv", "no column vector"), ("o.npy", "could not be read"), ("none.npy", "could not be read"), ("q.txt", "end in")):
        with pytest.raises(UserError, match=said):
            read(query={"vectors": str(tmp_path / name)})
    for wrong in ({"query": {}}, {"query": {"names": "a", "vectors": "b"}}, {"tag_name": "a"}, {"dataset_id": "a", "query": {"names": "b"}}):
        with pytest.raises(UserError):
            read(**wrong)


def test_a_query_is_what_an_earlier_selection_chose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path))
    for number, (name, dataset, state) in enumerate(
        [("first", "mine", "done"), ("second", "mine", "done"), ("third", "mine", "failed"), ("fourth", "other", "done")]
    ):
        folder = tmp_path / name
        folder.mkdir()
        facts = {"verb": "select", "dataset": dataset, "state": state, "name": name, "id": f"id-{number}", "started": f"2026-01-0{number + 1}"}
        (folder / "run.json").write_text(json.dumps(facts))
        ids = [f"{i:016x}" for i in range(6)]
        write(folder / "vectors.npy", pd.DataFrame({"id": ids}), points(6, seed=number), {})
        pd.DataFrame({"id": [ids[4], ids[1]]}).to_parquet(folder / "selection.parquet")
    assert np.allclose(read(dataset_id="mine").query, points(6, seed=1)[[1, 4]])
    assert np.allclose(read(dataset_id="mine", tag_name="first").query, points(6)[[1, 4]])
    assert np.allclose(read(dataset_id="mine", tag_name="id-0").query, points(6)[[1, 4]])
    with pytest.raises(UserError, match=r"third of the data set mine.*second, first"):
        read(dataset_id="mine", tag_name="third")
    (tmp_path / "second" / "vectors.npy").unlink()
    with pytest.raises(UserError, match="holds no vectors"):
        read(dataset_id="mine")


def test_similarity_to_named_images_by_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("00005.png\n")
    entry = {"input": {"type": "EMBEDDINGS", "query": {"names": str(tmp_path / "q.txt")}}, "strategy": {"type": "SIMILARITY"}}
    config = check(SelectionConfig, {"n_samples": 3, "strategies": [entry]}, "selection_config")
    of = candidates(VECTORS, chosen=[5])
    rows = choose(of, built(config, of), 3).rows
    assert rows.tolist() == np.argsort(np.linalg.norm(VECTORS - VECTORS[5], axis=1), kind="stable")[1:4].tolist()


def test_the_original_s_query_through_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    data, network = folder(tmp_path / "images", 12), encoder(tmp_path / "encoder")
    first = job(data, network, n=2, dataset="mine", name="liked")
    selection = {"nSamples": 4, "strategies": [{"input": {"type": "EMBEDDINGS", "datasetId": "mine", "tagName": "liked"}, "strategy": {"type": "SIMILARITY"}}]}
    second = job(data, network, n=None, selection_config=selection)
    assert set(second.names[:2]) == set(first.names)
    (why,) = json.loads(second.table["reasons"].iloc[1]).values()
    assert why == {"similarity": pytest.approx(1, abs=1e-5), "distance to the query": pytest.approx(0, abs=1e-6)}
