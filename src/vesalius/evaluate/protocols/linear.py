"""``vesalius evaluate linear``: logistic regression on frozen features, its strength chosen among 45, fitted again to train and validation.

The protocol of DINOv2 (Oquab et al., 2023) and of Ericsson et al. (CVPR 2021), with what both leave out: whole subjects on one side
of every division, folds where a set is small, and the choice repeated, so that its part in the result is seen.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from vesalius.evaluate import compat
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.fitting.probing import Rule, choose, finite, fitted
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import logistic

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Logistic regression with an L2 penalty, fitted to the training split for 45 strengths; the one of least log loss on the validation split "
    "(of a small set: on five folds of training and validation) is fitted again to both and scored once on the test split. The choice is "
    "repeated on other divisions, subjects whole; the spread over these is apart from the interval over subjects."
)


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    c: PositiveFloat | None = Field(None, description="Strength C, larger is less penalty; none: chosen from 1e-6 to 1e5.")
    strengths: int = Field(45, ge=2, description="How many to choose from.")
    standardise: bool | None = Field(None, description="Features to mean 0 and deviation 1 first; none: yes, but not under compat.")
    balanced: bool = Field(False, description="Every class counts alike, however many samples it has.")
    select: Literal["auto", "log_loss", "metric"] = Field("auto", description="What chooses C; auto: log loss, the original's measure under compat.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set."""
    return compared("linear", config, asked, measure, rule=RULE)


def measure(config: Config, pair: Pair) -> Measured:
    """The probe of each repeat's strength; repeats of one strength are one fit."""
    rule = ruled(config, pair)
    x, (labels, _) = finite(pair, folds.features(pair)), folds.pooled(pair)
    y, test = labels.to(x.device), finite(pair, pair.features("test"))
    whole: dict[float, logistic.Probe] = {}
    answers, choosing, found = [], [], []
    for repeat in range(1 if config.c is not None else folds.repeats(pair)):
        divisions = folds.folds(pair, repeat)
        choice = choose(x, y, divisions, rule)
        if choice.c not in whole:
            whole[choice.c] = fitted(x, y, choice.c, rule, choice.probes[0])
        answers.append(whole[choice.c].probabilities(test).float().cpu())
        choosing.append(folds.held_out(pair, divisions, choice.answers))
        found.append(choice)
    sizes = {len(one) for one in choosing}
    assert len(sizes) == 1
    return Measured(torch.stack(answers), torch.stack(choosing), facts=_facts(config, rule, found, list(whole.values())))


def ruled(config: Config, pair: Pair) -> Rule:
    """The rule that ``config`` asks for; the original's as its code has it: C from 1e-5 to 1e6, chosen by the task's metric, features as they are."""
    original = pair.asked.compat != "none"
    strengths = [config.c] if config.c is not None else logistic.grid(config.strengths, *((1e-5, 1e6) if original else (1e-6, 1e5)))
    by_metric = config.select == "metric" or (config.select == "auto" and original)
    metric = compat.measure(pair.dataset) if original else pair.task.metric
    standardise = not original if config.standardise is None else config.standardise
    return Rule(pair.kind, pair.classes, strengths, standardise, config.balanced, metric if by_metric else "")


def _facts(config: Config, rule: Rule, choices: list[Any], probes: list[logistic.Probe]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "c": choices[0].c,
        "c_of_repeats": [choice.c for choice in choices],
        "tried": choices[0].tried,
        "chosen_by": "given" if config.c is not None else rule.metric or "log loss",
        "standardised": rule.standardise,
        "iterations": sum(probe.iterations for probe in probes),
        "converged": all(probe.converged for probe in probes),
    }
    ends = [choice for choice in choices if choice.end] if config.c is None else []
    if ends:
        at = ends[0]
        found["note"] = f"C = {at.c:g} lies at the {at.end} end of the grid in {len(ends)} of {len(choices)} choices: a better one may lie beyond."
    if not found["converged"]:
        found["note"] = f"{found.get('note', '')} The last fit stopped before its gradient was below the tolerance.".strip()
    return found
