"""Vesalius: learn an image encoder without labels, measure what it is worth, pick what to label.

Every verb of the command line is a function of the same name and fields here. Nothing heavy is imported until it is used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vesalius.client import Client
    from vesalius.demo import demo
    from vesalius.embed import embed
    from vesalius.encoders import build_encoder, load_encoder, save_encoder
    from vesalius.evaluate.verb import evaluate
    from vesalius.export import export
    from vesalius.finetune import finetune
    from vesalius.models import prepare_model
    from vesalius.predict import predict
    from vesalius.pretrain import pretrain
    from vesalius.reporting import report
    from vesalius.select.verb import select

__version__ = "0.1.0"

_PLACES = {
    "Client": "vesalius.client",
    "build_encoder": "vesalius.encoders",
    "demo": "vesalius.demo",
    "embed": "vesalius.embed",
    "evaluate": "vesalius.evaluate.verb",
    "export": "vesalius.export",
    "finetune": "vesalius.finetune",
    "load_encoder": "vesalius.encoders",
    "predict": "vesalius.predict",
    "prepare_model": "vesalius.models",
    "pretrain": "vesalius.pretrain",
    "report": "vesalius.reporting",
    "save_encoder": "vesalius.encoders",
    "select": "vesalius.select.verb",
}
__all__ = [
    "Client", "build_encoder", "demo", "embed", "evaluate", "export", "finetune", "load_encoder", "predict", "prepare_model", "pretrain", "report",
    "save_encoder", "select",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'vesalius' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


class _Package(ModuleType):
    """A verb is a function whatever was imported before: the module of the same name does not take its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
