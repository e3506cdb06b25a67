"""The logs of SSL_medicalimaging's scripts: their arguments and their last lines, in the places where it wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vesalius.evaluate.arguments import MULTI_VIEW
from vesalius.evaluate.compat.words import measure, original_key
from vesalius.files import atomic_write

_SCORED = ("few-shot", "linear", "finetune")
Log = tuple[str, Mapping[str, Any], Sequence[str]]
"""Its path below ``logs``, its arguments, and its lines."""


def write_logs(folder: Path, results: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """``logs/PROTOCOL/MODEL/DATASET.log``, ``logs/saliency/MODEL.log`` and ``logs/invariances/MODEL/TRANSFORM/DATASET.log`` in ``folder``, of what
    the evaluation has of them; returns what was written. Of reconstruction and perceptual distance the original kept no log.

    ``results``: as ``results.json``; ``fields``: each protocol's configuration. Each holds the arguments and the last lines of the
    original's: per cent, for few-shot with the original's interval, for linear with C; distance and similarity of invariances.
    """
    written = []
    for path, arguments, lines in (*_scored(results, fields), *_saliency(results, fields), *_invariances(results, fields)):
        said = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        file = folder / "logs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(file, "".join(f"INFO:root:{line}\n" for line in (f"Namespace({said})", *lines)))
        written.append(file)
    return written


def own(results: Mapping[str, Any], protocol: str, kind: str = "cells") -> list[Mapping[str, Any]]:
    """The rows ``kind`` of ``protocol`` with a ``model`` each; our baselines are not among what the original evaluated."""
    beside = {row["name"] for row in results.get("encoders", ()) if row["baseline"]}
    found = (results.get(protocol.replace("-", "_")) or {}).get(kind, ())
    return [{**row, "model": row["encoder"].partition("@")[0], "key": original_key(row["data"])} for row in found if row["encoder"] not in beside]


def _scored(results: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]) -> Iterator[Log]:
    for protocol in _SCORED:
        chosen = {(row["encoder"], row["data"]): row for row in own(results, protocol, "chosen")}
        for row in own(results, protocol):
            its = "accuracy" if protocol == "few-shot" else measure(row["data"])  # in an episode every class has as many queries
            if row["metric"] == its and row["value"] is not None:
                model, key = row["model"], row["key"]
                last = _last(protocol, model, key, row, chosen.get((row["encoder"], row["data"]), {}))
                yield f"{protocol}/{model}/{key}.log", {"model": model, "dataset": key, **fields.get(protocol, {})}, [last]


def _last(protocol: str, model: str, key: str, row: Mapping[str, Any], what: Mapping[str, Any]) -> str:
    value = f"{100 * row['value']:.2f}%"
    if protocol == "few-shot":
        return f"Final accuracy for {model} on {key}: {value} +- {100 * (row['margin'] or 0):.2f}%"
    if protocol == "linear":
        return f"Final accuracy for {model} on {key}: {value} using hyperparameter C: {what['c']:.3f}"
    return f"Finetuned test accuracy for {model} on {key}: {value} using lr: {what['lr']:g}, weight decay: {what['weight_decay']:g}"


def _saliency(results: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]) -> Iterator[Log]:
    """One for each model; of several images of a data set the mean."""
    rows = [row for row in own(results, "saliency") if row["metric"] == "attentive_diffusion" and row["value"] is not None]
    for model in dict.fromkeys(row["model"] for row in rows):
        here = {row["key"]: row["value"] for row in rows if row["model"] == model}
        lines = [f"Attentive diffusion on dataset {key} with model {model}: {value:.2f}%" for key, value in here.items()]
        yield f"saliency/{model}.log", {"datasets": list(here), "model": model, **fields.get("saliency", {})}, lines


def _invariances(results: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]) -> Iterator[Log]:
    for protocol in ("invariance", "multiview-invariance"):
        values = {(row["model"], row["key"], row["metric"]): row["value"] for row in own(results, protocol)}
        said = {name: value for name, value in fields.get(protocol, {}).items() if name != "transform"}
        for model, key, metric in values:
            name, _, transform = metric.partition("@")
            if name != "whitened_cosine" or bool(transform) != (protocol == "invariance"):
                continue
            distance = values.get((model, key, metric.replace(name, "mahalanobis")))
            called = transform or MULTI_VIEW
            numbers = [float("nan") if value is None else value for value in (distance, values[model, key, metric])]
            lines = [f"{model} on {called} with dataset {key}:", f"\t distance {numbers[0]:.6f} and similarity {numbers[1]:.6f}"]
            arguments = {"dataset": key, "model": model, "transform": called, **said}
            first = f"Computing covariance matrix for {model} on dataset {key}"
            yield f"invariances/{model}/{called}/{key}.log", arguments, [first, *lines]
