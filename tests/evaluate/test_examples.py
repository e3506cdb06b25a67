from __future__ import annotations

import numpy as np
import pytest
import torch

from vesalius.evaluate.examples import examples
from vesalius.evaluate.labelled import Labelled


def made(items: int = 40, queries: int = 9, kind: str = "classes"):
    generator = torch.Generator().manual_seed(0)
    labels = (torch.arange(120) % 3).float()
    vectors = torch.randn(120, 8, generator=generator) + 4 * torch.nn.functional.one_hot(labels.long(), 8)
    shares = (2 * torch.nn.functional.one_hot(labels.long(), 3) + torch.randn(120, 3, generator=generator)).softmax(1)
    rows = torch.arange(120) * 2  # every second sample of the split has a label
    test = Labelled(rows, labels, np.arange(120), np.array([f"p{i}" for i in range(120)], dtype=object))
    encoders = {"pretrained": vectors, "random init": torch.randn(120, 5, generator=generator)}
    ids = np.arange(120, dtype=np.uint64) + 2**63
    content, shown = examples(test, vectors, encoders, shares, kind, ids=ids, items=items, queries=queries, seed=0)
    return content, shown, labels, shares, vectors


def test_items_say_what_is_known_of_their_rows():
    content, rows, labels, shares, _ = made()
    assert len(content["items"]) == len(rows) == 40
    for item, row in zip(content["items"], rows):
        sample = int(row) // 2
        assert item["id"] == f"{sample + 2**63:016x}"
        assert item["label"] == int(labels[sample])
        assert item["subject"] == f"p{sample}"
        assert item["prediction"] == int(shares[sample].argmax())
        assert item["confidence"] == pytest.approx(float(shares[sample].max()), abs=1e-4)
        assert all(0 <= v <= 1 for v in item["xy"])


def test_mistakes_are_wrong_and_the_surest_lead():
    content, _, labels, shares, _ = made(items=120)
    wrong = shares.argmax(1) != labels
    assert len(content["mistakes"]) == min(40, int(wrong.sum())) > 3
    confidences = [m["confidence"] for m in content["mistakes"]]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] == pytest.approx(float(shares.max(1).values[wrong].max()), abs=1e-4)
    for m in content["mistakes"]:
        item = content["items"][m["item"]]
        assert (item["label"], item["prediction"]) == (m["label"], m["prediction"])
        assert m["label"] != m["prediction"]


def test_neighbours_are_the_nearest_items_and_never_the_query():
    content, rows, _, _, vectors = made()
    among = torch.nn.functional.normalize(vectors[torch.from_numpy(rows) // 2], dim=1)
    for one in content["neighbours"]:
        cosine = among @ among[one["query"]]
        cosine[one["query"]] = -2
        assert one["pretrained"] == cosine.argsort(descending=True)[:6].tolist()
        assert len(one["random init"]) == 6
        assert one["query"] not in one["random init"]


def test_queries_take_turns_among_classes():
    content, *_ = made()
    asked = [content["items"][one["query"]]["label"] for one in content["neighbours"]]
    assert [asked.count(c) for c in range(3)] == [3, 3, 3]
