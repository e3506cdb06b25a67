"""What an evaluation may say: which protocols, of what, and each protocol's own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes.checking import check
from vesalius.recipes.data_config import Frozen


class EvaluateConfig(Frozen):
    """One evaluation. ``fields``: protocol -> its own fields, checked by its ``Config``."""

    protocols: Sequence[str] = Field(description="Protocols by name.")
    run: Sequence[str] = Field((), description="Fine-tuned runs; the first is compared with the others.")
    fields: Mapping[str, Mapping[str, Any]] = Field({}, description="Each protocol's own fields.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    precision: Literal["fp32", "bf16", "auto"] = Field("fp32", description="fp32, bf16 or auto.")
    batch_size: int = Field(256, ge=1, description="Images per forward pass.")
    seed: int = Field(1, description="Of every random number.")


def configured(protocols: str | Sequence[str], run: Sequence[str], given: Mapping[str, Any]) -> EvaluateConfig:
    """The checked configuration. A field in ``given`` is one of ours, ``PROTOCOL.FIELD``, or a field's name alone, which is then
    meant for every protocol that has it. Raises UserError naming the nearest for what nobody knows.
    """
    names = [name.strip() for name in (protocols.split(",") if isinstance(protocols, str) else protocols) if name.strip()]
    if not names:
        raise UserError(f"Nothing says what to evaluate by. Name a protocol: {', '.join(registry.names('protocols'))}.")
    modules = {name: registry.entry("protocols", name) for name in names}
    own = {key: value for key, value in given.items() if key in EvaluateConfig.model_fields and key not in ("protocols", "run", "fields")}
    fields: dict[str, dict[str, Any]] = {name: {} for name in modules}
    for key, value in given.items():
        if key in own:
            continue
        protocol, dot, field = key.rpartition(".")
        meant = [protocol.replace("_", "-")] if dot else list(modules)
        known = [name for name in meant if name in modules and field in modules[name].Config.model_fields]
        if not known:
            every = [*(f for module in modules.values() for f in module.Config.model_fields), *_OURS]
            near = get_close_matches(field, every, n=1)
            hint = f" Did you mean --{near[0]}?" if near else ""
            raise UserError(f"{' and '.join(modules)} has no field --{key}.{hint} Known: {', '.join(f'--{name}' for name in dict.fromkeys(every))}.")
        for name in known:
            fields[name][field] = value
    checked = {name: check(module.Config, fields[name], name).model_dump(mode="json") for name, module in modules.items()}
    config = check(EvaluateConfig, {"protocols": list(modules), "run": [str(one) for one in run], "fields": checked, **own})
    _refuse_untaken(config, modules)
    return config


_OURS = ("device", "precision", "batch_size", "seed")


def _refuse_untaken(config: EvaluateConfig, modules: Mapping[str, Any]) -> None:
    """Refuse a protocol that is given nothing to examine."""
    for name, module in modules.items():
        if "run" in module.TAKES and not config.run:
            raise UserError(
                f"{name} examines fine-tuned runs: give one with --run (folder, id or latest), and --run again for each to compare it with. "
                "`vesalius runs list` shows them."
            )
