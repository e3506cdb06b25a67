"""What ``compat`` brings back of an original: its numbers, networks and transforms, never its faults of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes import monai_tutorial

_LINEAR = {"lr": 1e-4, "weight_decay": 1e-4, "dropout": 0.2, "batch": 16}
_OPTIMIZER: Mapping[str, Mapping[str, Any]] = {
    # SimCLR decays everything, per step; BYOL all but names with "bias" or "bn", per epoch, first epoch at zero
    "simclr": {"decay_by": "all", "schedule": {"name": "cosine", "per": "step", "start": "zero"}},
    "byol": {"decay_by": "name", "schedule": {"name": "cosine", "per": "epoch", "start": "zero"}},
}
_CLASSIFIER: Mapping[str, Any] = {
    "optimizer": {
        "name": "adam", "lr": 1e-4, "eps": 1e-4, "weight_decay": 1e-4, "decay_by": "all", "layer_decay": None,
        "warmup": {"steps": 0}, "schedule": {"name": "constant"},
    },
    "encoder": {"lr_factor": 1.0},
    "dropout": 0.2,
    "linear_first": False,
    "patience": None,
}  # fmt: skip
_RATE = "compat innereye: the learning rate warms up from zero over 10 epochs whatever the run's length, so short runs never reach their peak rate."
_SPLIT = "compat innereye: a tenth of the labelled training images, drawn by image and not by subject, validates."
_CIFAR = "compat innereye: the small-image stem keeps its max-pool, and heads, temperature and weight decay are the original's."
_RADIOGRAPHS = (
    "compat innereye: radiographs are turned by up to 180 degrees, mirrored and partly erased as the original's YAML has it; heads, "
    "temperature and weight decay are the original's."
)
_FROZEN = (
    "compat innereye: the encoder is frozen, so its head is solved for. The original's Adam at 1e-4, dropout and augmentation act where the "
    "encoder learns too (--freeze_encoder False)."
)
_END_TO_END = (
    "compat innereye: encoder and head learn at one constant rate to the last epoch. The best weights are still chosen on validation, and "
    "class weights come from the training labels alone."
)


def compat_changes(word: str, config: Mapping[str, Any], method: str, world: int) -> tuple[dict[str, Any], list[str]]:
    """Changes to the recipe ``config`` for ``compat: word`` and one sentence per fault of measurement they reproduce.

    ``world``: number of processes; InnerEye multiplies its learning rate by it.
    Raises UserError for a method that the original had not.
    """
    if word == "monai-tutorial":
        return monai_tutorial.changes(method), list(monai_tutorial.SENTENCES)
    _check(word, "innereye, monai-tutorial")
    brought = getattr(registry.entry("methods", method), "COMPAT", {})
    if word not in brought:
        raise UserError(
            f"compat {word} brings back how the original trained; it had simclr and byol, and this recipe's method is {method}. Leave "
            "compat out, or choose a recipe of one of these (`vesalius recipes list`)."
        )
    changes = {
        "monitors": {"linear": _LINEAR},
        "validate_every": {"epochs": 1},
        "method": {"name": method, **brought[word]},
        "optimizer": {"name": "adam", "lr": 1e-4 * world, "weight_decay": 1e-6, "warmup": {"epochs": 10}, **_OPTIMIZER.get(method, {})},
    }
    if _is_cifar(config):
        return {**changes, "views": "cifar-innereye", "encoder": {"stem": "innereye"}}, [_RATE, _SPLIT, _CIFAR]
    encoder = {"final_relu": False} if (config.get("encoder") or {}).get("name") == "densenet121" else {}
    head = {"linear": {**_LINEAR, "views": "radiograph-innereye-head"}}
    more = {"views": "radiograph-innereye-encoder", "monitors": head, "encoder": encoder, "data": {"channels": 3}}
    return {**changes, **more}, [_RATE, _SPLIT, _RADIOGRAPHS]


def classifier_changes(word: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Changes to the recipe ``config`` of a fine-tuning for ``compat: word``."""
    _check(word)
    return {**_CLASSIFIER, "views": "cifar-head" if _is_cifar(config) else "radiograph-innereye-head"}


def classifier_sentences(word: str, *, frozen: bool) -> list[str]:
    """What to say of a fine-tuning under ``compat: word``."""
    return [] if word == "none" else [_FROZEN if frozen else _END_TO_END]


def _check(word: str, known: str = "innereye") -> None:
    if word != "innereye":
        raise UserError(f"compat is {word!r}; known: none, {known}.")


def _is_cifar(config: Mapping[str, Any]) -> bool:
    """The original went by the data set's name: CIFAR has views and a stem of its own, all else those of radiographs."""
    return str((config.get("data") or {}).get("train", "")).startswith("cifar")
