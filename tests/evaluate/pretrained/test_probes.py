from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.preprocessing import StandardScaler

from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError
from vesalius.evaluate.pretrained import probes
from vesalius.evaluate.pretrained.probes import Settings, examine
from vesalius.measures import logistic

QUICK = Settings(fractions=(0.05, 1.0), points=6, draws=3, replicates=200, items=60, queries=8)


def parts(values):
    return tuple(values[a:b] for a, b in ((0, 500), (500, 700), (700, 1000)))


def digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))[:1000]
    return torch.tensor(x[order]).float(), torch.tensor(y[order]).float()


def encoders(x):
    noise = torch.randn(len(x), 16, generator=torch.Generator().manual_seed(0))
    return {"pretrained": parts(x), "random init": parts(noise), "mean and deviation": parts(x[:, 20:23])}


def run(labels=None, task=None, settings=QUICK, **options):
    x, y = digits()
    task = task or classification("digits", "digit", [str(i) for i in range(10)])
    return examine(
        encoders(x),
        parts(y if labels is None else labels),
        task,
        ids=np.arange(300, dtype=np.uint64),
        settings=settings,
        **options,
    )


@pytest.fixture(scope="module")
def found():
    return run()


def row(found, block, **keys):
    (one,) = [r for r in found[block] if all(r[k] == v for k, v in keys.items())]
    return one


def test_the_linear_probe_is_scikit_learns_chosen_on_validation(found):
    x, y = digits()
    train, val, test = (a.numpy() for a in parts(x))
    labels = [a.numpy() for a in parts(y)]
    scale = StandardScaler().fit(train)
    fits = [
        LogisticRegression(C=c, max_iter=2000).fit(scale.transform(train), labels[0])
        for c in logistic.grid(6, 1e-6, 1e2)
    ]
    best = min(fits, key=lambda f: log_loss(labels[1], f.predict_proba(scale.transform(val)), labels=range(10)))
    ours = row(found, "probes", encoder="pretrained", probe="linear", metric="accuracy")
    assert ours["value"] == pytest.approx(accuracy_score(labels[2], best.predict(scale.transform(test))), abs=0.007)
    assert ours["low"] < ours["value"] < ours["high"]
    assert (ours["n"], ours["unit"], ours["split"]) == (300, "images", "test")


def test_rows_are_complete_and_the_tasks_metric_leads(found):
    expected = {(e, p) for e in ("pretrained", "random init", "mean and deviation") for p in ("linear", "knn")} | {
        ("majority", "constant")
    }
    for metric in ("accuracy", "balanced_accuracy", "roc_auc", "pr_auc"):
        assert {(r["encoder"], r["probe"]) for r in found["probes"] if r["metric"] == metric} == expected
    assert found["probes"][0]["metric"] == "accuracy"
    assert found["probes"][0]["encoder"] == "pretrained"
    json.dumps({k: v for k, v in found.items() if k not in ("rows", "predictions")}, allow_nan=False)
    assert found["predictions"].shape == (len(found["predictions"]), 10)


def test_the_majority_is_the_commonest_class_and_knows_no_order(found):
    _, y = digits()
    train, _, test = parts(y)
    share = float((test == train.mode().values).float().mean())
    assert row(found, "probes", encoder="majority", metric="accuracy")["value"] == pytest.approx(share)
    assert row(found, "probes", encoder="majority", metric="roc_auc")["value"] == pytest.approx(0.5)


def test_differences_are_those_of_the_values_and_paired(found):
    for one in found["differences"]:
        probe = "constant" if one["b"] == "majority" else one["probe"]
        a = row(found, "probes", encoder=one["a"], probe=one["probe"], metric=one["metric"])
        b = row(found, "probes", encoder=one["b"], probe=probe, metric=one["metric"])
        assert one["value"] == pytest.approx(a["value"] - b["value"])
        assert one["low"] <= one["value"] <= one["high"]
    assert row(found, "differences", b="random init", probe="linear", metric="accuracy")["low"] > 0


def test_label_efficiency_rises_and_ends_at_the_whole_probe(found):
    few = row(found, "label_efficiency", encoder="pretrained", fraction=0.05)
    every = row(found, "label_efficiency", encoder="pretrained", fraction=1.0)
    assert (
        few["value"]
        < every["value"]
        == row(found, "probes", encoder="pretrained", probe="linear", metric="accuracy")["value"]
    )
    assert few["labels"] == pytest.approx(25, abs=5)
    assert every["labels"] == 500
    assert (few["draws"], every["draws"]) == (3, 1)
    assert few["low"] < few["value"] < few["high"]


