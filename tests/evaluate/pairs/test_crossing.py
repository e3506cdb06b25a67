from __future__ import annotations

import pytest
import torch

from tests.evaluate.made import Drawn
from vesalius.data.sources import montgomerycxr, shenzhencxr
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError
from vesalius.evaluate.pairs.crossing import Crossed, matched, renumbered


def test_classes_are_the_same_by_name_whatever_their_order():
    one, other = classification("tb", "x", ["normal", "Tuberculosis"]), classification("sick", "y", ["tuberculosis", "Normal"])
    assert matched(one, one, "A to A", {}) == (0, 1)
    assert matched(one, other, "A to B", {}) == (1, 0)
    third = classification("sick", "y", ["healthy", "TB"])
    assert matched(one, third, "A to C", {"healthy": "normal", "tb": "tuberculosis"}) == (0, 1)


@pytest.mark.parametrize(
    "other",
    [
        classification("sick", "y", ["normal", "pneumonia"]),
        classification("sick", "y", ["normal", "tuberculosis", "else"]),
        TaskSpec("sick", "multilabel", ("normal", "tuberculosis"), ("normal", "tuberculosis")),
    ],
)
def test_other_classes_are_one_clear_paragraph(other):
    one = classification("tb", "x", ["normal", "tuberculosis"])
    with pytest.raises(UserError, match=r"A to B: the classes are not the same: normal, tuberculosis \(binary\) there, normal, .* --transfer.names"):
        matched(one, other, "A to B", {})


def test_a_yes_is_a_yes_to_the_same_question_only():
    one, other = classification("tb", "tuberculosis", ["no", "yes"]), classification("amd", "AMD", ["no", "yes"])
    assert matched(one, one, "A to B", {}) == (0, 1)
    with pytest.raises(UserError, match=r"A to B: no, yes of tuberculosis there, and of AMD here: .* the same question"):
        matched(one, other, "A to B", {})
    assert matched(one, other, "A to B", {"amd": "tuberculosis"}) == (0, 1)
    for module in (montgomerycxr, shenzhencxr):
        assert matched(module.TASKS["tuberculosis"], one, "A to B", {}) == (0, 1)


def test_two_classes_cannot_become_one():
    one = classification("tb", "x", ["a", "b"])
    with pytest.raises(UserError, match="not the same"):
        matched(one, one, "A to B", {"b": "a"})


def test_labels_are_renumbered():
    labels = torch.tensor([0.0, 2.0, 1.0])
    assert renumbered(labels, (2, 0, 1), False).tolist() == [2, 1, 0]
    assert renumbered(torch.tensor([0.0, 1.0, 0.25]), (1, 0), False).tolist() == [1, 0, 0.75]
    several = torch.tensor([[1.0, 0.0, torch.nan]])
    assert renumbered(several, (1, 2, 0), True)[0, 1:].tolist() == [1, 0]
    assert bool(renumbered(several, (1, 2, 0), True)[0, 0].isnan())
    assert renumbered(labels, (0, 1, 2), False) is labels


def test_what_is_learnt_from_is_the_sources_and_what_is_asked_the_targets():
    source, target = Drawn(seed=1), Drawn(seed=2)
    source.dataset, target.dataset = "north", "south"
    both = Crossed(source, target, (1, 2, 0))
    both.task = target.task
    assert both.dataset == "north-to-south"
    assert torch.equal(both.features("train"), source.features("train"))
    assert torch.equal(both.features("test"), target.features("test"))
    assert torch.equal(both.split("val").labels, (source.split("val").labels + 1) % 3)
    assert both.split("test") is target.split("test")
