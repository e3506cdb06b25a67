from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.select.lightly_tree import metadata
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.recipes.checking import check
from vesalius.select.candidates import Candidates
from vesalius.select.inputs import metadata as module
from vesalius.select.values import Classes, Numbers

NAMES = ["a.png", "b.png", "c.png"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "images"
    root.mkdir()
    for number, name in enumerate(NAMES):
        Image.fromarray(np.full((6, 4 + number, 3), 51 * (1 + number), np.uint8)).save(root / name)
    return root


def read(key, root, table=None, **rest):
    frame = None if table is None else table.frame
    candidates = Candidates.of(NAMES, root=str(root), frame=frame, table=table, **rest)
    return module.read(check(module.Config, {"key": key}), candidates)


@pytest.mark.parametrize("with_table", [False, True])
def test_computed_ones_in_either_spelling(folder, with_table):
    table = SampleTable.of("folder", folder, NAMES) if with_table else None
    for key, expected in (
        ("lightly.width", [4, 5, 6]),
        ("lightly.meanRed", [0.2, 0.4, 0.6]),
        ("lightly.mean_red", [0.2, 0.4, 0.6]),
        ("lightly.sizeInBytes", [(folder / name).stat().st_size for name in NAMES]),
    ):
        found = read(key, folder, table)
        assert isinstance(found, Numbers)
        np.testing.assert_allclose(found.values, expected, rtol=1e-5)


def test_members_of_a_pool_whose_files_are_gone_are_unknown(folder):
    table = SampleTable.of("folder", folder, NAMES)
    frame = table.subset([2, 0]).frame
    gone = frame.set_index("id").reindex(table.ids).reset_index()
    candidates = Candidates.of(NAMES, root=str(folder), frame=gone, table=table.subset([2, 0]))
    np.testing.assert_array_equal(module.read(module.Config(key="lightly.width"), candidates).values, [4, np.nan, 6])


def test_files_that_cannot_be_read_are_unknown_and_named(folder, capsys):
    (folder / "b.png").write_bytes(b"no image")
    from vesalius.terminal import Terminal

    found = read("lightly.sharpness", folder, terminal=Terminal())
    assert np.isnan(found.values).tolist() == [False, True, False]
    assert "b.png: " in capsys.readouterr().err


def test_what_a_schema_says_by_path_or_name(folder):
    schema = [
        {"name": "Scene", "path": "where.scene", "defaultValue": None, "valueDataType": "CATEGORICAL_STRING"},
        {"name": "Speed", "path": "speed", "defaultValue": 3, "valueDataType": "NUMERIC_INT"},
    ]
    metadata(folder, schema, {"a.png": {"where": {"scene": "town"}, "speed": 9}, "c.png": {"where": {"scene": "field"}}})
    for key in ("where.scene", "Scene"):
        found = read(key, folder)
        assert isinstance(found, Classes)
        assert list(found.names) == ["field", "town"]
        assert found.amounts.tolist() == [[0, 1], [0, 0], [1, 0]]
    assert read("speed", folder).values.tolist() == [9, 3, 3]


def test_columns_of_the_table(folder):
    columns = {
        "meta.age": [30, 41.5, np.nan], "meta.site": ["x", None, "y"], "meta.flag": [True, False, True], "meta.number": ["007", "1", None],
        "label.disease": [1, 0, np.nan], "label.size": [0.5, 1, 2], "view": ["PA", "AP", None], "score.risk": [1, 2, np.nan],
    }  # fmt: skip
    table = SampleTable.of("t", folder, NAMES, columns, class_names={"disease": ["no", "yes", "never"]})
    np.testing.assert_array_equal(read("age", folder, table).values, [30, 41.5, np.nan])
    np.testing.assert_array_equal(read("meta.age", folder, table).values, [30, 41.5, np.nan])
    np.testing.assert_array_equal(read("number", folder, table).values, [7, 1, np.nan])
    np.testing.assert_array_equal(read("size", folder, table).values, [0.5, 1, 2])
    np.testing.assert_array_equal(read("risk", folder, table).values, [1, 2, np.nan])
    for key, names, amounts in (
        ("site", ["x", "y"], [[1, 0], [0, 0], [0, 1]]),
        ("flag", ["false", "true"], [[0, 1], [1, 0], [0, 1]]),
        ("view", ["AP", "PA"], [[0, 1], [1, 0], [0, 0]]),
        ("disease", ["no", "yes", "never"], [[0, 1, 0], [1, 0, 0], [0, 0, 0]]),
    ):
        found = read(key, folder, table)
        assert isinstance(found, Classes)
        assert (list(found.names), found.amounts.tolist()) == (names, amounts)


def test_whose_an_image_is_can_not_be_selected_by(folder):
    table = SampleTable.of("t", folder, NAMES, {"subject": ["Ann", "Ben", "Ann"]})
    with pytest.raises(UserError, match="no metadata 'subject'"):
        read("subject", folder, table)


def test_unknown_keys_get_the_nearest(folder):
    table = SampleTable.of("t", folder, NAMES, {"meta.weather": ["x", "y", "z"]})
    for key, near in (("lightly.sharpnes", "lightly.sharpness"), ("lightly.meanGren", "lightly.mean_green"), ("meta.wether", "meta.weather")):
        with pytest.raises(UserError, match=f"Did you mean {near}"):
            read(key, folder, table)


def test_too_many_classes_are_refused(tmp_path):
    names = [f"{i:03}.png" for i in range(300)]
    frame = pd.DataFrame({"meta.id": [f"x{i}" for i in range(300)]})
    with pytest.raises(UserError, match="300 different values"):
        module.read(module.Config(key="id"), Candidates.of(names, root=str(tmp_path), frame=frame))
