"""What ``compat`` brings back of an original: its numbers, networks and transforms, never its faults of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius import registry
from vesalius.errors import UserError

_INNEREYE: Mapping[str, Any] = {
    "views": "cifar-innereye",
    "encoder": {"stem": "innereye"},
    "monitors": {"linear": {"lr": 1e-4, "weight_decay": 1e-4, "dropout": 0.2, "batch": 16}},
    "validate_every": {"epochs": 1},
}
_INNEREYE_OPTIMIZER: Mapping[str, Mapping[str, Any]] = {
    # SimCLR decays everything, per step; BYOL all but names with "bias" or "bn", per epoch, first epoch at zero
    "simclr": {"decay_by": "all", "schedule": {"name": "cosine", "per": "step", "start": "zero"}},
    "byol": {"decay_by": "name", "schedule": {"name": "cosine", "per": "epoch", "start": "zero"}},
}
_SENTENCES: Mapping[str, list[str]] = {
    "innereye": [
        "compat innereye: the learning rate warms up from zero over 10 epochs whatever the run's length, so short runs "
        "never reach their peak rate.",
        "compat innereye: a tenth of the labelled training images, drawn by image and not by subject, validates.",
        "compat innereye: the small-image stem keeps its max-pool, and heads, temperature and weight decay are the original's.",
    ]
}


def compat_changes(word: str, method: str, world: int) -> tuple[dict[str, Any], list[str]]:
    """Changes to a recipe for ``compat: word`` and one sentence per fault of measurement they reproduce.

    ``world``: number of processes; InnerEye multiplies its learning rate by it.
    """
    if word != "innereye":
        raise UserError(f"compat is {word!r}; known: none, innereye.")
    brought = getattr(registry.entry("methods", method), "COMPAT", {})
    if word not in brought:
        raise UserError(
            f"compat {word} brings back how the original trained; it had simclr and byol, and this recipe's method is {method}. Leave "
            "compat out, or choose a recipe of one of these (`vesalius recipes list`)."
        )
    changes = {
        **_INNEREYE,
        "method": {"name": method, **brought[word]},
        "optimizer": {
            "name": "adam",
            "lr": 1e-4 * world,
            "weight_decay": 1e-6,
            "warmup": {"epochs": 10},
            **_INNEREYE_OPTIMIZER.get(method, {}),
        },
    }
    return changes, list(_SENTENCES[word])
