"""The same recipe for views of another size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.views.pipeline import Views
from vesalius.views.recipe import load

PIXELS: Mapping[str, tuple[str, ...]] = {
    "random_resized_crop": ("size",),
    "resize": ("shorter",),
    "elastic": ("alpha", "sigma"),
}
"""What operations say in pixels of the view and is part of its framing."""


def at_size(views: Views, size: Sequence[int]) -> Views:
    """``views`` with every group made at ``size`` (height, width); what is resized before a centre crop follows in proportion."""
    config = views.config()
    for name in views.makes:
        group = config[name]
        factor = max(size) / max(group["size"])
        steps = [_step(step, factor) for step in group["operations"]]
        config[name] = {**group, "size": list(size), "operations": steps}
    return load(config, views.channels)


def _step(step: Mapping[str, Any], factor: float) -> dict[str, Any]:
    ((name, fields),) = step.items()
    changed = {key: fields[key] * factor for key in PIXELS.get(name, ()) if fields.get(key) is not None}
    whole = {key: round(value) if isinstance(fields[key], int) and name != "elastic" else value for key, value in changed.items()}
    return {name: {**fields, **whole}}
