"""What issue 8 had to show, in steps."""

from __future__ import annotations

from docs.proofs import (
    as_original,
    gallery_pictures,
    inverted,
    looking_pages,
    perceptual_networks,
    saliency,
    transforms,
    whitened,
)
from docs.prove import Step

TITLE = "looking inside an encoder: saliency, invariances, reconstruction"


def steps() -> list[Step]:
    """Every step, in the order of the page."""
    return [
        *saliency.steps(),
        *transforms.steps(),
        *whitened.steps(),
        *inverted.steps(),
        *perceptual_networks.steps(),
        *looking_pages.steps(),
        *as_original.steps(),
        *gallery_pictures.steps(),
    ]
