from __future__ import annotations

import json

import pytest

from tests.select.lightly_tree import metadata
from vesalius.data.lightly_metadata import schema, values
from vesalius.errors import UserError

SCHEMA = [
    {"name": "Scene", "path": "scene", "defaultValue": "unknown", "valueDataType": "CATEGORICAL_STRING"},
    {"name": "Temperature", "path": "weather.temperature", "defaultValue": None, "valueDataType": "NUMERIC_FLOAT"},
    {"name": "Gps", "path": "gps", "defaultValue": 0, "valueDataType": "NUMERIC_INT"},
    {"name": "Night", "path": "night", "defaultValue": False, "valueDataType": "CATEGORICAL_BOOLEAN"},
    {"name": "Sensor", "path": "sensor", "valueDataType": "CATEGORICAL_INT"},
]
NAMES = ["a.png", "sub/b.png", "c.png"]
FILES = {
    "a.png": {"scene": "city", "weather": {"temperature": 7}, "night": True, "sensor": 3},
    "sub/b.png": {"scene": None, "weather": {}, "gps": 4},
}


def test_no_folder_has_no_entries(tmp_path):
    assert schema(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, ["city", "unknown", "unknown"]),
        (1, [7.0, None, None]),
        (2, [0.0, 4.0, 0.0]),
        (3, ["true", "false", "false"]),
        (4, ["3", None, None]),
    ],
)
def test_values_by_path_with_defaults(tmp_path, number, expected):
    metadata(tmp_path, SCHEMA, FILES)
    assert values(tmp_path, schema(tmp_path)[number], NAMES) == expected


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("{", "no JSON"),
        ('{"file_name": "b.png"}', "metadata is not a mapping"),
        ({"weather": {"temperature": "warm"}}, "weather.temperature is 'warm', which is no number"),
        ({"weather": {"temperature": True}}, "no number"),
    ],
)
def test_broken_files_are_refused_by_name(tmp_path, found, said):
    metadata(tmp_path, SCHEMA, {"sub/b.png": found})
    with pytest.raises(UserError, match=said) as refused:
        values(tmp_path, schema(tmp_path)[1], NAMES)
    assert "sub/b.json" in str(refused.value)


@pytest.mark.parametrize("entry", [{"path": "x", "valueDataType": "TEXT"}, {"name": "x"}])
def test_a_schema_that_is_not_usable_is_refused(tmp_path, entry):
    folder = metadata(tmp_path, SCHEMA, {})
    (folder / "schema.json").write_text(json.dumps([entry]))
    with pytest.raises(UserError, match=r"schema\.json"):
        schema(tmp_path)


def test_a_default_of_another_kind_is_refused(tmp_path):
    metadata(tmp_path, [{"path": "x", "defaultValue": "none", "valueDataType": "NUMERIC_INT"}], {})
    with pytest.raises(UserError, match="the default of x cannot be used"):
        values(tmp_path, schema(tmp_path)[0], NAMES)
