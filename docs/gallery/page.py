"""``docs/gallery.md``: which pictures there are, what each shows, and the page's text."""

from __future__ import annotations

from collections.abc import Collection

from docs.gallery.material import SOURCES, WEIGHTS
from docs.gallery.runs import COMMANDS
from docs.gallery.shown import Picture, reconstructions, reported, saliency, strips, table_of_invariances, transforms

ALL = tuple(SOURCES)
PICTURES = (
    Picture(
        "saliency", "What an encoder's answer hangs on",
        "A window is moved over the image; colour says how much the feature changes where it hides something. Below: the attentive diffusion, the share of "
        "the map above its mean. See [saliency](saliency.md).",
        ALL, lambda gallery: saliency(gallery, "saliency"), "saliency",
    ),
    Picture(
        "grad-cam", "The same by gradients",
        "Grad-CAM of how far the feature has come from that of an empty image: one pass forward and one back instead of thousands, and coarser.",
        ALL, lambda gallery: saliency(gallery, "grad-cam"), "grad-cam",
    ),
    Picture(
        "attention", "Where a transformer attends",
        "Attention rollout of `ours-vit` and of its twin without training.",
        ALL, lambda gallery: saliency(gallery, "attention"), "attention",
    ),
    Picture(
        "transforms", "Eighteen transforms",
        "What [invariance](invariance-transforms.md) is measured by: those that are on or off in the first row, the others weakly, in the middle and strongly.",
        ("histology",), transforms,
    ),
    Picture(
        "invariance", "What an encoder does not mind",
        "The whitened cosine between an image's features and those of its transformed twins, 1 where a transform changes nothing. Images are grey, so "
        "that transforms of colours are left out.",
        ("children",), table_of_invariances, "compared",
    ),
    Picture(
        "invariance-curves", "How much is too much",
        "The same along the parameters of the transforms that have some, from the report: weak to the left, strong to the right.",
        ("children",), lambda gallery: reported(gallery, "compared", "#invariance .charts"), "compared",
    ),
    Picture(
        "reconstruction", "What a feature still knows of its image",
        "A network paints from noise until its picture has the same features (deep image prior): what is lost was of no account to the encoder. "
        "See [reconstruction](reconstruction.md).",
        ("chest", "retina"), reconstructions, "reconstruction",
    ),
    Picture(
        "strips", "A reconstruction as it grows",
        "From noise to the last step, by the first encoder.",
        ("chest", "retina"), strips, "reconstruction",
    ),
    Picture(
        "correlations", "What goes with what",
        "Measures against scores over encoders, from the report; with so few encoders the intervals are wide, and say so.",
        ("children",), lambda gallery: reported(gallery, "compared", "#correlations"), "compared",
    ),
)  # fmt: skip
ELSEWHERE = (
    ("select-selection-map.png", "A selection on the map of its embeddings", "select-report.md", "cells of BCCD (MIT licence)"),
    ("radiograph-views.png", "Radiographs under three recipes of augmentation", "augmentation-files.md",
     "`RG1_UNCR.dcm` and `RG3_UNCR.dcm` of DICOM's WG-04, as distributed with [pydicom-data](https://github.com/pydicom/pydicom-data) (MIT licence)"),
)  # fmt: skip
"""Pictures of other pages: file, what it shows, the page that says how it was made, whose images."""


def page(there: Collection[str]) -> str:
    """The text with those of ``PICTURES`` whose files are ``there``."""
    parts = [
        "# Gallery: looking inside encoders",
        "",
        "Real images, real encoders. This page and its pictures are written by `make gallery`; each command stands as it was run, in a folder with the "
        "images, the runs and PneumoniaMNIST's file.",
        "",
        f"Encoders: {WEIGHTS}; `random init`: a twin of each without training.",
    ]
    for one in PICTURES:
        if one.file in there:
            command = ["", "```bash", COMMANDS[one.run], "```"] if one.run else []
            credits = "; ".join(SOURCES[name].credit for name in one.sources)
            parts += ["", f"## {one.title}", "", f"![{one.title}](pictures/{one.file})", "", one.text, *command, "", f"*Images: {credits}.*"]
    for file, title, place, credit in ELSEWHERE:
        parts += ["", f"## {title}", "", f"![{title}](pictures/{file})", "", f"How it was made: [{place}]({place}).", "", f"*Images: {credit}.*"]
    return "\n".join([*parts, ""])
