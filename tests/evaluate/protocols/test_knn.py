from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.evaluate.made import Drawn
from vesalius.evaluate.protocols import knn
from vesalius.evaluate.protocols.knn import Config
from vesalius.measures import metrics


def slow(pair, name, k, temperature=0.07):
    """DINOv2's vote, image by image: softmax over the neighbours, their classes or labels counted."""
    base, query = (torch.nn.functional.normalize(pair.features(part).double(), dim=1).numpy() for part in ("train", name))
    labels, answers = pair.split("train").labels.numpy(), []
    for q in query:
        cosine = base @ q
        near = np.argsort(-cosine)[:k]
        weight = np.exp(cosine[near] / temperature)
        own = labels[near] if labels.ndim == 2 else np.eye(pair.classes)[labels[near].astype(int)]
        known = ~np.isnan(own)
        answers.append((weight[:, None] * np.nan_to_num(own)).sum(0) / (weight[:, None] * known).sum(0))
    return torch.from_numpy(np.array(answers))


@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel"])
def test_equals_the_slow_vote_of_the_number_that_validation_chose(kind):
    pair = Drawn(kind, classes=2 if kind == "binary" else 3)
    found = knn.measure(Config(k=(3, 11, 25)), pair)
    scores = {k: float(metrics.measure(pair.task.metric, pair.kind, pair.split("val").labels, slow(pair, "val", k))[0]) for k in (3, 11, 25)}
    assert found.facts["k"] == max(scores, key=lambda k: (scores[k], -k))
    torch.testing.assert_close(found.answers[0].double(), slow(pair, "test", found.facts["k"]), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.choosing[0].double(), slow(pair, "val", found.facts["k"]), atol=1e-4, rtol=0)


def test_no_more_vote_than_the_rarest_class_has_images():
    pair = Drawn(counts=(30, 30, 30))
    assert knn.measure(Config(), pair).facts["tried"] == [1, 5, 10]
    assert knn.measure(Config(), Drawn("multilabel", counts=(30, 30, 30))).facts["tried"] == [1, 5, 11, 20, 30]
