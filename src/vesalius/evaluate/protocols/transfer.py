"""``vesalius evaluate transfer``: a linear probe learnt on one data set and asked about another, as Montgomery and Shenzhen.

As BenchMD (Wantlin et al., 2023) measures shift between sites: nothing is fitted to the second data set. Beside it stands what a
probe that was learnt on the second one's own training part answers for the same images, and by how much the first falls short.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.finetuned.verdict import metric_in_words
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.fitting.probing import Rule, choose, finite, fitted
from vesalius.evaluate.judged import differences, standing
from vesalius.evaluate.judged.judging import Judged
from vesalius.evaluate.pairs.comparing import judged_cells
from vesalius.evaluate.pairs.crossing import Crossed, matched
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import logistic

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "A linear probe is fitted, chosen and fitted again on one data set, and asked once about the test part of another, to which nothing is fitted; "
    "beside it the probe of that other data set itself. What is lost is the difference of the two on the same images, whose subjects are drawn again."
)
Learnt = dict[tuple[str, str], list[tuple[logistic.Probe, Tensor]]]
"""(encoder, data set) -> the probes of its repeats, with their answers for what was held out."""
_BASELINES = ("random init",)  # components of pixels are of one data set and mean nothing on another


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: Mapping[str, str] = Field({}, description="Names of classes, or of labels, that mean the same, as {tb: tuberculosis}.")
    standardise: bool = Field(True, description="Features to mean 0 and deviation 1 first, by what is learnt from.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every ordered pair of data sets whose tasks have the same classes, and on each of these alone.

    Raises UserError for a single data set.
    """
    assert asked.panel is not None
    sets = list(asked.panel.tables)
    if len(sets) < 2:
        raise UserError(f"transfer learns on one data set and asks about another, and there is only {sets[0]}. Give a second one with --data.")
    orders: dict[tuple[str, str], tuple[int, ...]] = {}
    refused: list[tuple[str, UserError]] = []
    for source, target in ((a, b) for a in sets for b in sets if a != b):
        one, other = asked.panel.tables[source].require_task(), asked.panel.tables[target].require_task()
        try:
            orders[source, target] = matched(one, other, f"{source} to {target}", config.names)
        except UserError as error:
            refused.append((f"{source}-to-{target}", error))
    if not orders:
        raise refused[0][1]
    alone = [name for name in sets if any(name == target for _, target in orders)]
    pairs: list[Pair] = []
    for examinee in (*asked.panel.encoders, *asked.panel.baselines(_BASELINES)):
        own = {name: asked.panel.pair(examinee, name, asked) for name in sets}
        pairs += [own[name] for name in alone] + [Crossed(own[a], own[b], order) for (a, b), order in orders.items()]
    probes: Learnt = {}
    cells, absent = judged_cells("transfer", config, asked, lambda config, pair: measure(config, pair, probes), pairs)
    absent = [*absent, *({"encoder": "every encoder", "data": data, "reason": str(error)} for data, error in refused)]
    results, rows, verdict = standing.of("transfer", cells, asked)
    lost = [row for encoder in asked.panel.examinees for a, b in orders if (row := _lost(cells, encoder, a, b)) is not None]
    results = {**results, "lost": lost, "takes": "pairs", "absent": absent, "rule": RULE}
    rows = [*rows, *({"protocol": "transfer", "table": "lost", **row} for row in lost)]
    verdict = [*verdict, *(_said(row) for row in lost if not asked.examinee(row["encoder"]).baseline)]
    return Examined(results, rows, verdict, [cell["reason"] for cell in absent])


def measure(config: Config, pair: Pair, probes: Learnt) -> Measured:
    """The probe of each repeat's strength, asked about the test split. ``probes``: those learnt so far, each asked about all data sets."""
    source = pair.source if isinstance(pair, Crossed) else pair
    own = (source.encoder.name, source.dataset)
    if own not in probes:
        probes[own] = _learnt(config, source)
    test = finite(pair, pair.features("test"))
    answers = torch.stack([probe.probabilities(test).float().cpu() for probe, _ in probes[own]])
    choosing = torch.stack([held for _, held in probes[own]])
    if isinstance(pair, Crossed):
        answers, choosing = (torch.empty_like(part).index_copy_(2, torch.tensor(pair.order), part) for part in (answers, choosing))
    strengths = [probe.c for probe, _ in probes[own]]
    return Measured(answers, choosing, facts={"c": strengths[0], "c_of_repeats": strengths})


def _learnt(config: Config, pair: Pair) -> list[tuple[logistic.Probe, Tensor]]:
    """For each repeat the probe that is fitted again to training and validation, and what those before it answered of what they were not fitted to."""
    rule = Rule(pair.kind, pair.classes, logistic.grid(), config.standardise)
    x, (labels, _) = finite(pair, folds.features(pair)), folds.pooled(pair)
    y, found = labels.to(x.device), []
    for repeat in range(folds.repeats(pair)):
        divisions = folds.folds(pair, repeat)
        choice = choose(x, y, divisions, rule)
        found.append((fitted(x, y, choice.c, rule, choice.probes[0]), folds.held_out(pair, divisions, choice.answers)))
    return found


def _lost(cells: Mapping[tuple[str, str], Judged], encoder: str, source: str, target: str) -> dict[str, Any] | None:
    """By how much the probe learnt on ``source`` falls short of ``target``'s own, on the same images and replicates."""
    own, other = cells.get((encoder, target)), cells.get((encoder, f"{source}-to-{target}"))
    if own is None or other is None:
        return None
    apart = differences.between(target, own.metric, {"within": own, "across": other}, ())
    if not apart:
        return None
    within, across = own.values[own.metric].value, other.values[own.metric].value
    found = {"encoder": encoder, "source": source, "target": target, "metric": own.metric, "within": within, "across": across}
    return {**found, **{key: apart[0][key] for key in ("value", "low", "high", "p")}}


def _said(row: Mapping[str, Any]) -> str:
    """One loss as a sentence."""
    much = f"{abs(row['value']):.3f} {'less' if row['value'] >= 0 else 'more'}"
    sure = "" if row["low"] > 0 or row["high"] < 0 else ", which may be chance"
    return (
        f"{row['encoder']} learnt on {row['source']} reaches {much} {metric_in_words(row['metric'])} on {row['target']} than learnt there"
        f" (difference {-row['value']:+.3f}, {-row['high']:+.3f} to {-row['low']:+.3f}){sure}."
    )
