"""Every key of InnerEye's augmentation files: type, default, what it means, and what it becomes here.

``views/innereye.py`` reads files by this table, ``docs/augmentation-files.md`` is written from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Value = bool | int | float | tuple[float, float]


@dataclass(frozen=True)
class Key:
    """One key. ``low`` and ``high`` bound its number, or both numbers of a range; ``differs``: in what we are unlike."""

    name: str
    kind: Literal["yes or no", "whole number", "number", "range"]
    default: Value
    meaning: str
    becomes: str
    differs: str = ""
    low: float = 0.0
    high: float = float("inf")


_ON = "augmentation."
KEYS: tuple[Key, ...] = (
    Key("preprocess.resize", "whole number", 256,
        "pixels per side after the random crop; without it, of the shorter side",
        "`random_resized_crop.size` or `resize.shorter`",
        "anti-aliased, and one sampling together with affine, flip, elastic and centre crop", low=1.0),
    Key("preprocess.center_crop_size", "whole number", 224, "pixels per side of the view", "the group's `size`, by `centre_crop`", low=1.0),
    Key(f"{_ON}use_random_affine", "yes or no", False,
        "rotation, shift and shear",
        "`affine`", "bilinear, not the nearest pixel; see `affine` in [Views](views.md)"),
    Key(f"{_ON}use_random_crop", "yes or no", False,
        "a random box, resized; else the whole image, resized",
        "`random_resized_crop`, else `resize`"),
    Key(f"{_ON}use_random_horizontal_flip", "yes or no", False, "left becomes right", "`horizontal_flip`"),
    Key(f"{_ON}use_gamma_transform", "yes or no", False, "values to a random power, each time", "`gamma`"),
    Key(f"{_ON}use_random_color", "yes or no", False, "brightness, contrast, saturation in random order, each time", "`colour_jitter`"),
    Key(f"{_ON}use_elastic_transform", "yes or no", False, "smooth displacements", "`elastic`"),
    Key(f"{_ON}use_random_erasing", "yes or no", False,
        "a box becomes black; in half of the views, which no key changes",
        "`erasing` with `p: 0.5`, `value: 0`"),
    Key(f"{_ON}add_gaussian_noise", "yes or no", False,
        "noise, which no value may leave the image's own range by",
        "`noise` with `clamp: own`, `grey: true`"),
    Key(f"{_ON}random_crop.scale", "range", (0.9, 1.0),
        "area of the box as a share of the image's",
        "`random_resized_crop.scale`", high=1.0),
    Key(f"{_ON}random_horizontal_flip.prob", "number", 0.5, "probability", "`horizontal_flip.p`", high=1.0),
    Key(f"{_ON}random_affine.max_angle", "number", 0, "largest rotation either way, in degrees", "`affine.degrees`"),
    Key(f"{_ON}random_affine.max_horizontal_shift", "number", 0.0,
        "largest shift either way as a share of the width",
        "`affine.translate`, first", high=1.0),
    Key(f"{_ON}random_affine.max_vertical_shift", "number", 0.0,
        "largest shift either way as a share of the height",
        "`affine.translate`, second", high=1.0),
    Key(f"{_ON}random_affine.max_shear", "number", 5, "largest shear along x either way, in degrees", "`affine.shear`", high=89.9),
    Key(f"{_ON}random_color.brightness", "number", 0.0, "factor in [1 - b, 1 + b]", "`colour_jitter.brightness`"),
    Key(f"{_ON}random_color.contrast", "number", 0.1,
        "factor in [1 - c, 1 + c]",
        "`colour_jitter.contrast`", "values are clamped to [0, 1] once, after all of them"),
    Key(f"{_ON}random_color.saturation", "number", 0.0, "factor in [1 - s, 1 + s]; grey images have none", "`colour_jitter.saturation`"),
    Key(f"{_ON}gamma.scale", "range", (0.5, 1.5), "exponents, drawn uniformly", "`gamma.scale`", low=1e-6),
    Key(f"{_ON}elastic_transform.sigma", "number", 4,
        "smoothing of the displacements, in pixels of the resized image",
        "`elastic.sigma`",
        "a window of a bank of displacements smoothed once; what SciPy fades near the border is as strong there as elsewhere", low=1e-3),
    Key(f"{_ON}elastic_transform.alpha", "number", 35, "pixels that noise of 1 moves before it is smoothed", "`elastic.alpha`"),
    Key(f"{_ON}elastic_transform.p_apply", "number", 0.5, "probability", "`elastic.p`", high=1.0),
    Key(f"{_ON}random_erasing.scale", "range", (0.01, 0.1), "area of the box as a share of the view's", "`erasing.scale`", high=1.0),
    Key(f"{_ON}random_erasing.ratio", "range", (0.3, 3.3), "height over width of the box", "`erasing.ratio`", low=1e-6),
    Key(f"{_ON}gaussian_noise.p_apply", "number", 0.5, "probability", "`noise.p`", high=1.0),
    Key(f"{_ON}gaussian_noise.std", "number", 0.01, "standard deviation, images being in [0, 1]", "`noise.std`"),
    Key(f"{_ON}label_smoothing.epsilon", "number", 0.1,
        "read by the original and used nowhere",
        "nothing: it is accepted, and a sentence says so", high=1.0),
)  # fmt: skip
