"""``vesalius evaluate reconstruction``: what of an image is left at a layer, shown by an image that is found again from it alone.

Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018), section 3.5; asked of self-supervised encoders by Zhao, Wu, Lau and Lin (ICLR 2021)
and by Ericsson, Gouk and Hospedales (CVPR 2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.probing import untouched
from vesalius.encoders.resizing import resized
from vesalius.errors import UserError
from vesalius.evaluate import compat
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.examinee import EncoderExaminee
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.reconstructed import drawing
from vesalius.evaluate.reconstructed.fitting import fitted
from vesalius.evaluate.reconstructed.generator import Generators
from vesalius.evaluate.reconstructed.inverting import Fit, Inverted
from vesalius.evaluate.reconstructed.layers import features, module_of
from vesalius.measures import picture_quality
from vesalius.views.recipe import is_pixelwise

TAKES: tuple[Taken, ...] = ("pictures",)
RULE = (
    "A generator that has seen no image is fitted until the frozen layer makes of its picture what it makes of the image; nothing but these features "
    "says what the picture is to be. The feature error is |f - f*|² / |f*|², the least that was reached; PSNR and SSIM hold the picture, its values within "
    "0 and 1, against the image as the encoder sees it. They say how much of an image a layer keeps and not what an encoder is worth: features "
    "of random weights hardly differ from image to image, so that a low error is soon reached by a picture of something else."
)
ITERATIONS, ORIGINAL = 1000, 3000
METRICS = ("feature_error", "psnr", "ssim", "clipped_feature_error")
_POINTS = 60


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: str | Mapping[str, str] = Field(
        "map", description="What is inverted: map, tokens or pooled, or a module of the network such as layer4; or one for each, as {ENCODER: LAYER}."
    )
    iterations: int | None = Field(None, ge=1, description="Steps of Adam; by default 1,000, under compat ssl-medicalimaging 3,000.")
    until: float = Field(0.0, ge=0, description="An image's fit is over once its feature error is no more than this; 0: never before its iterations.")
    lr: float = Field(1e-3, gt=0, description="Learning rate.")
    seeds: int = Field(1, ge=1, description="Generators for each image, from other weights and other noise.")
    size: int | None = Field(None, ge=16, description="Pixels a side; by default what the encoder was made for.")
    at_once: int = Field(1, ge=1, description="Images that are fitted together; the others follow in turn.")
    twin: bool = Field(True, description="Whether each encoder's twin with random weights is asked as well, at the same cost.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder, and its twin with random weights, on the images."""
    iterations = config.iterations or (ORIGINAL if asked.compat == compat.WORD else ITERATIONS)
    whole = config.model_copy(update={"iterations": iterations})
    return compared("reconstruction", whole, asked, measure, rule=RULE, baselines=("random init",) if config.twin else (), pictures=True)


def measure(config: Config, pair: Pair) -> Measured:
    """The errors, with intervals over the subjects of the images; pictures, filmstrips and the curve of the error."""
    encoder, x = _opened(config, pair)
    layer, asked = _layer(config, pair), pair.asked
    fit = Fit(layer, config.iterations or ITERATIONS, config.lr, asked.autocast, config.until)
    with untouched(encoder):
        shape, module = list(features(encoder, x[:1], layer).shape[1:]), module_of(encoder, x[:1], layer)
    found = fitted(pair, encoder, x, config.seeds, fit, config.at_once)
    scores = _scores(encoder, x, found, fit)
    images = pair.split("images")
    each = scores.view(len(METRICS), config.seeds, len(images))
    made = Generators([0], x.shape[1], x.shape[2:])
    facts = {
        "layer": layer,
        "module": module,
        "layer_shape": shape,
        "generator_parameters": made.parameters_each,
        "generator_scales": made.scales,
        "size": list(x.shape[2:]),
        "iterations": fit.iterations,
        "lr": fit.lr,
        "seeds": config.seeds,
        "at_once": config.at_once,
        "seconds_per_image": round(found.seconds / len(found.images), 2),
        "precision": asked.precision,
    }
    steps = [str(step["name"]) if "name" in step else next(iter(step)) for step in map(dict, encoder.card.preprocessing) if is_pixelwise(step)]
    if steps:
        facts["note"] = f"Images are found as the encoder is given them: after {', '.join(steps)}."
    return Measured(
        values=_values(each, pair),
        curve=_curve(found.errors),
        facts=facts,
        pictures=_pictures(config, pair, layer, x, found, fit, each),
        scored=(len(images), len(np.unique(images.subject))),
    )


