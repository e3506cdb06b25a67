from __future__ import annotations

import pytest
import torch

from tests.evaluate.made import Drawn
from vesalius.errors import UserError
from vesalius.evaluate.protocols import attentive_probe
from vesalius.measures import metrics

QUICK = attentive_probe.Config(epochs=8, batch=64, rates=(1e-4, 1e-2), queries=2)


@pytest.mark.parametrize(("kind", "classes"), [("classes", 3), ("multilabel", 2)])
def test_the_rate_that_validation_chooses_answers_for_each_seed(kind, classes):
    pair = Drawn(kind, classes, apart=4)
    found = attentive_probe.measure(QUICK, pair)
    assert found.answers.shape == (5, 90, classes)
    assert found.choosing.shape == (5, 60, classes)
    score = float(metrics.measure("roc_auc", pair.kind, pair.split("test").labels, found.answers[0])[0])
    assert score > 0.8
    assert found.facts["tokens"] == 9
    assert set(found.facts["rate_of_repeats"]) <= set(QUICK.rates)
    assert found.facts["steps"] == 200
    again = attentive_probe.measure(QUICK, pair)
    assert torch.equal(found.answers, again.answers)
    assert not torch.equal(found.answers[0], found.answers[1])


def test_maps_that_are_not_finite_and_one_class_are_one_paragraph():
    pair = Drawn()
    pair._maps["val"][0, 0, 0, 0] = torch.inf
    with pytest.raises(UserError, match="val feature maps of drawn on clouds are not all finite"):
        attentive_probe.measure(QUICK, pair)
    single = Drawn()
    single.split("train").labels.zero_()
    with pytest.raises(UserError, match="of one class"):
        attentive_probe.measure(QUICK, single)
