"""From a recipe's name, a file or a mapping, and the user's changes, to a checked configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vesalius import registry
from vesalius.encoders.build import check_options
from vesalius.errors import UserError
from vesalius.recipes.augmentation import with_files
from vesalius.recipes.checking import check, nearest
from vesalius.recipes.compat import compat_changes
from vesalius.recipes.config import MonitorConfig, PretrainConfig
from vesalius.recipes.layers import GIVEN, Layer, layers, merged
from vesalius.recipes.own_images import without_its_monitor
from vesalius.recipes.tracking import check_trackers
from vesalius.training.world import processes


def load_pretrain(
    reference: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> tuple[PretrainConfig, list[str]]:
    """The checked configuration of a pretraining and what to tell the user about it.

    Order: recipe, then the user's ``changes``; what ``compat`` brings back lies below the layer that says ``compat``,
    so that a resolved configuration is run again as it is. Raises UserError naming the key, with the nearest known one.
    """
    given, sentences = without_its_monitor([*layers(reference), Layer(dict(changes or {}), GIVEN)])
    config, origins = merged(given)
    for plugin in config.get("plugins") or ():
        registry.load_plugin(plugin)
    if (word := str(config.get("compat", "none"))) != "none":
        said = max(i for i, layer in enumerate(given) if "compat" in layer.fields)
        method = str((config.get("method") or {}).get("name", PretrainConfig.model_fields["method"].default.name))
        brought, told = compat_changes(word, config, method, processes())
        sentences += told
        config, origins = merged([*given[:said], Layer(brought, f"compat {word}"), *given[said:]])
    config, more = with_files(config)
    sentences = [*sentences, *more]
    checked = check(PretrainConfig, config).said_by(origins)
    method_config: Any = check(registry.entry("methods", checked.method.name).Config, checked.method.fields, f"method {checked.method.name}")
    if hasattr(method_config, "check_batch"):  # before anything is decoded
        method_config.check_batch(checked.batch_size * checked.accumulate * processes())
    check_options(checked.encoder.name, checked.encoder.fields)
    for monitor in checked.monitors:
        monitor_settings(checked, monitor)
    check_trackers(checked.tracking)
    return checked, sentences


def needs_labels(monitor: str) -> bool:
    """Whether the monitor of that registered name reads labels."""
    return bool(getattr(registry.entry("monitors", monitor), "NEEDS_LABELS", True))


def monitor_settings(config: PretrainConfig, given: MonitorConfig) -> BaseModel:
    """The checked fields of one monitor, its interval and ``compat`` among them.

    Raises UserError for a field that it has not.
    """
    model: type[BaseModel] = registry.entry("monitors", given.name).Config
    own = [name for name in model.model_fields if name != "interval"]
    for key in given.fields:
        if key not in own:
            known = [*own, *(name for name in MonitorConfig.model_fields if name != "name")]
            raise UserError(f"There is no field {key!r} in monitor {given.name}.{nearest(key, known)}")
    fields = {**given.fields, "interval": given.every or config.validate_every}
    if config.compat == "innereye" and "compat" in own:
        fields.setdefault("compat", config.compat)
    return check(model, fields, f"monitor {given.name}")
