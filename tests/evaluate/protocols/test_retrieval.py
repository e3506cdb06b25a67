from __future__ import annotations

import pytest
import torch

from tests.evaluate.pairs import Drawn
from vesalius.errors import UserError
from vesalius.evaluate.protocols import retrieval
from vesalius.evaluate.protocols.retrieval import Config
from vesalius.measures import bootstrap
from vesalius.measures import retrieval as measures


def test_means_over_the_queries_with_replicates_over_their_subjects():
    pair = Drawn()
    found = retrieval.measure(Config(gallery="train"), pair)
    assert next(iter(found.values)) == "map_at_10"
    test, train = pair.split("test"), pair.split("train")
    subjects = {"query_subject": torch.from_numpy(test.subject), "gallery_subject": torch.from_numpy(train.subject)}
    each = measures.measure(pair.features("test"), pair.features("train"), test.labels, train.labels, (5,), **subjects)["precision_at_5"]
    mine = found.values["precision_at_5"]
    assert mine.value == pytest.approx(float(each.mean()))
    (weights,) = bootstrap.weights(test.groups, 100, 1)
    torch.testing.assert_close(mine.replicates, (each.double() @ weights.double()) / 90)


def test_a_part_is_searched_for_itself_without_the_subject_that_is_asked():
    pair = Drawn()
    pair._vectors["test"] = pair._vectors["test"].repeat_interleave(2, 0)[:90]  # both images of a subject are the same
    honest = retrieval.measure(Config(gallery="test"), pair).values["map_at_1"].value
    pair._splits["test"].subject[:] = range(90)
    assert retrieval.measure(Config(gallery="test"), pair).values["map_at_1"].value == 1 > honest


def test_nothing_relevant_is_said():
    pair = Drawn()
    pair._splits["train"].labels[:] = 0
    pair._splits["test"].labels[:] = 1
    with pytest.raises(UserError, match="bears a label of a test image of another subject"):
        retrieval.measure(Config(gallery="train"), pair)