def _opened(config: Config, pair: Pair) -> tuple[Encoder, Float[Tensor, "images channels rows columns"]]:
    """The encoder at the size that is asked for, on the device, and what it takes of the images."""
    examinee = pair.encoder
    if not isinstance(examinee, EncoderExaminee):
        raise UserError(f"{examinee.name} is no network, so that no image can be found again from a layer of it. Leave it out of reconstruction.")
    encoder = examinee.encoder
    if len(encoder.card.size) != 2:
        raise UserError(
            f"{examinee.name} is an encoder of volumes, and reconstruction paints images: the network that paints is the one that was described for them. "
            "Leave it out, or look at it with saliency and with the protocols of frozen features."
        )
    if config.size is not None:
        encoder = resized(encoder, (config.size, config.size))
    encoder = encoder.to(pair.asked.device)
    return encoder, pair.inputs("images", encoder)


def _layer(config: Config, pair: Pair) -> str:
    """The layer of this encoder; a twin with random weights has that of the encoders that are built as it is."""
    if isinstance(config.layer, str):
        return config.layer
    panel, architecture = pair.asked.panel, pair.encoder.card.architecture
    twins = [] if panel is None else [name for name, one in panel.examinees.items() if one.card.architecture == architecture]
    return next((config.layer[name] for name in (pair.encoder.name, architecture, *twins) if name in config.layer), "map")


def _scores(encoder: Encoder, x: Tensor, found: Inverted, fit: Fit) -> Float[Tensor, "metrics images"]:
    """``METRICS`` of each picture, seeds one after the other."""
    seeds = len(found.images) // len(x)
    nearest = found.errors.nan_to_num(torch.inf).min(0).values
    clipped = found.images.clamp(0, 1)
    true = x.cpu().repeat(seeds, 1, 1, 1)
    again = []
    with untouched(encoder):
        for picture, image in zip(clipped, true, strict=True):
            both = features(encoder, torch.stack([picture, image]).to(x.device), fit.layer).cpu()
            again.append(picture_quality.feature_error(both[:1], both[1:]))
    return torch.stack([nearest, picture_quality.psnr(clipped, true), picture_quality.ssim(clipped, true), torch.cat(again)])


def _values(each: Float[Tensor, "metrics seeds images"], pair: Pair) -> dict[str, Value]:
    """Means over images and seeds; an interval where there are images enough for one."""
    means = each.mean(1).double()
    replicates = pair.replicated(means)
    some = [None] * len(METRICS) if replicates is None else list(replicates)
    repeats = list(each.double().mean(2)) if each.shape[1] > 1 else [None] * len(METRICS)
    rows = zip(METRICS, means.mean(1).tolist(), some, repeats, strict=True)
    return {metric: Value(value, spread, again) for metric, value, spread, again in rows}


def _curve(errors: Float[Tensor, "iterations images"]) -> list[dict[str, Any]]:
    """The mean error at iterations that are evenly spaced in their logarithm; low and high are the least and the greatest of an image."""
    before = errors.isnan().int().cumsum(0)  # since a fit was over: it stays where it was
    errors = errors.gather(0, (torch.arange(len(errors))[:, None] - before).clamp(min=0))
    at = sorted({round(one) for one in np.geomspace(1, len(errors), _POINTS).tolist()})
    return [
        {"metric": "feature_error", "x": one, "value": float(row.mean()), "low": float(row.min()), "high": float(row.max())}
        for one, row in ((one, errors[one - 1]) for one in at)
    ]


def _pictures(config: Config, pair: Pair, layer: str, x: Tensor, found: Inverted, fit: Fit, each: Tensor) -> list[dict[str, Any]]:
    """A row for each image and seed, with its files."""
    folder, rows = pair.folder("reconstruction"), []
    reached = found.errors.nan_to_num(torch.inf).cummin(0).values
    within = folder.relative_to(pair.asked.run.path)
    for seed in range(config.seeds):
        for number, id_ in enumerate(pair.split("images").ids):
            name, place = f"{int(id_):016x}", seed * len(x) + number
            errors = [float(reached[at - 1, place]) for at in fit.shown_at]
            files = drawing.draw(
                folder, name if seed == 0 else f"{name}.seed-{seed + 1}", found.images[place], x[number], found.frames[:, place], fit.shown_at, errors,
                original=seed == 0,
            )  # fmt: skip
            paths = {key: str(within / file) for key, file in {**files, "original": f"{name}.original.png"}.items()}
            scores = {metric: float(each[place_of, seed, number]) for place_of, metric in enumerate(METRICS)}
            done = int(found.errors[:, place].isfinite().sum())
            rows.append({"id": name, "layer": layer, "seed": seed + 1, "iterations": done, **paths, **scores})
    return rows
