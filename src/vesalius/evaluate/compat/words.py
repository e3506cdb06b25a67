"""What ``compat: ssl-medicalimaging`` brings back, in sentences; what the original calls its data sets, and where they lie."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from vesalius import registry
from vesalius.data import source_names
from vesalius.evaluate.pairs.pictures import SAMPLES

WORD = "ssl-medicalimaging"
ALL = (
    "compat ssl-medicalimaging: the original's labels, its division by image and not by subject, one repeat. Every encoder is in evaluation mode and "
    "sees images as its own card prepares them, where the original gave most of them ImageNet's mean and deviation."
)
SENTENCES: Mapping[str, str] = {
    "few-shot": "compat ssl-medicalimaging, few-shot: images of one person may be on both sides of an episode, and as the only protocol it draws "
    "from at most 10,000 images of a set. The original's ± is the Monte-Carlo error of its episodes; the interval beside it, over the data set, is the "
    "one to believe.",
    "linear": "compat ssl-medicalimaging, linear: 45 strengths from 1e-5 to 1e6 as its code had them, chosen by its own measure on a fifth of the "
    "training images, features as they are. Each strength is solved to the end, where the original stopped after 100 iterations.",
    "finetune": "compat ssl-medicalimaging, finetune: images are cut to 8 to 100 % of their area and mirrored, as the original did with radiographs too. "
    "The best weights on validation are restored, where the original kept the last, and validation images are never trained on.",
    "saliency": "compat ssl-medicalimaging, saliency: the images of ./sample_images, 242 pixels a side of which the inner 224 are shown, a window of 10 at "
    "every position, filled with 0 after mean and deviation; colours from blue to red, as its figures had them. Its last version left encoders in "
    "training mode, with statistics of a batch of one; its numbers are of evaluation mode, as here.",
    "invariance": "compat ssl-medicalimaging, invariance: the original's parameters, that which changes nothing among them, so that two settings of which one "
    "is the image itself have at least half of the similarity. The covariance holds the images that are looked at, with 1e-6 on its diagonal: of fewer "
    "images than dimensions the similarity is an artefact near 0, whatever the encoder.",
    "multiview-invariance": "compat ssl-medicalimaging, multiview-invariance: 100 pairs drawn with replacement, of EyePACS only those of one grade, of "
    "CheXpert each lateral image with the first frontal one of its study; whitened as its invariance, with the same artefact.",
    "reconstruction": "compat ssl-medicalimaging, reconstruction: the images of ./sample_images, from the encoder's last map, by 3,000 steps of Adam at "
    "1e-3 as its published numbers had them. Each encoder sees images as its card prepares them, where the original gave all of them bare pixels, and of "
    "DenseNet the map is after its last normalisation, where the original's was before; files are PNG, and seeds are fixed.",
    "perceptual-distance": "compat ssl-medicalimaging, perceptual-distance: both images are seen at 224 pixels, and a table for each network has models as "
    "rows and data sets as columns.",
}
_KEYS = {"eyepacs": "diabetic_retinopathy", "nih-chestxray14": "chestx", "ichallenge-amd": "ichallenge_amd", "ichallenge-pm": "ichallenge_pm"}
_PER_CLASS = ("diabetic_retinopathy", "stoic")
"""Sets whose number is the mean of the classes' recalls, which is balanced accuracy."""


def sentences(protocols: Sequence[str]) -> list[str]:
    """What is said at the start and stands in the results."""
    return [ALL, *(SENTENCES[name] for name in protocols if name in SENTENCES)]


def placed(reference: str) -> str:
    """``NAME[:TASK]`` with where it lies in ``./data``, the original's folder, where VESALIUS_DATA does not say where data lie."""
    name, _, task = reference.partition(":")
    source, implied = source_names.meant(name)
    if "@" in reference or os.environ.get("VESALIUS_DATA") or not Path("data").is_dir() or source not in registry.names("sources"):
        return reference
    for place in sorted(Path("data").iterdir()):
        if place.is_dir() and source_names.meant(place.name)[0] == source:
            asked = task or implied
            return f"{source}@{place.as_posix()}{f':{asked}' if asked else ''}"
    return reference


def most(reference: str, protocols: Sequence[str]) -> int | None:
    """At most how many images the original evaluated on: 10,000 of its large sets where episodes were drawn, else all."""
    source = source_names.meant(reference.partition("@")[0].partition(":")[0])[0]
    return 10_000 if list(protocols) == ["few-shot"] and not source.startswith("cifar") else None


def original_key(dataset: str) -> str:
    """What the original calls a data set that is named so here: the name of its log."""
    source = source_names.meant(dataset)[0]
    return _KEYS.get(source, source)


def measure(dataset: str) -> str:
    """The original's measure of a data set."""
    return "balanced_accuracy" if original_key(dataset) in _PER_CLASS else "accuracy"


def pictured(places: Sequence[str], protocols: Sequence[str]) -> list[str]:
    """The folders of ``./sample_images`` of the data sets ``places``, where each has one and ``protocols`` look at a few images only.

    The original's scripts then need no data, and neither do these.
    """
    takes = {what for name in protocols for what in (registry.entry("protocols", name).TAKES if name in registry.names("protocols") else ("unknown",))}
    folders = [Path(SAMPLES) / original_key(place) for place in places]
    return [folder.as_posix() for folder in folders] if takes == {"pictures"} and all(folder.is_dir() for folder in folders) else []
