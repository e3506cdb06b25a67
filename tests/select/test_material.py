"""What is chosen from, put together."""

# Proves select.embedding too: see mirrors.yaml.

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.select.candidates import Objects
from vesalius.select.config import SelectConfig, configured
from vesalius.select.embedded import Embedded
from vesalius.select.growing import Joined
from vesalius.select.material import candidates_of, own_embeddings
from vesalius.select.pool import Pool
from vesalius.terminal import Terminal

NAMES = ["b.png", "c.png", "d.png"]
QUIET = Terminal(quiet=True)


def _pool() -> Pool:
    return Pool(SampleTable.of("x", "/r", NAMES, {"meta.kind": ["u", "v", "w"]}), np.asarray(NAMES))


def _config(**fields: Any) -> SelectConfig:
    return configured(data="x", n=1, **fields)[0]


class _Grown:
    """A round whose one member, named first of all, has vanished."""

    def joined(self, names: Any, ids: Any, vectors: Any, maker: str) -> Joined:
        extra = np.asarray([[9.0, 9.0]], np.float32)
        return Joined(np.concatenate([["a"], names]), np.concatenate([[np.uint64(5)], ids]), np.concatenate([extra, vectors]), np.asarray([0]))


def test_objects_stay_with_their_images_where_members_stand_before_them() -> None:
    objects = {"cells": Objects(np.eye(3, 2), np.asarray([0, 2, 2]))}
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    grown: Any = _Grown()
    made = candidates_of(Embedded(_pool(), vectors, objects, selected=np.asarray([1])), _config(), grown, "m", QUIET)
    assert made.names.tolist() == ["a", *NAMES]
    assert made.objects["cells"].owner.tolist() == [1, 3, 3]
    assert made.chosen.tolist() == [0, 2]
    assert made.frame is not None
    assert made.frame["meta.kind"].tolist()[1:] == ["u", "v", "w"]
    assert pd.isna(made.frame["meta.kind"].iloc[0])
    assert made.frame["id"].iloc[0] == 5


def test_lists_and_marks_count_as_chosen(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("d.png\n")
    made = candidates_of(Embedded(_pool(), selected=np.asarray([0])), _config(preselected=str(tmp_path / "list.txt")), None, "none", QUIET)
    assert made.chosen.tolist() == [0, 2]
    assert made.vectors is None


def test_vectors_that_tell_nothing_apart_are_refused() -> None:
    with pytest.raises(UserError, match="the same"):
        candidates_of(Embedded(_pool(), np.ones((3, 2), np.float32)), _config(), None, "file", QUIET)


def test_own_embeddings_are_normalised_unless_it_is_said_otherwise_and_masked_ones_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    file.write_text("filenames,embedding_0,embedding_1,labels,masked,selected\nb.png,3,4,0,0,0\nc.png,1,0,0,1,0\nd.png,0,2,0,0,1\n")
    for normalise, first in ((True, [0.6, 0.8]), (False, [3.0, 4.0])):
        found = own_embeddings(_config(embeddings=str(file), normalise=normalise), _pool())
        assert found.pool.names.tolist() == ["b.png", "d.png"]
        assert found.vectors is not None
        assert np.allclose(found.vectors[0], first)
        assert found.selected.tolist() == [1]


def test_they_are_found_where_the_original_looks(tmp_path: Path) -> None:
    place = tmp_path / ".lightly" / "embeddings"
    place.mkdir(parents=True)
    (place / "mine.csv").write_text("filenames,embedding_0,labels\nb.png,1,0\nc.png,2,0\nd.png,3,0\n")
    pool = Pool(SampleTable.of("x", tmp_path, NAMES), np.asarray(NAMES))
    config: Any = SimpleNamespace(embeddings="mine.csv", normalise=False)
    assert np.ravel(own_embeddings(config, pool).vectors).tolist() == [1.0, 2.0, 3.0]