def test_calibration_counts_every_test_sample(found):
    assert sum(b["count"] for b in found["calibration"]["bins"]) == 300
    assert 0 <= found["calibration"]["ece"] < 0.2


def test_the_same_call_gives_the_same_answer(found):
    again = run()
    assert np.array_equal(again.pop("rows"), found["rows"])
    assert torch.equal(again.pop("predictions"), found["predictions"])
    assert again == {k: v for k, v in found.items() if k not in ("rows", "predictions")}


def test_the_test_split_decides_nothing(monkeypatch):
    chosen = []
    search = logistic.search
    monkeypatch.setattr(probes.logistic, "search", lambda *a, **k: chosen.append(search(*a, **k)) or chosen[-1])
    run()
    plain, chosen[:] = [(p.c, p.weights) for p in chosen], []
    x, y = digits()
    y[700:] = 3
    task = classification("digits", "digit", [str(i) for i in range(10)])
    spoilt = {name: (*vectors[:2], torch.zeros_like(vectors[2])) for name, vectors in encoders(x).items()}
    examine(spoilt, parts(y), task, ids=np.arange(300, dtype=np.uint64), settings=QUICK)
    assert len(plain) == len(chosen) == 3 * (1 + 3)
    assert all(c == p.c and torch.equal(w, p.weights) for (c, w), p in zip(plain, chosen))


def test_intervals_are_over_subjects_where_they_are_known():
    names = np.repeat(np.arange(60), 5).astype(object)
    found = run(subjects=(None, None, names))
    ours = row(found, "probes", encoder="pretrained", probe="linear", metric="accuracy")
    assert (ours["n"], ours["unit"]) == (60, "subjects")
    assert found["examples"]["items"][0]["subject"] is not None


def test_unknown_labels_are_left_out():
    _, y = digits()
    y[::3] = torch.nan
    found = run(y)
    known = (~y.isnan()).float()
    assert row(found, "probes", encoder="pretrained", probe="knn", metric="accuracy")["n"] == int(known[700:].sum())
    assert bool(known[700:][torch.from_numpy(found["rows"])].all())
    assert row(found, "label_efficiency", encoder="pretrained", fraction=1.0)["labels"] == int(known[:500].sum())


def test_a_binary_task_leads_with_the_area_under_the_curve():
    _, y = digits()
    found = run((y > 4).float(), classification("half", "digit", ["low", "high"]))
    assert found["probes"][0]["metric"] == "roc_auc"
    assert row(found, "probes", encoder="pretrained", probe="linear", metric="roc_auc")["value"] > 0.9


def test_a_multilabel_task_with_unknowns():
    _, y = digits()
    labels = torch.stack([(y > 4).float(), (y % 2 == 0).float()], 1)
    labels[::7, 0] = torch.nan
    task = TaskSpec("two", "multilabel", ("high", "even"), ("high", "even"))
    found = run(labels, task)
    assert row(found, "probes", encoder="pretrained", probe="linear", metric="roc_auc")["value"] > 0.9
    assert row(found, "probes", encoder="majority", metric="roc_auc")["value"] == pytest.approx(0.5)
    assert all(item["label"] is None and item["prediction"] is None for item in found["examples"]["items"])
    assert found["examples"]["mistakes"] == []


@pytest.mark.parametrize("split", [0, 1, 2])
def test_a_split_without_labels_is_one_clear_error(split):
    _, y = digits()
    y[[slice(0, 500), slice(500, 700), slice(700, 1000)][split]] = torch.nan
    with pytest.raises(UserError, match=f"The {('train', 'val', 'test')[split]} split"):
        run(y)


def test_a_regression_is_refused():
    with pytest.raises(UserError, match="regression"):
        run(task=TaskSpec("age", "regression", ("age",)))


def test_undefined_values_are_null_and_not_nan():
    _, y = digits()
    y = (y > 4).float()
    y[700:] = 1
    found = run(y, classification("half", "digit", ["low", "high"]))
    one = row(found, "probes", encoder="pretrained", probe="linear", metric="roc_auc")
    assert one["value"] is None
    json.dumps({k: v for k, v in found.items() if k not in ("rows", "predictions")}, allow_nan=False)
