"""``vesalius evaluate attentive-probe``: learned queries attend over an encoder's tokens or feature map, and a linear head reads what they see.

For encoders whose pooled vector loses what lies in one place: ViTs trained to rebuild, small findings. After CAE (Chen et al., 2022),
V-JEPA and AIM; without value projection and with a parameter-free layer norm, so that it stays a probe.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.fitting.attending import Maps, Probes, Training
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import logistic

TAKES: tuple[Taken, ...] = ("pairs",)
READS_MAPS = True
"""One pass then makes maps and pooled features for all protocols of the evaluation."""
RULE = (
    "Learned queries attend over the frozen feature map and a linear head reads what they see; trained on the training split by AdamW with a cosine, "
    "several learning rates and seeds at once. Each seed's rate is the one of least log loss on the validation split, scored once on the test split."
)


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queries: PositiveInt = Field(4, description="Learned queries.")
    rates: tuple[PositiveFloat, ...] = Field((1e-4, 5e-4, 2.5e-3), min_length=1, description="Learning rates to choose from on validation.")
    epochs: PositiveInt = Field(15, description="Passes over the training samples; small sets are seen until there were 200 steps.")
    batch: PositiveInt = Field(128, description="Samples a step.")
    weight_decay: float = Field(0.05, ge=0, description="Of AdamW.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set; pixels have no map that means anything."""
    return compared("attentive-probe", config, asked, measure, rule=RULE, baselines=("random init",))


def measure(config: Config, pair: Pair) -> Measured:
    """Each seed's probe of the learning rate that the validation split chose.

    Raises UserError where one class alone is labelled, or no rate ended with a finite loss.
    """
    train, val, device = pair.split("train"), pair.split("val"), pair.asked.device
    if pair.kind != "multilabel" and bool((train.labels == train.labels[0]).all()):
        raise UserError(f"All labelled training images of {pair.dataset} are of one class, so that nothing can be learnt. Label others, or name another task.")
    maps = {name: pair.maps(name) for name in ("train", "val", "test")}
    for name, some in maps.items():
        _finite(pair, name, some)
    seeds = [pair.asked.seed + repeat for repeat in range(folds.repeats(pair))]
    training = Training(config.rates, seeds, config.queries, config.epochs, batch=config.batch, weight_decay=config.weight_decay)
    probes = Probes(training, maps["train"].shape[1], pair.classes, device)
    with pair.asked.terminal.bar(f"attentive probes of {pair.encoder.name} on {pair.dataset}", "steps") as progress:
        probes.fit(maps["train"], train.labels, pair.kind, pair.asked.seed, progress)
    chosen, answers = probes.answers(maps["val"], pair.kind), probes.answers(maps["test"], pair.kind)
    losses = torch.tensor([[_loss(chosen[rate, seed], val.labels, pair) for seed in range(len(seeds))] for rate in range(len(config.rates))])
    if not bool(losses.isfinite().any(0).all()):
        raise UserError(f"No attentive probe of {pair.encoder.name} on {pair.dataset} ended with a finite loss. Give smaller --attentive-probe.rates.")
    best = losses.nan_to_num(torch.inf).argmin(0).tolist()
    picked = [(rate, seed) for seed, rate in enumerate(best)]
    facts = {
        "rate": config.rates[best[0]],
        "rate_of_repeats": [config.rates[rate] for rate in best],
        "steps": training.steps(len(train)),
        "tokens": int(torch.tensor(maps["train"].shape[2:]).prod()),
        "queries": config.queries,
    }
    if any(rate in (0, len(config.rates) - 1) for rate in best) and len(config.rates) > 1:
        facts["note"] = "A chosen learning rate lies at an end of those given: a better one may lie beyond."
    return Measured(torch.stack([answers[at] for at in picked]), torch.stack([chosen[at] for at in picked]), facts=facts)


def _loss(answers: torch.Tensor, labels: torch.Tensor, pair: Pair) -> float:
    tiny = torch.finfo(answers.dtype).tiny
    logits = answers.clamp(min=tiny).log() if pair.kind != "multilabel" else answers.double().logit(1e-12)
    return logistic.loss_of(logits, labels, pair.kind)


def _finite(pair: Pair, name: str, maps: Maps) -> None:
    for start in range(0, len(maps), 512):
        bad = (~maps[slice(start, start + 512)].isfinite()).flatten(1).any(1)
        if bool(bad.any()):
            raise UserError(
                f"The {name} feature maps of {pair.encoder.name} on {pair.dataset} are not all finite in half precision, so that nothing can be learnt "
                "from them. Its weights may be at fault: look at the run that made the encoder."
            )
