"""The same recipe for views of another size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.views.pipeline import Views
from vesalius.views.recipe import load

PIXELS: Mapping[str, tuple[str, ...]] = {
    "random_resized_crop": ("size",),
    "resize": ("shorter",),
    "elastic": ("alpha", "sigma"),
    "patch": ("size",),
    "local_shuffle": ("size",),
}
"""What operations say in pixels of the view and is part of its framing."""


def at_size(views: Views, size: Sequence[int]) -> Views:
    """``views`` with every group made at ``size`` (height, width; of volumes x, y, z).

    What is resized before a centre crop, the window that volumes are read from and the holes in them follow in proportion.
    """
    config = views.config()
    if views.dims == 3:
        first = config[next(iter(views.makes))]["size"]
        config["shared"] = [_step(step, [new / old for new, old in zip(size, first)]) for step in config["shared"]]
    for name in views.makes:
        group = config[name]
        factors = [new / old for new, old in zip(size, group["size"])]
        if views.dims == 2:
            factors = [max(size) / max(group["size"])]
        steps = [_step(step, factors) for step in group["operations"]]
        config[name] = {**group, "size": list(size), "operations": steps}
    return load(config, views.channels)


def _step(step: Mapping[str, Any], factors: Sequence[float]) -> dict[str, Any]:
    """The operation with what it says in pixels multiplied; what is one number for all axes by the mean of ``factors``."""
    ((name, fields),) = step.items()
    factor = math.prod(factors) ** (1 / len(factors)) if len(factors) > 1 else factors[0]
    if name == "paint":
        holes = {kind: {**fields[kind], "size": [max(1, round(side * factor)) for side in fields[kind]["size"]]} for kind in ("inside", "outside")}
        return {name: {**fields, **holes}}
    changed: dict[str, Any] = {}
    for key in PIXELS.get(name, ()):
        value = fields.get(key)
        if isinstance(value, list):
            changed[key] = [max(1, round(side * part)) for side, part in zip(value, factors)]
        elif value is not None:
            whole = isinstance(value, int) and name != "elastic"
            changed[key] = max(1, round(value * factor)) if whole else value * factor
    return {name: {**fields, **changed}}
