"""``vesalius evaluate retrieval``: whether the most similar images bear the same label; nothing is fitted."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import bootstrap, retrieval

TAKES: tuple[Taken, ...] = ("pairs",)
RULE = (
    "Each test image is asked which images of the gallery are most similar to it by cosine, those of its own subject left out; a found image is "
    "relevant where it bears a label of the one asked about. Means are over the test images that anything is relevant to; intervals draw their subjects again."
)


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: tuple[PositiveInt, ...] = Field((10, 1, 5), min_length=1, description="How many are looked at; encoders are compared by the first.")
    gallery: Literal["auto", "train", "test"] = Field(
        "auto", description="What is searched: the training part, or the test part itself but for the one asked; auto: train where there is one."
    )


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on every data set."""
    return compared("retrieval", config, asked, measure, rule=RULE)


def measure(config: Config, pair: Pair) -> Measured:
    """Mean average precision, precision and recall at each k. Raises UserError where nothing can be found."""
    part = config.gallery if config.gallery != "auto" else "train" if len(pair.data.rows("train")) else "test"
    test, gallery = pair.split("test"), pair.split(part)
    device = pair.asked.device
    each = retrieval.measure(
        pair.features("test"),
        pair.features(part),
        test.labels.to(device),
        gallery.labels.to(device),
        config.k,
        query_subject=torch.from_numpy(test.subject).to(device),
        gallery_subject=torch.from_numpy(gallery.subject).to(device),
    )
    scores = torch.stack(list(each.values())).double().cpu()
    known = ~scores[0].isnan()
    if not bool(known.any()):
        raise UserError(
            f"No image that is searched in {pair.dataset} bears a label of a test image of another subject, so that nothing can be found. Look at "
            "the labels of its parts, or at its subjects."
        )
    rows, count = scores.nan_to_num(), known.double()
    blocks = [weights.double() for weights in bootstrap.weights(test.groups, pair.asked.replicates, pair.asked.seed)]
    replicates = torch.cat([(rows @ weights) / (count @ weights) for weights in blocks], 1)
    means = rows.sum(1) / count.sum()
    values = {name: Value(float(mean), some) for name, mean, some in zip(each, means, replicates, strict=True)}
    return Measured(values=values, facts={"gallery": part, "searched": len(gallery), "asked": int(count.sum()), "without_relevant": int((~known).sum())})
