"""The examination at the end of a pretraining: the encoder beside its baselines, and everything the report shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vesalius.data.dataset import DataSet
from vesalius.encoders.encoder import Encoder
from vesalius.evaluate import probes
from vesalius.evaluate.sprites import sprite
from vesalius.evaluate.verdict import sentences
from vesalius.features import evaluation_views, forward
from vesalius.files import atomic_write
from vesalius.measures import pca
from vesalius.recipes.assembly import Parts, fresh_encoder
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.material import Material
from vesalius.recipes.picturing import picture_of
from vesalius.runs import Run
from vesalius.terminal import Terminal
from vesalius.training.world import World

SPLITS = ("train", "val", "test")
_COMPONENTS, _PIXELS, _TILE, _COLUMNS = 128, 32, 48, 40


def examine(
    config: PretrainConfig, material: Material, parts: Parts, run: Run, here: World, terminal: Terminal
) -> dict[str, Any]:
    """``results.json`` but its cost; writes ``examples/`` and ``views.png`` into ``run``.

    The encoder, its random initialisation, principal components of the pixels and their mean and deviation stand under
    the same probes; see ``probes.examine`` for the rule.
    """
    absent: dict[str, str] = {}
    results: dict[str, Any] = {
        "kind": "pretrain",
        "title": config.name or f"{config.method.name} on {material.train.public}",
        "data": _data(material),
        "checkpoints": _checkpoints(run),
        "warnings": _warnings(material, run),
    }
    if config.compat != "none":
        results["warnings"].insert(0, f"Made with compat: {config.compat}; see docs/migrate for what that reproduces.")
    _picture(material, parts, config, run)
    reason = _not_examined(config, material)
    if reason:
        absent = dict.fromkeys(("probes", "label-efficiency", "neighbours", "map", "mistakes", "calibration"), reason)
    else:
        results |= _probed(config, material, parts, run, here, terminal)
    return {**results, "verdict": sentences(results, run.metrics(), reason), "absent": absent}


def _not_examined(config: PretrainConfig, material: Material) -> str:
    data = material.examined
    if not config.examine:
        return "The recipe says examine: false."
    if data is None:
        return "No labelled monitoring data was given: set --data.monitor to see what the encoder is worth."
    if data.table.task is None:
        return "The monitoring data has no labels: give labelled images to see what the encoder is worth."
    if data.table.task.kind == "regression":
        return "The monitoring data is a regression; the examination measures classes."
    empty = [split for split in SPLITS if not len(data.rows(split))]
    return f"The monitoring data has no {' and no '.join(empty)} images: set --data.split.test." if empty else ""


def _probed(
    config: PretrainConfig, material: Material, parts: Parts, run: Run, here: World, terminal: Terminal
) -> dict[str, Any]:
    data = material.examined
    assert data is not None
    assert data.table.task is not None
    task = data.table.task
    rows = {split: data.rows(split) for split in SPLITS}
    own = next(iter(parts.method.exports().values()))
    random_init = fresh_encoder(config, material, parts.views)
    with terminal.bar("examining", "images") as update:
        done = _Counter(update, 3 * sum(map(len, rows.values())))
        encoders = {
            probes.OWN: _features(own, data, rows, here, done),
            "random init": _features(random_init, data, rows, here, done),
        }
        pixels = _pixels(own, data, rows, here, done)
    components = pca.fit(pixels[0], _COMPONENTS, seed=config.seed)
    train, val, test = pixels
    encoders["pixel PCA"] = (components(train), components(val), components(test))
    mean_and_deviation = pca.mean_and_deviation
    encoders["mean and deviation"] = (mean_and_deviation(train), mean_and_deviation(val), mean_and_deviation(test))
    labels = []
    for split in SPLITS:
        known = data.labels(rows[split])
        columns = [known[name] for name in task.labels]
        labels.append(torch.stack(columns, 1) if task.kind == "multilabel" else columns[0])
    subjects = data.table.subjects
    found = probes.examine(
        encoders,
        labels,
        task,
        ids=data.store.ids[rows["test"]],
        subjects=[None if subjects is None else subjects[data.table_rows(rows[s])] for s in SPLITS],
        seed=config.seed,
        say=terminal.say,
    )
    shown = rows["test"][found.pop("rows")]
    examples = found.pop("examples")
    _write_predictions(run, data, rows["test"], labels[-1], found.pop("predictions"))
    (run.path / "examples").mkdir(exist_ok=True)
    atomic_write(run.path / "examples" / "sprite.png", sprite(_thumbnails(data, shown), _TILE, _COLUMNS))
    atomic_write(run.path / "examples" / "examples.json", json.dumps({"tile": _TILE, "columns": _COLUMNS, **examples}))
    return found


def _write_predictions(run: Run, data: DataSet, rows: NDArray[np.int64], labels: Tensor, probabilities: Tensor) -> None:
    """``predictions.parquet``: the linear probe's answer for each labelled test image, so that runs can be paired."""
    import io

    import pandas as pd

    known = (~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)).numpy()
    columns: dict[str, Any] = {"id": [f"{int(i):016x}" for i in data.store.ids[rows[known]]], "split": "test"}
    if labels.ndim == 1:
        columns["label"] = labels.numpy()[known].astype(int)
    else:
        columns |= {f"label_{i}": column for i, column in enumerate(labels.numpy()[known].T)}
    if data.table.subjects is not None:
        columns["subject"] = data.table.subjects[data.table_rows(rows[known])]
    columns |= {f"prob_{i}": column for i, column in enumerate(probabilities.numpy().T)}
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer, index=False)
    atomic_write(run.path / "predictions.parquet", buffer.getvalue())


