"""What to select: how many, and by which objectives of which inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field, model_validator

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes.checking import check
from vesalius.recipes.data_config import Frozen
from vesalius.select.candidates import Candidates
from vesalius.select.greedy import Weighted
from vesalius.select.nearness import look_as_far_as
from vesalius.select.strategy import StrategyConfig
from vesalius.select.values import Classes, Numbers


class Objective(Frozen):
    """One entry of ``strategies``: ``input`` and ``strategy`` are mappings with a ``type``, whose further keys are that type's own fields."""

    input: Mapping[str, Any]
    strategy: Mapping[str, Any]


class SelectionConfig(Frozen):
    """How many images to select, and by what. Exactly one of ``n_samples`` and ``proportion_samples``."""

    n_samples: int | None = Field(None, ge=1, description="Images to select.")
    proportion_samples: float | None = Field(None, gt=0, le=1, description="Share of the images to select.")
    strategies: Sequence[Objective] = Field(min_length=1, description="Objectives; each has an input and a strategy.")

    @model_validator(mode="after")
    def _one_number(self) -> SelectionConfig:
        if (self.n_samples is None) == (self.proportion_samples is None):
            said = "Neither" if self.n_samples is None else "Both"
            raise ValueError(f"{said} of n_samples and proportion_samples {'is' if said == 'Neither' else 'are'} given; give exactly one of them")
        return self


@dataclass(frozen=True)
class Part:
    """An objective, read: modules of its input and strategy with their checked fields."""

    title: str
    input: str
    strategy: str
    source: Any
    source_config: Any
    module: Any
    config: StrategyConfig


def parts(config: SelectionConfig) -> list[Part]:
    """Every objective's modules and fields. Raises UserError for an unknown type or field, with the nearest, and for pairs that do not fit."""
    found: list[Part] = []
    for number, objective in enumerate(config.strategies):
        where = f"strategies[{number}]"
        input_name, input_fields = _typed(objective.input, f"{where}.input")
        strategy_name, strategy_fields = _typed(objective.strategy, f"{where}.strategy")
        source, module = registry.entry("inputs", input_name), registry.entry("strategies", strategy_name)
        source_config = check(source.Config, input_fields, f"{where}.input")
        strategy_config = check(module.Config, strategy_fields, f"{where}.strategy")
        if not set(source.GIVES) & set(module.TAKES):
            fitting = [name for name in registry.names("inputs") if set(registry.entry("inputs", name).GIVES) & set(module.TAKES)]
            raise UserError(
                f"{where}: the strategy {_shouted(strategy_name)} cannot work on {_shouted(input_name)}. It takes {', '.join(map(_shouted, fitting))}. "
                f"Name one as its input, on the command line behind a colon: --strategy {strategy_name}:KEY."
            )
        if asks := getattr(module, "refuse_input", None):
            asks(source_config)
        of = source.title(source_config)
        title = strategy_name if of == "embeddings" else f"{strategy_name} of {of}"
        if title in [one.title for one in found]:
            title = f"{title} ({number + 1})"
        found.append(Part(title, input_name, strategy_name, source, source_config, module, strategy_config))
    return found


def needs_vectors(config: SelectionConfig) -> bool:
    """Whether anything has to be embedded."""
    return any(part.input == "embeddings" for part in parts(config))


def built(config: SelectionConfig, candidates: Candidates) -> list[Weighted]:
    """The strategies over ``candidates``, filters first. Raises UserError for inputs that are not there."""
    made = []
    asked = parts(config)
    look_as_far_as(candidates, [k for part in asked if (k := getattr(part.config, "num_nearest_neighbors", None)) is not None])
    for part in asked:
        values = part.source.read(part.source_config, candidates)
        made.append(Weighted(part.title, part.module.build(part.config, values, candidates), part.config.strength))
    return made


def read_values(config: SelectionConfig, candidates: Candidates) -> list[Numbers | Classes]:
    """What the inputs say of each candidate, embeddings and chance apart, once each: for reports."""
    found: dict[str, Numbers | Classes] = {}
    for part in parts(config):
        if part.input not in ("embeddings", "random"):
            values = part.source.read(part.source_config, candidates)
            found.setdefault(values.title, values)
    return list(found.values())


def wanted(config: SelectionConfig, candidates: Candidates, *, final: bool = True) -> int:
    """How many images are to be chosen. Raises UserError where there are not so many.

    ``final``: what cannot be read, and what is there twice, is left out of ``candidates`` already.
    """
    free = int(candidates.free.sum())
    if not len(candidates):
        raise UserError("There is no image to choose from. Look at the data that were named, and at what was filtered out.")
    n = config.n_samples if config.n_samples is not None else round((config.proportion_samples or 0) * len(candidates))
    if n > free:
        taken = f", {len(candidates.chosen):,} of {len(candidates):,} being chosen already" if len(candidates.chosen) else ""
        least = f"at most {free:,}" if final else "fewer"
        raise UserError(
            f"{n:,} images are asked for, and there {'is' if free == 1 else 'are'} {free:,} to choose from{taken}. Ask for {least}, or add images."
        )
    if n < 1:
        raise UserError(f"proportion_samples {config.proportion_samples} of {len(candidates):,} images is none. Ask for more.")
    return n


def _typed(given: Mapping[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    kind = given.get("type")
    if not isinstance(kind, str) or not kind:
        raise UserError(f"{where} does not say its type. Write {{type: ...}}.")
    return kind.lower().replace("_", "-"), {key: value for key, value in given.items() if key != "type"}


def _shouted(name: str) -> str:
    return name.upper().replace("-", "_")
