"""PREDICTIONS and SCORES of a folder .lightly/predictions, and of tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.select.lightly_tree import predictions
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.measures import uncertainty
from vesalius.recipes.checking import check
from vesalius.registry import entry
from vesalius.select.candidates import Candidates
from vesalius.select.values import Classes, Numbers

NAMES = ["a.png", "b.png", "sub/c.png"]
BOX = [0, 0, 4, 4]


def read(kind, fields, root, names=NAMES, **rest):
    module = entry("inputs", kind)
    return module.read(check(module.Config, fields), Candidates.of(names, root=str(root), **rest))


@pytest.fixture
def cells(tmp_path):
    files = {
        "a.png": [
            {"category_id": 0, "bbox": BOX, "score": 0.9, "probabilities": [0.6, 0.4]},
            {"category_id": 0, "bbox": BOX, "score": 0.5, "probabilities": [0.9, 0.1]},
            {"category_id": 5, "bbox": BOX, "score": 0.7},
        ],
        "sub/c.png": [],
    }
    predictions(tmp_path, "cells", "object-detection", {0: "red", 5: "white"}, files)
    predictions(tmp_path, "weather", "classification", {0: "sunny", 1: "rainy"}, {
        "a.png": [{"category_id": 0, "probabilities": [0.7, 0.3]}], "b.png": [{"category_id": 1}], "sub/c.png": []})  # fmt: skip
    ground = [
        {"category_id": 0, "segmentation": [2, 6], "probabilities": [0.5, 0.5]},
        {"category_id": 1, "segmentation": [0, 2, 6], "probabilities": [1, 0]},
    ]
    predictions(tmp_path, "ground", "semantic-segmentation", {0: "road", 1: "grass"}, {"a.png": ground})
    return tmp_path


def test_classes_of_objects_are_counted(cells):
    found = read("predictions", {"task": "cells"}, cells)
    assert isinstance(found, Classes)
    assert list(found.names) == ["red", "white"]
    assert found.amounts.tolist() == [[2, 1], [0, 0], [0, 0]]
    assert read("predictions", {"task": "cells", "categories": ["white"]}, cells).amounts.tolist() == [[1], [0], [0]]


def test_counts_of_categories_are_numbers_and_unknown_without_a_file(cells):
    found = read("predictions", {"task": "cells", "name": "CATEGORY_COUNT", "categories": ["red"]}, cells)
    assert isinstance(found, Numbers)
    np.testing.assert_array_equal(found.values, [2, np.nan, 0])
    np.testing.assert_array_equal(read("predictions", {"task": "cells", "name": "CATEGORY_COUNT"}, cells).values, [3, np.nan, 0])


def test_classes_of_a_classification_are_its_probabilities_or_a_one(cells):
    assert read("predictions", {"task": "weather"}, cells).amounts.tolist() == [[0.7, 0.3], [0, 1], [0, 0]]


def test_classes_of_a_segmentation_are_shares_of_pixels(cells):
    assert read("predictions", {"task": "ground"}, cells).amounts.tolist() == [[0.75, 0.25], [0, 0], [0, 0]]


def test_unknown_categories_and_counts_of_what_is_no_object_are_refused(cells):
    with pytest.raises(UserError, match=r"no category 'rad'\. Did you mean red"):
        read("predictions", {"task": "cells", "categories": ["rad"]}, cells)
    with pytest.raises(UserError, match="CATEGORY_COUNT counts objects"):
        read("predictions", {"task": "weather", "name": "CATEGORY_COUNT"}, cells)
    with pytest.raises(UserError, match="name is 'COUNTS'"):
        read("predictions", {"task": "weather", "name": "COUNTS"}, cells)


@pytest.mark.parametrize("score", uncertainty.MEASURES)
def test_uncertainty_of_each_kind_of_task(cells, score):
    measure = uncertainty.MEASURES[score]
    np.testing.assert_allclose(read("scores", {"task": "weather", "score": score}, cells).values, [measure(np.asarray([[0.7, 0.3]]))[0], np.nan, np.nan])
    objects = measure(np.asarray([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3]])).max()
    np.testing.assert_allclose(read("scores", {"task": "cells", "score": score}, cells).values, [objects, np.nan, 0])
    np.testing.assert_allclose(read("scores", {"task": "ground", "score": score}, cells).values, [6 / 8, np.nan, np.nan])


def test_scores_of_objects(cells):
    found = read("scores", {"task": "cells", "score": "objectness_least_confidence"}, cells)
    np.testing.assert_allclose(found.values, [1 - 0.7, np.nan, 0])
    np.testing.assert_allclose(read("scores", {"task": "cells", "score": "object_frequency"}, cells).values, [1, np.nan, 0.9])
    with pytest.raises(UserError, match="is of objects"):
        read("scores", {"task": "weather", "score": "object_frequency"}, cells)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("by", ["id", "uri"])
def test_scores_of_a_table_of_predictions(tmp_path, suffix, by):
    table = SampleTable.of("folder", tmp_path, NAMES)
    frame = pd.DataFrame({"id": [f"{int(i):016x}" for i in table.ids], "uri": NAMES, "prob_yes": [0.9, 0.5, 0.6], "prob_no": [0.1, 0.5, 0.4]}).iloc[[2, 0]]
    if by == "uri":
        frame["id"] = ["0" * 16, "1" * 16]
    file = tmp_path / f"answers{suffix}"
    frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file)
    found = read("scores", {"predictions": str(file), "score": "uncertainty_margin"}, tmp_path, frame=table.frame)
    np.testing.assert_allclose(found.values, [0.2, np.nan, 0.8])


def test_labels_that_may_all_be_true_count_by_the_least_sure(tmp_path):
    file = tmp_path / "answers.csv"
    pd.DataFrame({"uri": NAMES, "prob_a": [0.9, 0.5, 1], "prob_b": [0.6, 0.99, 1]}).to_csv(file, index=False)
    np.testing.assert_allclose(read("scores", {"predictions": str(file), "score": "uncertainty_least_confidence"}, tmp_path).values, [0.8, 1, 0])


def test_scores_of_the_table_of_images(tmp_path):
    frame = SampleTable.of("folder", tmp_path, NAMES, {"score.risk": [1.0, np.nan, 3.0]}).frame
    np.testing.assert_array_equal(read("scores", {"score": "risk"}, tmp_path, frame=frame).values, [1, np.nan, 3])
    with pytest.raises(UserError, match=r"no score 'rik'\. Did you mean risk"):
        read("scores", {"score": "rik"}, tmp_path, frame=frame)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"task": "cells", "score": "uncertainty_entropie"}, "Did you mean uncertainty_entropy"),
        ({"task": "cells", "predictions": "x.csv", "score": "uncertainty_entropy"}, "both given"),
        ({"predictions": "x.csv", "score": "object_frequency"}, "is of objects"),
        ({"predictions": "nowhere.csv", "score": "uncertainty_entropy"}, "nowhere.csv could not be read"),
        ({"task": "ground", "score": "object_frequency", "strength": 1}, "no field 'strength'"),
    ],
)
def test_scores_that_cannot_be_are_refused(cells, fields, said):
    with pytest.raises(UserError, match=said):
        read("scores", fields, cells)


def test_a_task_that_says_nothing_of_these_images_is_refused(cells):
    with pytest.raises(UserError, match="says nothing of any of the 2 images"):
        read("scores", {"task": "cells", "score": "uncertainty_entropy"}, cells, names=["x.png", "y.png"])


def test_predictions_are_read_once_for_several_objectives(cells, monkeypatch):
    from vesalius.select import said_of

    read_, count = said_of.read, []
    monkeypatch.setattr(said_of, "read", lambda *words: (count.append(words), read_(*words))[1])
    candidates = Candidates.of(NAMES, root=str(cells))
    for kind, fields in (("predictions", {"task": "cells"}), ("scores", {"task": "cells", "score": "object_frequency"}), ("predictions", {"task": "weather"})):
        module = entry("inputs", kind)
        module.read(check(module.Config, fields), candidates)
    assert [words[1] for words in count] == ["cells", "weather"]
