from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score

from tests.training.monitors.features import METHOD, TASKS, Toy, after_epochs
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.measures import metrics
from vesalius.training.linear_head import LinearHead
from vesalius.training.monitors import linear


def build(kind: str = "classes", seed: int = 0, **fields):
    return linear.build(linear.Config(**fields), "linear", TASKS[kind], seed)


@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel"])
def test_it_learns_what_can_be_read_from_the_features(kind):
    toy, monitor = Toy(kind), build(kind, lr=0.03, batch=32)
    start = monitor(toy, METHOD, after_epochs(0)).scalars
    assert not any(name.startswith("train") for name in start)
    for epoch in range(1, 16):
        finding = monitor(toy, METHOD, after_epochs(epoch))
    assert finding.scalars["accuracy"] > 0.85 > start["accuracy"]
    assert finding.scalars["val_loss"] < start["val_loss"]
    both = [f"{split}{m}" for split in ("", "train_") for m in metrics.NAMES]
    assert set(finding.scalars) == {*both, "train_loss", "val_loss"}
    assert monitor.metric == TASKS[kind].metric


@pytest.mark.parametrize(
    ("events", "passes"), [([0, 1, 2, 3], 3), ([0, 3], 3), ([0.5, 0.9], 0), ([0.5, 1.5, 1.7, 2.2], 2)]
)
def test_each_labelled_sample_is_seen_once_per_epoch(monkeypatch, events, passes):
    seen = []
    loss = LinearHead.loss

    def watch(self, logits, labels, weights):
        seen.append(labels)
        return loss(self, logits, labels, weights)

    toy, monitor = Toy(rows=70), build(batch=16)
    labels = toy.splits["train"].labels["kind"]
    labels[:] = torch.arange(70)  # each label is its sample's number
    labels[::7] = torch.nan
    monitor.outputs = 70
    monkeypatch.setattr(LinearHead, "loss", watch)
    for epoch in events:
        monitor(toy, METHOD, after_epochs(epoch))
        seen.pop()  # the validation loss
    counted = torch.bincount(torch.cat(seen).long(), minlength=70) if seen else torch.zeros(70)
    assert counted.tolist() == [0 if i % 7 == 0 else passes for i in range(70)]


def test_all_of_the_validation_set_is_scored():
    toy, monitor = Toy("binary"), build("binary")
    finding = monitor(toy, METHOD, after_epochs(1))
    x, y = (toy.splits["train"].vectors, toy.splits["val"])
    z = (y.vectors - x.mean(0)) / x.std(0, correction=0)
    score = monitor.head.logits(z).softmax(1)[:, 1].detach()
    assert finding.scalars["roc_auc"] == pytest.approx(roc_auc_score(y.labels["sick"], score))


