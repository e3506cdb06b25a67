"""How training images are varied when an encoder is fine-tuned to be compared: by what kind of image they are.

RandomResizedCrop down to 8 % and mirroring, made for photographs, cut a lesion off and swap left and right. Radiographs, fundus
photographs and whatever has an up and a side keep at least half of the image, are turned by at most 10 degrees and never mirrored;
microscopy and skin have no up, so that they are mirrored and turned upside down; photographs get what was made for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from vesalius.data.table import SampleTable
from vesalius.encoders.encoder import Encoder
from vesalius.views.recipe import is_pixelwise

Domain = Literal["upright", "anyway-up", "photographs", "volumes"]
_ANYWAY_UP = ("bach", "pathmnist", "dermamnist", "bloodmnist", "tissuemnist")
_PHOTOGRAPHS = ("cifar", "fashion")


class Augmentation(NamedTuple):
    """``views``: a views recipe, or a name of one. ``said``: what is done, in one sentence."""

    views: str | Mapping[str, Any]
    said: str


OPERATIONS: Mapping[Domain, tuple[Sequence[Mapping[str, Any]], str]] = {
    "upright": (
        ({"affine": {"degrees": 10, "outside": "edge"}}, {"random_resized_crop": {"scale": [0.5, 1.0]}}),
        "turned by up to 10 degrees, cut to 50 to 100 % of their area, not mirrored",
    ),
    "anyway-up": (
        ({"random_resized_crop": {"scale": [0.5, 1.0]}}, {"horizontal_flip": {}}, {"vertical_flip": {}}),
        "cut to 50 to 100 % of their area, mirrored and turned upside down",
    ),
    "photographs": (
        ({"random_resized_crop": {"scale": [0.08, 1.0]}}, {"horizontal_flip": {}}),
        "cut to 8 to 100 % of their area and mirrored",
    ),
}


def domain(table: SampleTable) -> Domain:
    """What kind of images ``table`` holds, by its source; ``upright``, which is careful, where nobody knows."""
    if table.dims == 3:
        return "volumes"
    words = f"{table.source} {'' if table.task is None else table.task.name}".lower()
    if any(word in words for word in _ANYWAY_UP):
        return "anyway-up"
    return "photographs" if any(word in words for word in _PHOTOGRAPHS) else "upright"


def augmentation(table: SampleTable, encoder: Encoder, *, asked: Domain | Literal["auto"] = "auto", off: bool = False) -> Augmentation:
    """The views that are learnt from, at the encoder's size. ``asked``: a domain in place of the one ``table`` is of; ``off``: none,
    every image as the encoder's card prepares it.
    """
    card, chosen = encoder.card, domain(table) if asked == "auto" or table.dims == 3 else asked
    if chosen == "volumes":
        return Augmentation("mild", "Volumes: patches around what is in them, their intensities varied a little.")
    if off:
        steps: Sequence[Mapping[str, Any]] = [step for step in card.preprocessing if not is_pixelwise(step)]
        said = "No augmentation: images are seen as the encoder's card prepares them."
    else:
        steps, how = OPERATIONS[chosen]
        said = f"Images are taken for {chosen.replace('-', ' ')}: {how}."
    return Augmentation({"global": {"count": 1, "size": list(card.size), "operations": [dict(step) for step in steps]}}, said)
