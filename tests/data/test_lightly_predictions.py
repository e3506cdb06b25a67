from __future__ import annotations

import json

import numpy as np
import pytest

from tests.select.lightly_tree import predictions
from vesalius.data.lightly_predictions import decoded, read, tasks
from vesalius.errors import UserError

NAMES = ["a.png", "sub/b.jpg", "sub/c.jpg"]


def test_no_folder_means_no_tasks_and_reading_one_says_where_it_would_lie(tmp_path):
    assert tasks(tmp_path) == []
    with pytest.raises(UserError, match=r"no predictions: .*tasks\.json"):
        read(tmp_path, "x", NAMES)


def test_objects_of_each_image_in_order(tmp_path):
    predictions(
        tmp_path,
        "cells",
        "object-detection",
        {7: "red", 3: "white"},
        {
            "a.png": [{"category_id": 3, "bbox": [1, 2, 30, 40], "score": 0.5, "probabilities": [0.2, 0.8]}, {"category_id": 7, "bbox": [0, 0, 5, 5]}],
            "sub/c.jpg": [],
        },
    )
    found = read(tmp_path, "cells", NAMES)
    assert (found.kind, list(found.categories), len(found)) == ("object-detection", ["red", "white"], 2)
    assert found.known.tolist() == [True, False, True]
    assert found.owner.tolist() == [0, 0]
    assert found.category.tolist() == [1, 0]
    assert found.bounds.tolist() == [0, 2, 2, 2]
    np.testing.assert_array_equal(found.score, [0.5, np.nan])
    np.testing.assert_array_equal(found.box, [[1, 2, 30, 40], [0, 0, 5, 5]])
    np.testing.assert_array_equal(found.probabilities, [[0.2, 0.8], [np.nan, np.nan]])


def test_rows_are_those_of_the_names_asked_for(tmp_path):
    predictions(tmp_path, "t", "classification", {0: "x", 1: "y"}, {n: [{"category_id": i % 2}] for i, n in enumerate(NAMES)})
    assert read(tmp_path, "t", NAMES[::-1]).category.tolist() == [0, 1, 0]
    assert read(tmp_path, "t", [*NAMES, "d.png"]).known.tolist() == [True, True, True, False]


def test_segmentations_are_runs_row_by_row_beginning_with_zeros(tmp_path):
    mask = np.array([[0, 0, 1], [1, 0, 1]], bool)
    predictions(tmp_path, "s", "semantic-segmentation", {0: "x"}, {"a.png": [{"category_id": 0, "segmentation": [2, 2, 1, 1], "score": 1}]})
    found = read(tmp_path, "s", ["a.png"])
    np.testing.assert_array_equal(decoded(found.runs[0], 3, 2), mask)
    with pytest.raises(ValueError, match="6 pixels"):
        decoded(found.runs[0], 4, 2)


def test_keypoints_without_a_box_get_the_one_around_those_seen(tmp_path):
    points = [10, 20, 1, 40, 25, 0.5, 900, 900, 0]
    predictions(tmp_path, "k", "keypoint-detection", {0: "x"}, {"a.png": [{"category_id": 0, "keypoints": points, "score": 0.5}]})
    found = read(tmp_path, "k", ["a.png"])
    assert found.box.tolist() == [[10, 20, 30, 5]]
    assert list(found.keypoints[0]) == points


def test_files_of_images_that_differ_by_their_suffix_belong_to_the_one_they_name(tmp_path):
    predictions(tmp_path, "t", "classification", {0: "x"}, {"a.png": [{"category_id": 0}]})
    assert read(tmp_path, "t", ["a.jpg", "a.png"]).known.tolist() == [False, True]
    assert read(tmp_path, "t", ["a.jpg"]).known.tolist() == [True], "named alone it is the image's file whatever it calls it"


@pytest.mark.parametrize(
    ("kind", "found", "said"),
    [
        ("classification", "{", "no JSON at line 1"),
        ("classification", "[]", "not a mapping"),
        ("classification", '{"predictions": 3}', "not a list"),
        ("classification", [{"category_id": 9}], "category_id 9 is not in schema"),
        ("classification", [{"category_id": True}], "category_id True"),
        ("classification", [{"category_id": 0}] * 2, "a classification has one"),
        ("classification", [{"category_id": 0, "probabilities": [1.0]}], "probabilities must be 2 numbers"),
        ("classification", [{"category_id": 0, "probabilities": [0.9, 0.9]}], "add up to 1"),
        ("classification", '{"predictions": [{"category_id": 0, "probabilities": [NaN, 1]}]}', "not a list of numbers"),
        ("object-detection", [{"category_id": 0}], "no bbox"),
        ("object-detection", [{"category_id": 0, "bbox": [1, 2, 3]}], "a bbox must be"),
        ("object-detection", [{"category_id": 0, "bbox": [1, 2, 3, 4], "score": 7}], "score 7"),
        ("instance-segmentation", [{"category_id": 0, "segmentation": [1, -2]}], "lengths of runs"),
        ("keypoint-detection", [{"category_id": 0, "keypoints": [1, 2]}], "x, y, visibility"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, kind, found, said):
    predictions(tmp_path, "t", kind, {0: "x", 1: "y"}, {"sub/b.jpg": found})
    with pytest.raises(UserError) as refused:
        read(tmp_path, "t", NAMES)
    assert "sub/b.json: " in str(refused.value)
    assert said in str(refused.value)


def test_many_broken_files_are_counted_and_the_first_named(tmp_path):
    names = [f"{i}.png" for i in range(8)]
    predictions(tmp_path, "t", "classification", {0: "x"}, dict.fromkeys(names, "no"))
    with pytest.raises(UserError, match=r"8 files of predictions of t .*0\.json.*; and 3 more"):
        read(tmp_path, "t", names)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"task_type": "detection", "categories": [{"id": 0, "name": "x"}]}, "task_type is 'detection'"),
        ({"task_type": "classification", "categories": []}, "list of {id, name}"),
        ({"task_type": "classification", "categories": [{"id": "0", "name": "x"}]}, "whole numbers"),
        ({"task_type": "classification", "categories": [{"id": 0, "name": "x"}, {"id": 0, "name": "y"}]}, "same id"),
        ([], "task_type is None"),
    ],
)
def test_a_schema_that_is_not_usable_is_refused(tmp_path, schema, said):
    folder = predictions(tmp_path, "t", "classification", {0: "x"}, {})
    (folder / "t" / "schema.json").write_text(json.dumps(schema))
    with pytest.raises(UserError, match=said):
        read(tmp_path, "t", NAMES)


def test_a_task_that_is_not_listed_gets_the_nearest(tmp_path):
    predictions(tmp_path, "detection", "classification", {0: "x"}, {})
    with pytest.raises(UserError, match=r"no task 'detektion'\. Did you mean detection"):
        read(tmp_path, "detektion", NAMES)


def test_frames_and_boxes_are_of_their_files_image(tmp_path):
    predictions(tmp_path, "t", "classification", {0: "x"}, {"a.tif": [{"category_id": 0}], "b#1.png": [{"category_id": 0}]})
    assert read(tmp_path, "t", ["a.tif#0", "a.tif#1#2,3,4.5,6", "b#1.png", "c.tif#0"]).known.tolist() == [True, True, True, False]
