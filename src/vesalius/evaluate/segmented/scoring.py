"""What a segmenter is worth: Dice and surfaces of every case on the voxels of its own file, beside two answers without a network.

The rule: the best weights are chosen on the validation split, the test split is scored once, at the end. A case's score is the mean
over its classes without the background (see ``measures.segmentation`` for what has no score), the run's the mean over cases.
Intervals draw subjects again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.readers.volume import read_labels
from vesalius.data.readers.volume_parts import spacing_of
from vesalius.data.volumes.geometry import labels_onto_source, onto_source
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.errors import UserError
from vesalius.evaluate.segmented import baselines as plain
from vesalius.evaluate.segmented.pictures import COLOURS, sheet
from vesalius.files import atomic_write
from vesalius.measures import bootstrap
from vesalius.measures import segmentation as measures
from vesalius.recipes.segmentation.material import Job, words
from vesalius.runs import Run
from vesalius.tasks.segmenter import Segmenter
from vesalius.tasks.sliding import probabilities
from vesalius.terminal import Terminal
from vesalius.training.world import World

OWN, MAJORITY, KMEANS = "fine-tuned", "majority", "intensity k-means"
RULE = (
    "The best weights are chosen on the validation split; the test split is scored once. Dice is the mean over cases of the mean over classes, "
    "without the background, on the voxels of each file. A class in neither truth nor prediction has no score; one that is predicted and not there scores 0. "
    "k-means has as many clusters of intensity as there are labels, matched to them on the training volumes."
)
_NAMES = {MAJORITY: "the majority class", KMEANS: KMEANS}
SURFACES = ("surface_dice", "hausdorff95", "surface_distance")
_REPLICATES, _SHOWN = 1000, 3


@dataclass(frozen=True)
class Cases:
    """Of n cases: ``counts`` by model (n, classes, 3) on their files' voxels, ``stored`` the same of the segmenter on stored ones,
    ``surfaces`` (n, classes, 3) in the order of ``SURFACES``, ``pictures`` as PNG, ``subject`` (n,) numbers from 0.
    """

    ids: list[str]
    subject: NDArray[np.int64]
    known_subjects: bool
    counts: Mapping[str, NDArray[np.int64]]
    stored: NDArray[np.int64]
    surfaces: NDArray[np.float64]
    pictures: list[bytes]


def examine(job: Job, model: Segmenter, run: Run, here: World, terminal: Terminal) -> dict[str, Any]:
    """``results.json`` but kind, title, checkpoints and cost; writes pictures into ``segmentations``."""
    cases = look(job, model, here, terminal)
    classes = job.task.classes[1:]
    scores, differences = _scores(job, cases)
    own = measures.dice(cases.counts[OWN])[:, 1:]
    order = np.argsort([value if value == value else -1.0 for value in _case_means(cases.counts[OWN])], kind="stable")
    shown = list(dict.fromkeys(int(order[k]) for k in np.linspace(0, len(order) - 1, min(_SHOWN, len(order))).round().astype(int)))
    for place in shown:
        atomic_write(run.path / "segmentations" / f"{cases.ids[place]}.png", cases.pictures[place])
    found: dict[str, Any] = {
        "data": {"labelled": volume_facts(job)},
        "scores": scores,
        "differences": differences,
        "rule": RULE,
        "segmentation": {
            "classes": list(classes),
            "split": job.shown,
            "tolerance_mm": job.config.tolerance,
            "per_class": [_of_class(job, cases, k) for k in range(1, len(job.task.classes))],
            "colours": [COLOURS[k % len(COLOURS)] for k in range(len(classes))],
            "cases": [
                {"id": cases.ids[n], "subject": int(cases.subject[n]), "dice": _number(_mean(own[n])), "per_class": [_number(v) for v in own[n]]}
                for n in range(len(own))
            ],
            "pictures": [cases.ids[place] for place in shown],
            "dice_on_stored_voxels": _number(measures.mean_dice(cases.stored)),
            "dice_monai_tutorial": _number(measures.mean_of_running_means(cases.stored)),
        },
    }
    absent = {} if job.shown == "test" else {"test": "There is no test split: what is shown is of the validation split, by which the weights were chosen."}
    return {**found, "verdict": sentences(found, job), "warnings": list(job.warnings), "absent": absent}


def look(job: Job, model: Segmenter, here: World, terminal: Terminal) -> Cases:
    """Predict every case of the shown split once, and measure it where its file has its voxels."""
    data, rows = job.data, job.rows[job.shown]
    store: Any = data.store
    classes = len(job.task.classes)
    beside = plain.baselines(store, job.rows["train"], classes)
    counts: dict[str, list[NDArray[np.int64]]] = {OWN: [], MAJORITY: [], KMEANS: []}
    stored, surfaces, pictures = [], [], []
    model.to(here.device).eval()
    with terminal.bar(f"segmenting {job.shown}", "volumes") as progress:
        for done, row in enumerate(rows.tolist(), 1):
            chances = probabilities(model, store, row, job.windows, device=here.device, autocast=here.autocast)
            geometry = store.geometry(row)
            truth, spacing = source_labels(job, row)
            predicted = labels_onto_source(chances, geometry)
            clusters = onto_source(torch.from_numpy(beside.clustered(store, row).astype(np.int64))[None], geometry)[0].numpy()
            counts[OWN].append(measures.counts(predicted, truth, classes))
            counts[MAJORITY].append(measures.counts(np.full_like(truth, beside.majority), truth, classes))
            counts[KMEANS].append(measures.counts(clusters, truth, classes))
            here_found, here_truth = chances.argmax(0).cpu().numpy(), store.mask(row)
            stored.append(measures.counts(here_found, here_truth, classes))
            found = [measures.surface(predicted == k, truth == k, spacing, tolerance=job.config.tolerance) for k in range(1, classes)]
            nothing = (np.nan,) * 3
            surfaces.append([nothing, *((s.surface_dice, s.hausdorff95, s.mean_distance) for s in found)])
            pictures.append(sheet(plain.intensities(store, row), here_truth, here_found, store.spacing[row].tolist()))
            progress(done, len(rows))
    whose = data.table.subjects
    names = None if whose is None else whose[data.table_rows(rows)]
    return Cases(
        [f"{int(i):016x}" for i in store.ids[rows]],
        bootstrap.groups(names, len(rows)),
        names is not None,
        {name: np.stack(each) for name, each in counts.items()},
        np.stack(stored),
        np.array(surfaces, np.float64),
        pictures,
    )


def source_labels(job: Job, row: int) -> tuple[NDArray[np.uint8], tuple[float, ...]]:
    """``(x, y, z)``: the label volume of record ``row`` as its file has it, and the size of its voxels in mm. Raises UserError for another grid."""
    table, store = job.data.table, job.data.store
    assert isinstance(store, VolumeStore)
    at = int(job.data.table_rows(np.array([row]))[0])
    labels = read_labels(table.path(str(table.frame["mask"].iloc[at])))
    if labels.values.shape != tuple(store.geometry(row).shape):
        raise UserError(f"The label volume of {int(store.ids[row]):016x} is not on the voxels of its image any more. Run `vesalius data check`.")
    return labels.values, tuple(float(side) for side in spacing_of(labels.affine))


def _scores(job: Job, cases: Cases) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    values = {(name, "dice"): _case_means(found) for name, found in cases.counts.items()}
    values |= {(OWN, metric): np.array([_mean(case[1:, k]) for case in cases.surfaces]) for k, metric in enumerate(SURFACES)}
    drawn = replicates(values, cases.subject, job.config.seed)
    unit = "subjects" if cases.known_subjects else "volumes"
    common = {"n": int(cases.subject.max()) + 1, "unit": unit, "split": job.shown}
    rows = [{"model": m, **row(metric, _mean(v), drawn[m, metric]), **common} for (m, metric), v in values.items()]
    own = values[OWN, "dice"]
    apart = [
        {"a": OWN, "b": m, **row("dice", _mean(own) - _mean(values[m, "dice"]), drawn[OWN, "dice"] - drawn[m, "dice"]), **common}
        for m in (MAJORITY, KMEANS)
    ]
    return rows, apart


def replicates(values: Mapping[Any, NDArray[np.float64]], subject: NDArray[np.int64], seed: int) -> dict[Any, Tensor]:
    """The mean of each of ``values`` (cases,), NaN left out, with subjects drawn again: the same ones for all."""
    keys = list(values)
    drawn = bootstrap.replicate({str(n): _weighted(values[key]) for n, key in enumerate(keys)}, subject, replicates=_REPLICATES, seed=seed)
    return {key: drawn[str(n)] for n, key in enumerate(keys)}


def row(metric: str, value: float, drawn: Tensor) -> dict[str, Any]:
    """Value and interval of replicates ``drawn`` (R,); None where undefined, as JSON has no NaN."""
    low, high = bootstrap.interval(drawn)
    return {"metric": metric, "value": _number(value), "low": _number(low), "high": _number(high)}


def _weighted(values: NDArray[np.float64]) -> bootstrap.Statistic:
    known = torch.from_numpy(~np.isnan(values)).float()[:, None]
    filled = torch.from_numpy(np.nan_to_num(values)).float()[:, None]
    return lambda weights: (weights * known * filled).sum(0) / (weights * known).sum(0)


def _of_class(job: Job, cases: Cases, k: int) -> dict[str, Any]:
    values = measures.dice(cases.counts[OWN])[:, k]
    drawn = replicates({"dice": values}, cases.subject, job.config.seed)["dice"]
    far = {name: _number(_mean(cases.surfaces[:, k, n])) for n, name in enumerate(SURFACES)}
    others = {name: _number(_mean(measures.dice(cases.counts[name])[:, k])) for name in (KMEANS,)}
    there = int((cases.counts[OWN][:, k, 2] > 0).sum())
    return {"class": job.task.classes[k], **row("dice", _mean(values), drawn), **far, "beside": others, "cases": there}


def _case_means(found: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.array([_mean(case) for case in measures.dice(found)[:, 1:]])


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _number(value: float) -> float | None:
    return float(value) if value == value else None


def volume_facts(job: Job) -> dict[str, Any]:
    """What the labelled volumes of a run are, in numbers, as ``facts.labelled_facts`` says it of images."""
    table, store = job.data.table, job.data.store
    assert isinstance(store, VolumeStore)
    subjects, counts = table.subjects, {}
    for split, rows in job.rows.items():
        held = [set(np.unique(mask).tolist()) for r in rows if (mask := store.mask(int(r))) is not None]
        people = None if subjects is None else len({s for s in subjects[job.data.table_rows(rows)] if s is not None})
        per_class = [sum(k in has for has in held) for k in range(len(job.task.classes))]
        counts[split] = {"images": len(rows), "subjects": people, "per_class": per_class}
    return {
        "name": job.data.public,
        "task": job.task.as_dict(),
        "counts": counts,
        "split_by": table.split_by or "source",
        "left_out": len(store.left_out),
        "plan": words(job.plan),
        "warnings": list(table.warnings),
        "licence": table.licence,
    }


def sentences(found: Mapping[str, Any], job: Job) -> list[str]:
    """The verdict."""
    rows = {r["model"]: r for r in found["scores"] if r["metric"] == "dice"}
    own, others = rows[OWN], [rows[KMEANS], rows[MAJORITY]]
    if own["value"] is None:
        return [f"Dice is not defined on the {job.shown} volumes: none of them holds a labelled class."]
    spread = "" if own["low"] is None else f" ({own['low']:.3f} to {own['high']:.3f})"
    said = f"It reaches a mean Dice of {own['value']:.3f}{spread} without the background on {own['n']:,} {job.shown} {own['unit']}"
    beside = " and ".join(f"{_NAMES[r['model']]} {r['value']:.3f}" for r in others if r["value"] is not None)
    better = max((r for r in others if r["value"] is not None), key=lambda r: r["value"], default=None)
    first = f"{said}; beside it {beside}."
    beaten = better is not None and better["value"] > own["value"]
    second = f"{_NAMES[better['model']].capitalize()} is better: the network has not learnt more than intensities tell." if better and beaten else ""
    return [part for part in (first, second, "Use it on new volumes with `vesalius predict`.") if part]
