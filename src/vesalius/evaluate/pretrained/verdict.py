"""Three sentences: did it learn, against which baseline, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OWN = "pretrained"
STARTS = {"starting weights": "the weights it started from", "random init": "random initialisation"}
"""What the encoder was before the first step: the first of these that was examined is what it is measured against."""


def sentences(results: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]], not_examined: str) -> list[str]:
    """The verdict of a pretraining from its results and its metrics rows."""
    if not_examined:
        volumes = "plan" in ((results.get("data") or {}).get("train") or {})
        worth = f"What the encoder is worth was not measured. {not_examined}"
        return [_loss(metrics), *_painted(metrics), worth, _next_unlabelled(metrics, volumes=volumes)]
    metric = results["probes"][0]["metric"]
    linear = {p["encoder"]: p for p in results["probes"] if p["metric"] == metric and p["probe"] in ("linear", "constant")}
    apart = {d["b"]: d for d in results["differences"] if d["metric"] == metric and d["probe"] == "linear"}
    own, (start, fresh) = linear[OWN], next((words, apart[name]) for name, words in STARTS.items() if name in apart)
    name = metric.replace("_", " ").replace("roc auc", "ROC-AUC").replace("pr auc", "PR-AUC")
    score = f"a linear probe reaches {name} {interval(own)} on {own['n']:,} test {own['unit']}"
    if fresh["low"] is not None and fresh["low"] > 0:
        first = f"It learnt: {score}, {signed(fresh)} over {start}."
    elif fresh["high"] is not None and fresh["high"] < 0:
        first = f"It is worse than no training: {score}, {signed(fresh)} against {start}."
    else:
        first = f"It cannot be told from {start}: {score}, {signed(fresh)}."
    rival, gap = max(
        ((b, d) for b, d in apart.items() if b not in (*STARTS, "majority") and d["value"] is not None),
        key=lambda item: -float(item[1]["value"]),
    )
    value = interval(linear[rival])
    if gap["low"] is not None and gap["low"] > 0:
        second = f"It also beats the strongest baseline without a network, {rival} ({value}), by {signed(gap)}."
    elif gap["high"] is not None and gap["high"] < 0:
        second = f"The baseline {rival} ({value}) is better by {signed({k: -gap[j] for k, j in (('value', 'value'), ('low', 'high'), ('high', 'low'))})}."
    else:
        second = f"Against the baseline {rival} ({value}) the difference of {signed(gap)} decides nothing."
    return [first, second, _next(results, metrics, fresh, gap)]


def interval(row: Mapping[str, Any]) -> str:
    """``0.812 (0.790 to 0.833)``."""
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})" if row.get("low") is not None else f"{row['value']:.3f}"


def signed(row: Mapping[str, Any]) -> str:
    """``+0.012 (-0.001 to +0.025)``."""
    if row.get("low") is None:
        return f"{row['value']:+.3f}"
    return f"{row['value']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def _curve(metrics: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [float(r[key]) for r in metrics if r.get(key) is not None]


def _loss(metrics: Sequence[Mapping[str, Any]]) -> str:
    loss = _curve(metrics, "loss")
    if len(loss) < 2:
        return "The run is too short to say whether the loss fell."
    start, end = loss[0], sum(loss[-5:]) / len(loss[-5:])
    return f"The loss {'fell' if end < start else 'did not fall'} from {start:.3f} to {end:.3f}."


def _collapsed(metrics: Sequence[Mapping[str, Any]]) -> bool:
    flags = _curve(metrics, "monitor/spread/collapsed")
    return bool(flags) and flags[-1] > 0


def _painted(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    """How the last look of the monitor of reconstructions compares with answers that need no network."""
    start = "monitor/reconstruction/"
    last = next((row for row in reversed(metrics) if row.get(f"{start}l1") is not None), None)
    if last is None:
        return []
    own, copied, mean = (round(float(last[f"{start}{name}"]), 3) for name in ("l1", "identity_l1", "mean_l1"))
    beside = (("copying what was seen", copied), ("answering the mean", mean))
    sides = [f"{'below' if own < other else 'not below'} {words} ({other:.3f})" for words, other in beside]
    return [f"On validation its L1 is {own:.3f}: {' and '.join(sides)}."]


def _next_unlabelled(metrics: Sequence[Mapping[str, Any]], *, volumes: bool = False) -> str:
    if _collapsed(metrics):
        return "The embeddings collapsed: lower --optimizer.lr or raise --batch_size, and train again."
    if volumes:
        return "Fine-tune a segmenter from it and its twin from random weights: the difference is what it is worth."
    return "Give a few hundred labelled images as --data.monitor, and the next report says what the encoder is worth."


def _next(
    results: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]], fresh: Mapping[str, Any], gap: Mapping[str, Any]
) -> str:
    if _collapsed(metrics):
        return "The embeddings collapsed: lower --optimizer.lr or raise --batch_size, and train again."
    knn = _curve(metrics, "monitor/knn/accuracy")
    rising = len(knn) >= 4 and knn[-1] >= max(knn[:-1])
    if (fresh["low"] or 0) <= 0:
        return "Train longer, or look at the views (`vesalius recipes show NAME --views DATA`): they may erase what the labels are about."
    if (gap["low"] or 0) <= 0:
        return "Train longer or on more images before relying on it; until then the simple baseline is as good."
    if rising:
        return "The monitors were still rising at the end: a longer run (--epochs) should give more."
    choice = results.get("checkpoints", {}).get("chosen_by_labels", {})
    if choice and choice["step"] != results["checkpoints"]["exported"]["step"]:
        return (
            f"The monitors were best at step {choice['step']}: compare checkpoints/{choice['name']} with the last before choosing, "
            f"or hand it over (--export {choice['name']})."
        )
    return "Use the encoder as the lines below show, or label more where the mistakes are."