@pytest.mark.parametrize("kind", ["classes", "multilabel"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_resumed_run_is_bit_for_bit_the_run_that_was_not(kind, dropout):
    straight = build(kind, dropout=dropout, batch=32, balanced=True)
    events = [after_epochs(e) for e in range(6)]
    for at in events[:3]:
        straight(Toy(kind, seed=at.epoch), METHOD, at)
    resumed = build(kind, dropout=dropout, batch=32, balanced=True)
    resumed.load_state_dict({k: v.clone() for k, v in straight.state_dict().items()})
    torch.manual_seed(1234)  # the global generator is not read
    for at in events[3:]:
        ours, theirs = (m(Toy(kind, seed=at.epoch), METHOD, at) for m in (straight, resumed))
        assert ours == theirs
    a, b = straight.state_dict(), resumed.state_dict()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert {"passes", "best", "head.weight", "head.adam.weight.exp_avg", "head.adam.bias.step"} <= a.keys()


def test_a_monitor_that_has_seen_nothing_can_be_saved():
    monitor = build()
    monitor.load_state_dict(build().state_dict())
    assert monitor.head is None


def test_the_seed_decides_the_order():
    toy = Toy()
    heads = [build(seed=s, batch=16) for s in (0, 0, 1)]
    for monitor in heads:
        monitor(toy, METHOD, after_epochs(1))
    weights = [m.head.weight for m in heads]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_scale_and_offset_of_the_features_do_not_matter():
    toy, monitors = Toy(), [build(), build()]
    plain = monitors[0](toy, METHOD, after_epochs(1)).scalars
    for split in toy.splits.values():
        split.vectors = 1000 * split.vectors + 7
    assert monitors[1](toy, METHOD, after_epochs(1)).scalars == pytest.approx(plain, abs=1e-3)


def test_a_class_missing_from_training_weighs_nothing_and_warns():
    toy, monitor = Toy(), build(balanced=True)
    labels = toy.splits["train"].labels["kind"]
    labels[labels == 2] = 1
    finding = monitor(toy, METHOD, after_epochs(1))
    assert "no training label of c;" in finding.warning
    assert all(math.isfinite(v) for n, v in finding.scalars.items() if n in ("val_loss", "train_loss", "accuracy"))


def test_a_validation_set_without_labels_or_with_one_class_is_nan_not_an_error():
    toy, monitor = Toy("binary"), build("binary")
    toy.splits["val"].labels["sick"][:] = 1
    one = monitor(toy, METHOD, after_epochs(1))
    assert math.isnan(one.scalars["roc_auc"])
    assert one.best == {"roc_auc": False}
    toy.splits["val"].labels["sick"][:] = torch.nan
    assert math.isnan(monitor(toy, METHOD, after_epochs(2)).scalars["val_loss"])


def test_no_labelled_training_sample_is_one_clear_error():
    toy = Toy()
    toy.splits["train"].labels["kind"][:] = torch.nan
    with pytest.raises(UserError, match="no labelled training sample"):
        build()(toy, METHOD, after_epochs(1))


def test_it_leaves_the_features_as_they_were():
    toy, monitor = Toy(), build(dropout=0.2)
    before = toy.splits["train"].vectors.clone()
    monitor(toy, METHOD, after_epochs(2))
    assert torch.equal(toy.splits["train"].vectors, before)


def test_the_originals_rules_and_names():
    config = linear.Config(compat="innereye")
    assert (config.dropout, config.lr, config.weight_decay, config.standardise) == (0.2, 1e-4, 1e-4, False)
    assert linear.Config(compat="innereye", lr=1e-5).lr == 1e-5
    toy, monitor = Toy("binary"), build("binary", compat="innereye")
    finding = monitor(toy, METHOD, after_epochs(1))
    measures = ("AccuracyAtThreshold05", "AreaUnderRocCurve", "AreaUnderPRCurve")
    val_names = {f"ssl_online_evaluator/val/{m}" for m in (*measures, "loss")}
    train_names = {f"ssl_online_evaluator/train/online_{m}" for m in measures}
    expected = val_names | train_names | {"ssl_online_evaluator/train/loss"}
    assert set(finding.scalars) == expected
    val = toy.splits["val"]
    score = monitor.head.logits(val.vectors).softmax(1)[:, 1].detach()
    precision, recall, _ = precision_recall_curve(val.labels["sick"], score)
    assert finding.scalars["ssl_online_evaluator/val/AreaUnderPRCurve"] == pytest.approx(auc(recall, precision))
    many = build("classes", compat="innereye")(Toy(), METHOD, after_epochs(1))
    assert {n for n in many.scalars if "Area" in n} == set()
    assert many.best == {"ssl_online_evaluator/val/AccuracyAtThreshold05": True}


def test_a_binary_task_whose_labels_are_named_otherwise():
    task = TaskSpec("t", "binary", ("first",), ("no", "yes"), metric="balanced_accuracy")
    monitor = linear.build(linear.Config(compat="innereye"), "linear", task, 0)
    assert monitor.metric in monitor(Toy(), METHOD, after_epochs(1)).scalars
