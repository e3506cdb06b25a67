"""How the tests that run every method build each one small: a method that asks for more has its line in ``CASES``.

Two views of 16 pixels and a ResNet-18 of an eighth of its width do for most; ``hidden`` and ``dim`` are made small where a
method has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from vesalius import registry, views
from vesalius.encoders import build_encoder
from vesalius.training.method import Method
from vesalius.views.pipeline import Views

OPERATIONS = ("random_resized_crop", "horizontal_flip")
TWO_VIEWS: Mapping[str, Any] = {"global": {"count": 2, "size": 16, "operations": [*OPERATIONS]}}
RESNET: Mapping[str, Any] = {"name": "resnet18", "width": 0.125, "stem": "small"}


@dataclass(frozen=True)
class Case:
    """Fields of the method's Config, the encoder and the views of its small version; one channel."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    encoder: Mapping[str, Any] = field(default_factory=lambda: RESNET)
    views: Mapping[str, Any] = field(default_factory=lambda: TWO_VIEWS)


CASES: Mapping[str, Case] = {
    "mae": Case(
        {"width": 16, "depth": 1, "heads": 2},
        {"name": "timm:vit_tiny_patch16_224", "patch_size": 4, "depth": 2, "embed_dim": 32, "num_heads": 2},
        {"global": {"count": 1, "size": 16, "operations": [*OPERATIONS, {"token_mask": {"patch": 4}}]}},
    ),
    "restoration": Case(
        {"decoder": 4},
        views={
            "shared": [*OPERATIONS],
            "clean": {"count": 1, "size": 16, "operations": []},
            "corrupted": {"count": 2, "size": 16, "operations": [{"erasing": {"p": 1.0}}]},
        },
    ),
    "dino": Case(
        {"hidden": 32, "dim": 16, "prototypes": 24},
        views={**TWO_VIEWS, "local": {"count": 2, "size": 8, "operations": [*OPERATIONS]}},
    ),
    "moco": Case({"hidden": 32, "dim": 16, "queue": 37}),  # no multiple of any batch: it wraps around within one
    "lejepa": Case(
        {"hidden": 32, "dim": 16, "slices": 32},
        views={**TWO_VIEWS, "local": {"count": 2, "size": 8, "operations": [*OPERATIONS]}},
    ),
}


def case(name: str) -> Case:
    """What the method ``name`` is built from in tests."""
    if name in CASES:
        return CASES[name]
    known = registry.entry("methods", name).Config.model_fields
    return Case({key: value for key, value in (("hidden", 32), ("dim", 16)) if key in known})


def build(name: str) -> Method:
    """The small method, the same every time."""
    chosen, module = case(name), registry.entry("methods", name)
    options = {key: value for key, value in chosen.encoder.items() if key != "name"}
    encoder = build_encoder(str(chosen.encoder["name"]), channels=1, size=(16, 16), **options)
    torch.manual_seed(0)
    method: Method = module.build(encoder, module.Config(**chosen.fields))
    return method


def make_views(name: str) -> Views:
    """The small method's views."""
    return views.load(case(name).views, 1)
