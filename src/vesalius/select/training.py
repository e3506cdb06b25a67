"""The training before the embedding: the images of a job as a pretraining of ours, in a folder of the selection's run.

Left to itself it is SimCLR with what has become usual since: 256 images a step where there are as many, a low temperature, momentum,
warm-up and a cosine. Under ``compat: lightly-worker`` it is what the Worker trained (network, views, batch, rate, temperature); what was
wrong with it is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.recipes.merging import merge
from vesalius.select.config import ModelConfig, SelectConfig, TrainingConfig
from vesalius.terminal import Terminal

WORKER = "lightly-worker"
_TWO_VIEWS = ("simclr", "moco", "byol", "vicreg")
_BATCH, _FEW, _SMALL, _MIDDLE, _LARGEST = 256, 16, 40, 96, 128
_RECIPE_FIELD = re.compile(r"--(?=(?:data|views|encoder|method|optimizer|batch_size|epochs)\b)")
_FAULTS = (
    "compat lightly-worker: it learns at a constant rate without momentum, warm-up or decay of the rate, from {batch_size} images a step at a "
    "temperature of {temperature:g}; without compat it is up to 256 at 0.1, along a cosine.",
    "compat lightly-worker: images are seen at {image_size} pixels and become {num_ftrs} numbers each; --layer features selects on the pooled features before.",
)


def train(config: SelectConfig, table: SampleTable, folder: Path, terminal: Terminal) -> Path:
    """The folder of the finished pretraining on ``table``, or on its objects; one that was begun there goes on.

    Raises what ``vesalius pretrain`` does.
    """
    from vesalius.pretrain import pretrain

    learnt = _objects(config, table, terminal)
    for sentence in faults(config):
        terminal.say(sentence)
    heard = _Within(quiet=terminal.quiet)
    if (folder / "run.json").exists():
        return pretrain(resume=folder, images=learnt, terminal=heard).path
    channels, side = looked_at(learnt)
    return pretrain(recipe(config, len(learnt), channels, side), out=folder, images=learnt, terminal=heard).path


class _Within(Terminal):
    """What the pretraining says, its recipe's fields under the names that they have in a selection's job."""

    def say(self, text: str) -> None:
        """One line."""
        super().say(_RECIPE_FIELD.sub("--training.recipe.", text))


def check_recipe(config: SelectConfig) -> None:
    """Raises UserError for a training that could not begin, before anything is computed: the weights that it starts from are not read."""
    from vesalius.recipes.loading import load_pretrain

    load_pretrain(recipe(config.model_copy(update={"encoder": None}), _BATCH, 3, _SMALL))


def faults(config: SelectConfig) -> list[str]:
    """What to say of the Worker's own training, where it is reproduced."""
    training = config.training
    if config.compat != WORKER or training is None:
        return []
    image_size, num_ftrs = training.augmentation.image_size, config.model.num_ftrs
    return [fault.format(**{**training.model_dump(), "image_size": image_size, "num_ftrs": num_ftrs}) for fault in _FAULTS]


def warnings(config: SelectConfig, folder: Path) -> list[str]:
    """What speaks against the encoder whose pretraining lies in ``folder``: the Worker's settings, and what its watch saw, such as a collapse."""
    if config.training is None or not (folder / "results.json").is_file():
        return []
    seen = json.loads((folder / "results.json").read_text()).get("warnings", [])
    return [*faults(config), *(f"The training: {sentence}" for sentence in seen)]


def lightly_block(config: SelectConfig) -> dict[str, Any]:
    """``{model: {name, width, num_ftrs, out_dim}}`` of a network of the Worker's; nothing where another is trained, or none."""
    if config.training is None or not _workers_own(config):
        return {}
    model = config.model
    return {
        "model": {"name": model.name or "resnet-18", "width": model.width or 1, "num_ftrs": model.num_ftrs or 32, "out_dim": model.out_dim or 128}
    }


