"""What an evaluation may say: which protocols, of what, and each protocol's own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.checking import check
from vesalius.recipes.data_config import Frozen, SplitConfig


class EvaluateConfig(Frozen):
    """One evaluation. ``fields``: protocol -> its own fields, checked by its ``Config``."""

    protocols: Sequence[str] = Field(description="Protocols by name.")
    run: Sequence[str] = Field((), description="Fine-tuned runs; the first is compared with the others.")
    encoder: Sequence[str] = Field((), description="Encoders: a run, a folder or file of weights, a public model, timm:NAME; NAME=... to name it.")
    data: Sequence[str] = Field((), description="Labelled data sets, NAME[@ROOT][:TASK], a folder or a table.")
    images: Sequence[str] = Field((), description="Files and folders of images to look at, for protocols that make pictures.")
    fields: Mapping[str, Mapping[str, Any]] = Field({}, description="Each protocol's own fields.")
    labels: str | Sequence[str] | None = Field(None, description="Label column(s) of the tables among the data; several are multi-label.")
    subject: str | None = Field(None, description="Subject column of tables, or a regular expression with one group on paths.")
    uncertain: str | Mapping[str, Any] | None = Field(None, description="What uncertain labels count as: ignore, zeros, ones, or {finding: one of these}.")
    filter: str | Mapping[str, Any] | None = Field(None, description="Rows that are meant, as view=frontal; all: every row.")
    split: SplitConfig = Field(SplitConfig(val=0.2), description="How data without a split of their own are divided.")
    download: bool = Field(False, description="Fetch public data and networks that are not there yet.")
    allow_leakage: bool = Field(False, description="Go on when a subject is in two splits; every result says so.")
    max_bad_share: float = Field(0.05, ge=0, le=1, description="More unreadable files than this ends the evaluation.")
    image_size: tuple[Annotated[int, Field(ge=1)], ...] = Field((), description="Pixels a side, as 224,448: encoders are examined at each; none: at their own.")
    max_images: int | None = Field(None, ge=10, description="At most so many images of a data set, drawn by whole subjects, stratified.")
    n_images: int = Field(4, ge=1, description="Images drawn of each data set to look at, where --images names none.")
    subgroups: tuple[str, ...] = Field((), description="Columns of the data, as sex,view,age, whose groups are scored apart.")
    features: Literal["fp32", "fp16"] = Field("fp32", description="Precision in which features are kept: fp16 takes half the disk.")
    replicates: int = Field(2000, ge=100, description="Bootstrap replicates behind every interval.")
    compat: Literal["none", "ssl-medicalimaging"] = Field("none", description="Whose ways of measuring are to be reproduced.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    precision: Literal["fp32", "bf16", "auto"] = Field("fp32", description="fp32, bf16 or auto.")
    batch_size: int = Field(256, ge=1, description="Images per forward pass.")
    seed: int = Field(1, description="Of every random number.")
    plugins: Sequence[str] = Field((), description="Python files with protocols of your own, or with sources, methods and families of the zoo.")


def configured(
    protocols: str | Sequence[str],
    run: Sequence[str],
    given: Mapping[str, Any],
    encoder: Sequence[str] = (),
    data: Sequence[str] = (),
    images: Sequence[str] = (),
) -> EvaluateConfig:
    """The checked configuration. A field in ``given`` is one of ours, ``PROTOCOL.FIELD``, or a field's name alone, which is then
    meant for every protocol that has it. Raises UserError naming the nearest for what nobody knows.
    """
    names = [name.strip() for name in (protocols.split(",") if isinstance(protocols, str) else protocols) if name.strip()]
    if not names:
        raise UserError(f"Nothing says what to evaluate by. Name a protocol: {', '.join(registry.names('protocols'))}.")
    if given.get("plugins"):
        files = str(given["plugins"]).split(",") if isinstance(given["plugins"], str | Path) else given["plugins"]
        given = {**given, "plugins": [str(Path(file).resolve()) for file in files]}
        for file in given["plugins"]:
            registry.load_plugin(file)
    modules = _ordered({name: registry.entry("protocols", name) for name in names})
    own = {key: _listed(EvaluateConfig, key, value) for key, value in given.items() if key in OWN}
    split = {key.removeprefix("split."): value for key, value in given.items() if key.startswith("split.")}
    fields: dict[str, dict[str, Any]] = {name: {} for name in modules}
    for key, value in given.items():
        if key in own or key.startswith("split."):
            continue
        protocol, dot, field = key.rpartition(".")
        meant = [protocol.replace("_", "-")] if dot else list(modules)
        known = [name for name in meant if name in modules and field in modules[name].Config.model_fields]
        if not known:
            every = [*(f for module in modules.values() for f in module.Config.model_fields), *OWN]
            near = get_close_matches(field, every, n=1)
            hint = f" Did you mean --{near[0]}?" if near else ""
            who = f"{' and '.join(modules)} {'has' if len(modules) == 1 else 'have'}"
            raise UserError(f"{who} no field --{key}.{hint} Known: {', '.join(f'--{name}' for name in dict.fromkeys(every))}.")
        for name in known:
            fields[name][field] = _listed(modules[name].Config, field, value)
    checked = {name: check(module.Config, fields[name], name).model_dump(mode="json") for name, module in modules.items()}
    own |= {"split": {**SplitConfig(val=0.2).model_dump(), **own.get("split", {}), **split}}
    examined = {"run": list(run), "encoder": list(encoder), "data": list(data), "images": list(images)}
    config = check(EvaluateConfig, {"protocols": list(modules), **examined, "fields": checked, **own}, "the evaluation")
    _refuse_untaken(config, modules)
    return config


def _ordered(modules: Mapping[str, Any]) -> dict[str, Any]:
    """As they were named, but those that look at what another makes behind the others."""
    return dict(sorted(modules.items(), key=lambda item: any(name in modules for name in getattr(item[1], "AFTER", ()))))


_GIVEN = ("protocols", "run", "encoder", "data", "images", "fields")
OWN = tuple(name for name in EvaluateConfig.model_fields if name not in _GIVEN)
"""What is said as a field of the evaluation itself."""


def _listed(model: type[BaseModel], field: str, value: Any) -> Any:
    """``0.1,1`` and ``5`` as a list where ``field`` takes several."""
    annotation = model.model_fields[field].annotation
    if get_origin(annotation) is not tuple or not isinstance(value, str | int | float):
        return value
    parts = [part.strip() for part in str(value).split(",") if part.strip()]
    return parts if str in get_args(annotation) else [yaml12.parse(part, f"--{field}") for part in parts]


def _refuse_untaken(config: EvaluateConfig, modules: Mapping[str, Any]) -> None:
    """Refuse a protocol that is given nothing to examine."""
    for name, module in modules.items():
        if "run" in module.TAKES and not config.run:
            raise UserError(
                f"{name} examines fine-tuned runs: give one with --run (folder, id or latest), and --run again for each to compare it with. "
                "`vesalius runs list` shows them."
            )
        for what in ("encoder", "data"):
            if "pairs" in module.TAKES and not getattr(config, what):
                raise UserError(f"{name} examines encoders on data sets: give each with --encoder ENCODER and --data DATA. There is no --{what}.")
        if "pictures" in module.TAKES and not (config.encoder and (config.images or config.data)):
            missing = "--encoder" if not config.encoder else "--images and no --data"
            raise UserError(
                f"{name} looks into encoders with a few images: give each with --encoder ENCODER, and the images with --images FOLDER or FILES, or "
                f"--data DATA of which some are drawn. There is no {missing}."
            )
