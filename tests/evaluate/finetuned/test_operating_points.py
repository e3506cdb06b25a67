"""Which questions a task is asked, that thresholds come from validation alone, and that intervals go by subject."""

from __future__ import annotations

import numpy as np
import torch

from vesalius.data.sources.covid_cxr import CONTRASTS, TASKS
from vesalius.data.task import TaskSpec
from vesalius.evaluate.finetuned.operating_points import operating_points, questions
from vesalius.evaluate.labelled import Labelled
from vesalius.measures import bootstrap

BINARY = TaskSpec("finding", "binary", ("finding",), ("no", "yes"))


def answers(n: int, seed: int, shift: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy((rng.random(n) < 0.4).astype(np.float32))
    score = torch.sigmoid(torch.from_numpy(rng.normal(size=n).astype(np.float32)) + 2 * labels - 1 + shift)
    return labels, torch.stack([1 - score, score], 1)


def part_of(labels: torch.Tensor, names: np.ndarray | None = None) -> Labelled:
    rows = (~labels.isnan()).nonzero()[:, 0]
    kept = None if names is None else names[rows.numpy()]
    return Labelled(rows, labels[rows], bootstrap.groups(kept, len(rows)), kept)


def test_thresholds_are_validations_and_counts_are_tests() -> None:
    val, test = answers(400, 0), answers(300, 1, shift=0.5)
    test[0][::10] = float("nan")
    rows = operating_points(BINARY, "folder", val, test, part_of(test[0]), 0)
    assert [row["rule"] for row in rows] == ["Youden", "sensitivity 95 %"]
    again = operating_points(BINARY, "folder", val, (test[0], test[1].flip(0)), part_of(test[0]), 0)
    assert [row["threshold"] for row in again] == [row["threshold"] for row in rows]
    for row in rows:
        assert sum(row["counts"].values()) == 270 == row["n"]
        for measure in row["measures"].values():
            assert measure["low"] <= measure["value"] <= measure["high"]
    on_val = operating_points(BINARY, "folder", val, val, part_of(val[0]), 0)[1]["measures"]["sensitivity"]["value"]
    assert 0.95 <= on_val < 0.97


def test_images_of_one_person_are_drawn_together() -> None:
    labels, outputs = (part.repeat_interleave(6, 0) for part in answers(80, 2))
    alone = operating_points(BINARY, "folder", (labels, outputs), (labels, outputs), part_of(labels), 0)[0]
    people = np.repeat(np.array([f"p{i}" for i in range(80)], dtype=object), 6)
    together = operating_points(BINARY, "folder", (labels, outputs), (labels, outputs), part_of(labels, people), 0)[0]
    assert (together["n"], together["unit"], alone["unit"]) == (80, "subjects", "images")
    width = [row["measures"]["sensitivity"]["high"] - row["measures"]["sensitivity"]["low"] for row in (alone, together)]
    assert width[1] > 1.7 * width[0]


def test_the_four_grades_are_asked_the_originals_questions() -> None:
    labels = torch.tensor([0.0, 1, 2, 3, float("nan"), 0, 3])
    rows_of_four = [[0.7, 0.1, 0.1, 0.1], [0.1, 0.6, 0.2, 0.1], [0.2, 0.2, 0.1, 0.5], [0.4, 0, 0, 0.6], [0.25] * 4, [0.3, 0.3, 0.3, 0.1]]
    outputs = torch.tensor([*rows_of_four, [0.9, 0, 0, 0.1]])
    asked = {q.name: q for q in questions(TASKS["four"], "covid-cxr", labels, outputs)}
    assert list(asked) == list(CONTRASTS["four"])
    first = asked["CVX12 against CVX03"]
    assert first.asked.tolist() == [0, 1, 2, 3, 5, 6]
    assert first.positive.tolist() == [False, True, True, False, False, False]
    torch.testing.assert_close(first.score.float(), torch.tensor([0.2, 0.8, 0.3, 0.0, 0.6, 0.0]))
    assert asked["CVX3 against CVX0"].asked.tolist() == [0, 3, 5, 6]
    assert asked["CVX2 against CVX1"].positive.tolist() == [False, True]
    rows = operating_points(TASKS["four"], "covid-cxr", (labels, outputs), (labels, outputs), part_of(labels), 0)
    half = next(row for row in rows if row["question"] == "CVX12 against CVX03" and row["rule"] == "half")
    assert half["threshold"] == 0.5
    assert half["measures"]["accuracy"]["value"] == 4 / 6
    assert questions(TaskSpec("x", "classes", ("x",), ("a", "b", "c")), "folder", labels, outputs[:, :3]) == []


def test_labels_of_several_findings_are_asked_one_by_one_and_a_missing_side_is_left_out() -> None:
    task = TaskSpec("two", "multilabel", ("a", "b"), ("a", "b"))
    labels = torch.tensor([[1.0, 1], [0, 1], [0.5, 1], [1, float("nan")]])
    outputs = torch.tensor([[0.9, 0.2], [0.2, 0.8], [0.5, 0.5], [0.8, 0.1]])
    part = Labelled(torch.arange(4), labels, np.arange(4), None)
    rows = operating_points(task, "folder", (labels, outputs), (labels, outputs), part, 0)
    assert {row["question"] for row in rows} == {"a"}
    assert all(sum(row["counts"].values()) == 3 for row in rows)  # a soft label is not scored