class _Counter:
    """One bar over several passes."""

    def __init__(self, update: Callable[[int, int], None], total: int) -> None:
        self.update, self.total, self.done = update, total, 0

    def add(self, images: int) -> None:
        """So many more."""
        self.done += images
        self.update(self.done, self.total)


def _features(
    encoder: Encoder, data: DataSet, rows: Mapping[str, NDArray[np.int64]], here: World, done: _Counter
) -> tuple[Tensor, Tensor, Tensor]:
    found = []
    for split in SPLITS:
        found.append(forward(encoder, data.store, rows[split], device=here.device, autocast=here.autocast).cpu())
        done.add(len(rows[split]))
    return found[0], found[1], found[2]


def _pixels(
    encoder: Encoder, data: DataSet, rows: Mapping[str, NDArray[np.int64]], here: World, done: _Counter
) -> list[Tensor]:
    """(n, C, h, w): what the encoder sees, averaged down to at most 32 pixels a side."""
    views = evaluation_views(encoder)
    group, (_, size) = next(iter(views.makes.items()))
    side = (min(_PIXELS, size[0]), min(_PIXELS, size[-1]))
    out = []
    for split in SPLITS:
        parts = []
        for start in range(0, len(rows[split]), 512):
            some = rows[split][start : start + 512]
            draws = views.draw(0, 0, some, data.store.ids[some], data.store.extents[some])
            x = views.apply(data.store.read(draws.rows, draws.windows).to(here.device), draws).views[group][0]
            parts.append(F.adaptive_avg_pool2d(x, side).cpu())
            done.add(len(some))
        out.append(torch.cat(parts))
    return out


def _thumbnails(data: DataSet, rows: NDArray[np.int64]) -> list[NDArray[Any]]:
    """(H, W, C) pixels of records."""
    return [np.moveaxis(np.asarray(data.store.array(int(row))), 0, -1) for row in rows]


def _picture(material: Material, parts: Parts, config: PretrainConfig, run: Run) -> None:
    atomic_write(run.path / "views.png", picture_of(parts.views, material.train.store, material.rows[:8], config.seed))


def _data(material: Material) -> dict[str, Any]:
    """What was learnt from and examined on, in numbers."""
    train, examined = material.train, material.examined
    subjects = train.table.subjects
    found: dict[str, Any] = {
        "train": {
            "name": train.public,
            "images": len(material.rows),
            "subjects": None if subjects is None else len({s for s in subjects[train.table_rows(material.rows)] if s is not None}),
            "left_out": len(train.store.left_out),
            "channels": material.channels,
            "stored_size": str(train.store.settings.size),
            "warnings": list(train.table.warnings),
            "licence": train.table.licence,
        },
        "overlap": dict(material.overlap),
    }
    if examined is not None and examined.table.task is not None:
        found["monitor"] = {
            "name": examined.public,
            "task": examined.table.task.as_dict(),
            "counts": {split: _counts(examined, split) for split in SPLITS},
            "split_by": examined.table.split_by or "source",
            "left_out": len(examined.store.left_out),
            "warnings": list(examined.table.warnings),
            "licence": examined.table.licence,
        }
    return found


def _counts(data: DataSet, split: str) -> dict[str, Any]:
    task = data.table.task
    assert task is not None
    rows = data.rows(split)
    labels, subjects = data.labels(rows), data.table.subjects
    if task.kind == "multilabel":
        per_class = [int((labels[name] == 1).sum()) for name in task.labels]
    else:
        per_class = [int((labels[task.labels[0]] == c).sum()) for c in range(len(task.classes))]
    people = None if subjects is None else len({s for s in subjects[data.table_rows(rows)] if s is not None})
    return {"images": len(rows), "subjects": people, "per_class": per_class}


def _checkpoints(run: Run) -> dict[str, Any]:
    """Which checkpoint labels would choose, which RankMe would, and whether they agree."""
    rows = [r for r in run.metrics() if r.get("kind") == "monitor" and r.get("step", 0) > 0]
    if not rows:
        return {}
    keys = [k for k in rows[-1] if k.startswith(("monitor/linear/", "monitor/knn/")) and "train_" not in k and "loss" not in k]
    main = next((k for k in keys if k.startswith("monitor/knn/")), keys[0] if keys else None)
    found: dict[str, Any] = {"last": {"step": rows[-1]["step"]}}
    rank = [r for r in rows if r.get("monitor/spread/rankme") is not None and not r.get("monitor/spread/collapsed")]
    if rank:
        best = max(rank, key=lambda r: float(r["monitor/spread/rankme"]))
        found["chosen_by_rankme"] = {"step": best["step"], "value": best["monitor/spread/rankme"]}
    scored = [r for r in rows if main is not None and r.get(main) is not None]
    if main is not None and scored:
        best = max(scored, key=lambda r: float(r[main]))
        found["chosen_by_labels"] = {"step": best["step"], "metric": main.removeprefix("monitor/"), "value": best[main]}
        if rank:
            step = found["chosen_by_rankme"]["step"]
            there = next((r[main] for r in scored if r["step"] == step), None)
            found["agree"] = step == best["step"]
            loss = f"; there {main.removeprefix('monitor/')} was {there:.3f} against {best[main]:.3f}" if there is not None else ""
            found["sentence"] = (
                f"Labels and RankMe choose the same checkpoint, step {step}."
                if found["agree"]
                else f"Labels choose step {best['step']}, RankMe chooses step {step}{loss}."
            )
    return found


def _warnings(material: Material, run: Run) -> list[str]:
    found = [r["text"] for r in run.metrics() if r.get("kind") == "notice"]
    sizes = material.train.store.extents
    side = int(np.median(sizes.min(1)))
    if side < 16:
        found.append(f"Half of the training images are smaller than {side} pixels.")
    return list(dict.fromkeys(found))
