"""``vesalius evaluate saliency``: where in an image an encoder looks, and how much of it.

Occlusion by feature distance and attentive diffusion are of Ericsson, Gouk and Hospedales, "How well do self-supervised models transfer?"
(CVPR 2021); Grad-CAM, integrated gradients and attention rollout are shown for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.probing import untouched
from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked, Examined, Taken
from vesalius.evaluate.occluded import attention, drawing, gradients
from vesalius.evaluate.occluded.occlusion import Hiding, Occlusion, Pace, enlarged
from vesalius.evaluate.pairs.comparing import compared
from vesalius.evaluate.pairs.examinee import EncoderExaminee
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pair import Pair
from vesalius.features.inputs import shown
from vesalius.measures.occlusion import attentive_diffusion

TAKES: tuple[Taken, ...] = ("pictures",)
RULE = (
    "A window is moved over each image and what it covers is hidden; a place's score is the distance of the feature then from the feature of the "
    "whole image, over the latter's length, and a pixel's saliency the mean score of the windows that cover it. Attentive diffusion is the share of "
    "pixels above the mean of their map, in per cent. Nothing is fitted; the encoder is in evaluation mode."
)
_OTHER_RULE = (
    "Each image has the map {}; attentive diffusion is the share of pixels above the mean of their map, in per cent, which the literature measures of "
    "occlusion."
)
MAPS: Mapping[str, Callable[..., Float[Tensor, "images height width"]]] = {
    "grad-cam": gradients.grad_cam,
    "integrated-gradients": gradients.integrated_gradients,
    "attention-rollout": attention.rollout,
    "attention": attention.attention,
}
"""Maps beside occlusion: of an encoder and images as it takes them."""


class Config(Hiding):
    """What can be chosen."""

    map: Literal["occlusion", "grad-cam", "integrated-gradients", "attention-rollout", "attention"] = Field(
        "occlusion", description="How the map is made; the last two of transformers alone."
    )
    cam_layer: str = Field("", description="Of grad-cam: the module whose map is weighted; by default the last map.")
    colours: Literal["auto", "viridis", "magma", "cividis", "inferno", "jet"] = Field(
        "auto", description="Colours of the map; auto: viridis, under compat the original's jet."
    )
    alpha: float = Field(0.6, ge=0, le=1, description="How much the colours cover the image.")

    def refuse(self) -> None:
        """See ``Hiding``."""
        super().refuse()
        if self.cam_layer and self.map != "grad-cam":
            raise UserError(f"cam_layer is a field of the map grad-cam, and the map is {self.map}. Add --map grad-cam, or leave cam_layer out.")


def examine(config: Config, asked: Asked) -> Examined:
    """Every encoder on the few images of every data set, beside its untrained twin; then all of them on one sheet."""
    config.refuse()
    rule = RULE if config.map == "occlusion" else _OTHER_RULE.format(config.map)
    original = asked.compat != "none"
    found = compared("saliency", config, asked, measure, rule=rule, baselines=() if original else ("random init",), pictures=True)
    made = drawing.sheets(asked.run.path, found.results["pictures"], _colours(config, asked))
    return replace(found, results={**found.results, "sheets": made})


def measure(config: Config, pair: Pair) -> Measured:
    """Maps of all images of a pair as pictures, their attentive diffusion and their mean.

    Raises UserError for what is no encoder of images.
    """
    examinee = pair.encoder
    if not isinstance(examinee, EncoderExaminee) or len(examinee.card.size) != 2:
        raise UserError(f"{examinee.name} is no encoder of images, and saliency is shown over images. Leave it out, or examine one of two dimensions.")
    facts: dict[str, Any] = {"map": config.map, "colours": _colours(config, pair.asked)}
    encoder = examinee.encoder.to(pair.asked.device)
    some, margin = pair.split("images"), 0
    if config.map == "occlusion" and (pair.asked.compat != "none" if config.margin is None else config.margin):
        encoder, margin = enlarged(config, encoder), config.window - 1
    x, images = pair.inputs("images", encoder), shown(encoder.card, pair.data.store, some.rows)
    images = images[:, margin : images.shape[1] - margin, margin : images.shape[2] - margin]
    if config.map == "occlusion":
        with untouched(encoder):
            maps = _occluded(config, pair, encoder, x, margin, facts)
        facts |= {"window": config.window, "stride": config.stride, "fill": config.fill, "margin": margin}
    else:
        named = {"layer": config.cam_layer} if config.cam_layer else {}
        maps, facts = MAPS[config.map](encoder, x, **named).float().cpu(), facts | named
    diffusion, scores = attentive_diffusion(maps), maps.double().mean((1, 2))
    folder, run = pair.folder("saliency"), pair.asked.run.path
    pictures = []
    for number, (id_, values) in enumerate(zip(some.ids, maps.numpy(), strict=True)):
        files = drawing.written(folder, run, f"{int(id_):016x}", images[number], values, facts["colours"], config.alpha)
        pictures.append({"id": f"{int(id_):016x}", **files, "diffusion": float(diffusion[number]), "mean_saliency": float(scores[number])})
    replicates = pair.replicated(torch.stack([diffusion, scores]))
    values = {
        name: Value(float(each.mean()), None if replicates is None else replicates[at])
        for at, (name, each) in enumerate({"attentive_diffusion": diffusion, "mean_saliency": scores}.items())
    }
    return Measured(values=values, facts=facts, pictures=pictures, scored=(len(some), len(set(some.subject.tolist()))))


def _occluded(config: Config, pair: Pair, encoder: Encoder, x: Tensor, margin: int, facts: dict[str, Any]) -> Float[Tensor, "images height width"]:
    """The maps of all images by occlusion, on the CPU; adds to ``facts`` how they were made."""
    asked, name = pair.asked, pair.encoder.name
    hidden = Occlusion(config, encoder, margin=margin, autocast=asked.autocast, batch_size=asked.batch_size)
    total = len(x) * hidden.forwarded
    key = f"{pair.key_of_images} {Hiding(**config.model_dump(include=set(Hiding.model_fields))).model_dump_json()} {margin}"
    pace = Pace(f"saliency of {name}", len(x), hidden.forwarded, config.coarse_to_fine, asked.terminal.say)
    maps, agreements = [], []
    done = earlier = 0
    with asked.terminal.bar(f"saliency of {name} on {pair.dataset}", "places") as bar:

        def progress(scored: int, new: bool = True) -> None:
            nonlocal done, earlier
            done, earlier = done + scored, earlier + (0 if new else scored)
            if new:
                pace(scored)
            bar(done, total, earlier=earlier)

        for id_, one in zip(pair.split("images").ids, x, strict=True):

            def kept(part: str, make: Callable[[], Tensor], id_: Any = id_) -> Tensor:
                before = done
                found = asked.cells.kept(f"saliency/{name}/{pair.dataset}/{int(id_):016x}-{part}", key, make)
                if done == before:
                    progress(len(found), False)
                return found

            found, agreement = hidden.map(one, kept, progress)
            maps.append(found)
            agreements += [] if agreement is None else [agreement]
    facts["places"] = hidden.forwarded
    if config.coarse_to_fine:
        facts |= {"places_of_all": hidden.places[0] * hidden.places[1], "agreement": agreements}
    return torch.stack(maps)


def _colours(config: Config, asked: Asked) -> str:
    return config.colours if config.colours != "auto" else "viridis" if asked.compat == "none" else "jet"