def recipe(config: SelectConfig, count: int, channels: int, side: int) -> dict[str, Any]:
    """The pretraining of ``config`` on ``count`` images of ``channels`` (1 or 3) whose shorter sides are about ``side`` pixels.

    Raises UserError for a method that does not learn from two views.
    """
    training = config.training
    assert training is not None
    if training.method not in _TWO_VIEWS:
        raise UserError(
            f"training.method is {training.method}; a selection trains {', '.join(_TWO_VIEWS)}. Train with another method first: "
            f"`vesalius pretrain`, then --encoder RUN instead of training."
        )
    worker = config.compat == WORKER
    size = training.augmentation.image_size or min(max(side, 8), _LARGEST)
    batch = min(training.batch_size or min(_BATCH, max(_FEW, count // 4)), count)
    tree: dict[str, Any] = {
        "data": {
            "train": config.data, "channels": 3 if _workers_own(config) else channels, "drop_last": training.drop_last,
            "max_bad_share": config.max_bad_share,
        },
        "views": {"global": {"count": 2, "size": size, "operations": _operations(training, size, colour=channels != 1 or worker)}},
        "encoder": _encoder(config, size),
        "method": _method(training, config.model, lightly=_workers_own(config)),
        "optimizer": _optimizer(training, worker=worker),
        "epochs": training.epochs,
        "batch_size": batch,
        "precision": training.precision,
        "seed": config.seed,
        "device": config.device,
        "plugins": list(config.plugins),
        "name": "training",
    }  # fmt: skip
    if config.threads is not None:
        tree["threads"] = config.threads
    return merge(tree, training.recipe)


def looked_at(table: SampleTable) -> tuple[int, int]:
    """Channels (1 or 3) of the images of ``table`` and the median of their shorter sides in pixels, by a few of them."""
    import numpy as np

    from vesalius.data import readers
    from vesalius.data.dataset import pick_channels
    from vesalius.data.outcomes import Unreadable

    sides = []
    for row in np.linspace(0, len(table) - 1, min(24, len(table))).astype(int):
        uri, frame, box = (table.frame[column].iloc[int(row)] for column in ("uri", "frame", "box"))
        if box is not None:
            sides.append(min(box[2:]))
        elif table.container is not None:
            sides.append(min(table.container(str(uri)).shape[1:3]))
        else:
            try:
                sides.append(min(readers.read(table.path(str(uri)), int(frame)).pixels.shape[:2]))
            except Unreadable:
                continue
    channels = pick_channels(table)
    return (3 if channels == "keep" else channels), round(float(np.median(sides))) if sides else _LARGEST


def _objects(config: SelectConfig, table: SampleTable, terminal: Terminal) -> SampleTable:
    assert config.training is not None
    task = config.training.task_name
    if not task:
        return table
    from vesalius.select.objects import crops_of

    tiling = next((tiling for tiling in config.tiles if tiling.name == task), None)
    return crops_of(table, task, tiling=tiling, padding=config.training.padding or config.padding, terminal=terminal)


def _workers_own(config: SelectConfig) -> bool:
    """Whether the network is the Worker's: under compat, and where its own layer or a depth that only it has is asked for."""
    name = config.model.name or ""
    return config.compat == WORKER or config.model.num_ftrs is not None or name in ("resnet-9", "resnet-152") or name.startswith("lightly-")


def _encoder(config: SelectConfig, size: int) -> dict[str, Any]:
    """The network to train: what is named, that of the weights to start from, or one that fits images of ``size`` pixels."""
    model, width = config.model, {} if config.model.width is None else {"width": config.model.width}
    if config.encoder is not None:
        return {**_start(config), **width}
    if _workers_own(config):
        from vesalius.encoders.lightly_resnet import ours

        return {"name": ours((model.name or "resnet-18").removeprefix("lightly-")), "num_ftrs": model.num_ftrs or 32, **width}
    stem = "small" if size <= _SMALL else "innereye" if size <= _MIDDLE else "standard"
    name = model.name or "resnet18"
    return {"name": name.replace("resnet-", "resnet"), **({"stem": stem} if name.startswith("resnet") else {}), **width}


def _start(config: SelectConfig) -> dict[str, Any]:
    """The network and the weights of ``config.encoder``."""
    from vesalius.encoders import load_encoder
    from vesalius.encoders.build import is_name
    from vesalius.encoders.loading import PUBLIC
    from vesalius.select.checkpoints import encoder_of

    named = str(config.encoder)
    if not config.encoder_run and is_name(named):
        pretrained = named if named.startswith(PUBLIC) else None
        weights = config.weights or pretrained
        return {"name": named, **({"weights": weights} if weights else {}), **({"code": config.code} if config.code else {})}
    reference = str(encoder_of(config, Terminal(quiet=True)))
    card = load_encoder(reference, code=config.code).card
    return {"name": card.architecture, **card.options, "weights": reference, **({"code": config.code} if config.code else {})}


def _method(training: TrainingConfig, model: ModelConfig, *, lightly: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"name": training.method}
    temperature = training.temperature or (0.1 if training.method == "simclr" else None)
    if temperature is not None:
        found["temperature"] = temperature
    if lightly and training.method == "simclr":  # the document's projection head
        return {**found, "hidden": model.num_ftrs or 32, "dim": model.out_dim or 128, "hidden_bias": False, "last_norm": True}
    return found if model.out_dim is None else {**found, "dim": model.out_dim}


def _optimizer(training: TrainingConfig, *, worker: bool) -> dict[str, Any]:
    decay = 1e-4 if training.weight_decay is None else training.weight_decay
    found = {"name": "sgd", "lr": "auto" if training.lr is None else training.lr, "weight_decay": decay}
    if not worker:
        return {**found, "warmup": {"share": 0.1}}
    return {**found, "momentum": 0.0, "decay_by": "all", "warmup": {"steps": 0}, "schedule": {"name": "constant"}}


def _operations(training: TrainingConfig, size: int, *, colour: bool) -> list[dict[str, Mapping[str, Any]]]:
    """The views' operations, in the order of lightly's SimCLR."""
    asked = training.augmentation

    def said(name: str, otherwise: float) -> float:
        value = getattr(asked, name)
        return otherwise if value is None else float(value)

    jitter = {"brightness": said("brightness", 0.4), "contrast": said("contrast", 0.4)}
    if colour:
        jitter |= {"saturation": said("saturation", 0.4), "hue": said("hue", 0.1)}
    degrees = asked.rotation_degrees
    blur: dict[str, Any] = {"sigma": list(asked.blur_sigma or (0.1, max(0.2, 2 * size / 224))), "p": said("blur_p", 0.5 if size >= 64 else 0.0)}
    if asked.blur_kernel:
        blur["kernel"] = asked.blur_kernel
    listed: list[tuple[float, str, Mapping[str, Any]]] = [
        (1.0, "random_resized_crop", {"scale": [said("min_scale", 0.2), 1.0]}),
        (said("rotation_p", 0.0), "affine", {"degrees": [90.0, 90.0] if degrees is None else degrees, "p": said("rotation_p", 0.0)}),
        (said("horizontal_flip_p", 0.5), "horizontal_flip", {"p": said("horizontal_flip_p", 0.5)}),
        (said("vertical_flip_p", 0.0), "vertical_flip", {"p": said("vertical_flip_p", 0.0)}),
        (said("colour_p", 0.8), "colour_jitter", {**jitter, "p": said("colour_p", 0.8)}),
        (said("grey_p", 0.2) if colour else 0.0, "greyscale", {"p": said("grey_p", 0.2)}),
        (blur["p"], "gaussian_blur", blur),
    ]
    return [{name: fields} for chance, name, fields in listed if chance > 0]
