"""The examination at the end of a pretraining: the encoder beside its baselines, and everything the report shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet
from vesalius.encoders.encoder import Encoder
from vesalius.evaluate.facts import caveats, labelled_facts
from vesalius.evaluate.pairs.pixels import small
from vesalius.evaluate.pretrained import probes
from vesalius.evaluate.pretrained.choosing import checkpoints
from vesalius.evaluate.pretrained.verdict import sentences
from vesalius.evaluate.sprites import write_examples
from vesalius.features import forward
from vesalius.files import atomic_write
from vesalius.measures import pca
from vesalius.recipes.assembly import Parts, fresh_encoder
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.material import Material
from vesalius.recipes.picturing import picture_of
from vesalius.recipes.planned import noun
from vesalius.runs import Run
from vesalius.terminal import Terminal
from vesalius.training.world import World

SPLITS = ("train", "val", "test")
_COMPONENTS = 128


def examine(
    config: PretrainConfig,
    material: Material,
    parts: Parts,
    run: Run,
    here: World,
    terminal: Terminal,
    own: Encoder,
    exported: str = "last",
) -> dict[str, Any]:
    """``results.json`` but its cost; writes ``examples/`` and ``views.png`` into ``run``. ``own`` is what the run hands
    over, the checkpoint called ``exported``.

    The encoder, its random initialisation, the weights it started from where there were some, principal components of
    the pixels and their mean and deviation stand under the same probes; see ``probes.examine`` for the rule.
    """
    absent: dict[str, str] = {}
    monitors = [monitor for monitor, _, _ in parts.watch.entries]
    results: dict[str, Any] = {
        "kind": "pretrain",
        "title": config.name or f"{config.method.name} on {material.train.public}",
        "data": _data(material),
        "checkpoints": checkpoints(run.metrics(), monitors, parts.labelled, exported),
        "warnings": _warnings(material, run),
    }
    if config.compat != "none":
        results["warnings"].insert(0, f"Made with compat: {config.compat}; see docs/migrate for what that reproduces.")
    _picture(material, parts, config, run)
    reason = _not_examined(config, material)
    if reason:
        absent = dict.fromkeys(("probes", "label-efficiency", "neighbours", "map", "mistakes", "calibration"), reason)
    else:
        results |= _probed(config, material, parts, run, here, terminal, own)
    said = caveats(material.examined) if material.examined is not None else []
    results["warnings"] += said
    return {**results, "verdict": [*sentences(results, run.metrics(), reason), *said], "absent": absent}


def _not_examined(config: PretrainConfig, material: Material) -> str:
    data = material.examined
    if not config.examine:
        return "The recipe says examine: false."
    if data is None and material.plan is not None:
        return "No volumes with classes were given: set --data.monitor, or fine-tune a segmenter to see what the encoder is worth."
    if data is None:
        return "No labelled monitoring data was given: set --data.monitor to see what the encoder is worth."
    if data.table.task is None:
        return "The monitoring data has no labels: give labelled images to see what the encoder is worth."
    if data.table.task.kind in ("regression", "segmentation"):
        return f"The monitoring data is a {data.table.task.kind}; the examination measures classes of whole {noun(material.plan)}."
    empty = [split for split in SPLITS if not len(data.rows(split))]
    return f"The monitoring data has no {' and no '.join(empty)} {noun(material.plan)}: set --data.split.test." if empty else ""


def _probed(
    config: PretrainConfig, material: Material, parts: Parts, run: Run, here: World, terminal: Terminal, own: Encoder
) -> dict[str, Any]:
    data = material.examined
    assert data is not None
    assert data.table.task is not None
    task = data.table.task
    rows = {split: data.rows(split) for split in SPLITS}
    networks = {probes.OWN: own, **_before(config, material, parts)}
    with terminal.bar("examining", noun(material.plan)) as update:
        done = _Counter(update, (1 + len(networks)) * sum(map(len, rows.values())))
        encoders = {name: _features(network, data, rows, here, done) for name, network in networks.items()}
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
    write_examples(run.path / "examples", data, shown, examples)
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


def _before(config: PretrainConfig, material: Material, parts: Parts) -> dict[str, Encoder]:
    """The encoder as it was before the first step, and as it would be without weights to start from."""
    start = fresh_encoder(config, material, parts.views)
    if config.encoder.fields.get("weights") is None:
        return {"random init": start}
    return {"starting weights": start, "random init": fresh_encoder(config, material, parts.views, like=start)}


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
    """What the encoder sees of each split, averaged down; see ``pixels.small``."""
    out = []
    for split in SPLITS:
        parts = []
        for part in small(encoder.card, data, rows[split], here.device):
            parts.append(part)
            done.add(len(part))
        out.append(torch.cat(parts))
    return out


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
            "stored_size": train.store.size,
            "warnings": list(train.table.warnings),
            "licence": train.table.licence,
            **_grid(material),
        },
        "overlap": dict(material.overlap),
    }
    if examined is not None and examined.table.task is not None:
        found["monitor"] = labelled_facts(examined)
    return found


def _grid(material: Material) -> dict[str, Any]:
    """Of volumes: their plan, and what there is of them in voxels."""
    if material.plan is None:
        return {}
    sizes = material.train.store.extents[material.rows]
    return {
        "plan": material.plan.model_dump(mode="json"),
        "voxels": int(sizes.prod(1).sum()),
        "extents": np.median(sizes, 0).astype(int).tolist(),
        "validation": len(material.train.rows("val")),
    }


def _warnings(material: Material, run: Run) -> list[str]:
    found = [r["text"] for r in run.metrics() if r.get("kind") == "notice"]
    sizes = material.train.store.extents
    if material.plan is not None:
        if small := int((sizes < material.plan.patch).any(1).sum()):
            patch = "×".join(map(str, material.plan.patch))
            found.append(f"{small:,} of {len(sizes):,} volumes are smaller than a patch of {patch} voxels; they lie in the middle of zeros.")
        return list(dict.fromkeys(found))
    side = int(np.median(sizes.min(1)))
    if side < 16:
        found.append(f"Half of the training images are smaller than {side} pixels.")
    return list(dict.fromkeys(found))
