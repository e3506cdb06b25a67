"""``compat: ssl-medicalimaging``: what of Anton et al.'s comparison is brought back, in sentences, and the logs that it wrote.

Anton, Castelli, Chan, Outters, Tang, Cheung, Shukla, Walambe and Kotecha, "How well do self-supervised models transfer to medical imaging?"
(Journal of Imaging, 2022). Brought back are its labels, divisions and settings, so that its numbers can be held against ours; of its
faults only those of measurement, and each is said.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vesalius import registry
from vesalius.data import source_names
from vesalius.files import atomic_write

WORD = "ssl-medicalimaging"
ALL = (
    "compat ssl-medicalimaging: the original's labels, its division by image and not by subject, one repeat. Every encoder is in evaluation mode and "
    "sees images as its own card prepares them, where the original gave most of them ImageNet's mean and deviation."
)
SENTENCES: Mapping[str, str] = {
    "few-shot": "compat ssl-medicalimaging, few-shot: images of one person may be on both sides of an episode, and as the only protocol it draws "
    "from at most 10,000 images of a set. The original's ± is the Monte-Carlo error of its episodes; the interval beside it, over the data set, is the "
    "one to believe.",
    "linear": "compat ssl-medicalimaging, linear: 45 strengths from 1e-5 to 1e6 as its code had them, chosen by its own measure on a fifth of the "
    "training images, features as they are. Each strength is solved to the end, where the original stopped after 100 iterations.",
    "finetune": "compat ssl-medicalimaging, finetune: images are cut to 8 to 100 % of their area and mirrored, as the original did with radiographs too. "
    "The best weights on validation are restored, where the original kept the last, and validation images are never trained on.",
}
_KEYS = {"eyepacs": "diabetic_retinopathy", "nih-chestxray14": "chestx", "ichallenge-amd": "ichallenge_amd", "ichallenge-pm": "ichallenge_pm"}
_PER_CLASS = ("diabetic_retinopathy", "stoic")
"""Sets whose number is the mean of the classes' recalls, which is balanced accuracy."""


def sentences(protocols: Sequence[str]) -> list[str]:
    """What is said at the start and stands in the results."""
    return [ALL, *(SENTENCES[name] for name in protocols if name in SENTENCES)]


def placed(reference: str) -> str:
    """``NAME[:TASK]`` with where it lies in ``./data``, the original's folder, where VESALIUS_DATA does not say where data lie."""
    name, _, task = reference.partition(":")
    source, implied = source_names.meant(name)
    if "@" in reference or os.environ.get("VESALIUS_DATA") or not Path("data").is_dir() or source not in registry.names("sources"):
        return reference
    for place in sorted(Path("data").iterdir()):
        if place.is_dir() and source_names.meant(place.name)[0] == source:
            asked = task or implied
            return f"{source}@{place.as_posix()}{f':{asked}' if asked else ''}"
    return reference


def most(reference: str, protocols: Sequence[str]) -> int | None:
    """At most how many images the original evaluated on: 10,000 of its large sets where episodes were drawn, else all."""
    source = source_names.meant(reference.partition("@")[0].partition(":")[0])[0]
    return 10_000 if list(protocols) == ["few-shot"] and not source.startswith("cifar") else None


def original_key(dataset: str) -> str:
    """What the original calls a data set that is named so here: the name of its log."""
    source = source_names.meant(dataset)[0]
    return _KEYS.get(source, source)


def measure(dataset: str) -> str:
    """The original's measure of a data set."""
    return "balanced_accuracy" if original_key(dataset) in _PER_CLASS else "accuracy"


def write_logs(folder: Path, results: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """``logs/PROTOCOL/MODEL/DATASET.log`` in ``folder`` for each protocol that the original had; returns what was written.

    ``results``: as ``results.json``; ``fields``: each protocol's configuration. Each holds the arguments and the last line of the
    original's: per cent, for few-shot with the original's interval, for linear with C.
    """
    written = []
    for protocol in ("few-shot", "linear", "finetune"):
        found = results.get(protocol.replace("-", "_"))
        if found is None:
            continue
        chosen = {(row["encoder"], row["data"]): row for row in found.get("chosen", ())}
        for (encoder, data), row in _numbers(protocol, found, results["encoders"]).items():
            model, key, what = encoder.partition("@")[0], original_key(data), chosen.get((encoder, data), {})
            arguments = ", ".join(f"{name}={value!r}" for name, value in {"model": model, "dataset": key, **fields.get(protocol, {})}.items())
            file = folder / "logs" / protocol / model / f"{key}.log"
            file.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(file, f"INFO:root:Namespace({arguments})\nINFO:root:{_last(protocol, model, key, row, what)}\n")
            written.append(file)
    return written


def _numbers(protocol: str, found: Mapping[str, Any], encoders: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Encoder and data set to the row of the original's measure; our baselines are not among what it evaluated."""
    beside = {row["name"] for row in encoders if row["baseline"]}
    rows = {}
    for row in found["cells"]:
        its = "accuracy" if protocol == "few-shot" else measure(row["data"])  # in an episode every class has as many queries
        if row["metric"] == its and row["value"] is not None and row["encoder"] not in beside:
            rows[row["encoder"], row["data"]] = row
    return rows


def _last(protocol: str, model: str, key: str, row: Mapping[str, Any], what: Mapping[str, Any]) -> str:
    value = f"{100 * row['value']:.2f}%"
    if protocol == "few-shot":
        return f"Final accuracy for {model} on {key}: {value} +- {100 * (row['margin'] or 0):.2f}%"
    if protocol == "linear":
        return f"Final accuracy for {model} on {key}: {value} using hyperparameter C: {what['c']:.3f}"
    return f"Finetuned test accuracy for {model} on {key}: {value} using lr: {what['lr']:g}, weight decay: {what['weight_decay']:g}"
