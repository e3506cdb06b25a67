"""How volumes are prepared: axes, spacing, intensities, what counts as foreground, and the patch that is learnt from.

A plan is made of a data set's fingerprint (``data.planning``) or written down in a recipe. It stands in the card of every
encoder that learnt by it, and fine-tuning takes it from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Sides = tuple[int, int, int]
"""Voxels along x, y and z of a volume's own order of axes (with orientation RAS: to the right, to the front, up)."""


class Intensity(BaseModel):
    """How a volume's values become what a network sees.

    ``window``: ``low`` becomes 0 and ``high`` 1, in the volume's units (HU). ``percentiles``: the same with these percentiles
    of each volume's foreground. ``zscore``: mean 0 and deviation 1 over each volume's foreground. ``none``: as they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["window", "percentiles", "zscore", "none"] = "percentiles"
    """Which of the four."""
    low: float | None = None
    high: float | None = None
    clip: bool = True
    """Whether values beyond 0 and 1 are cut off; ``window`` and ``percentiles`` alone."""

    @model_validator(mode="after")
    def _ordered(self) -> Intensity:
        if self.rule in ("window", "percentiles"):
            low, high = self.low, self.high
            if low is None or high is None:
                if self.rule == "window":
                    raise ValueError("a window needs low and high, such as low: -175 and high: 250 (HU)")
                object.__setattr__(self, "low", 0.5 if low is None else low)
                object.__setattr__(self, "high", 99.5 if high is None else high)
            if not self.low < self.high:  # type: ignore[operator]
                raise ValueError(f"runs from {self.low} to {self.high}; low must be below high")
            if self.rule == "percentiles" and not (self.low >= 0 and self.high <= 100):  # type: ignore[operator]
                raise ValueError("percentiles lie between 0 and 100")
        elif self.low is not None or self.high is not None:
            raise ValueError(f"{self.rule} takes neither low nor high")
        return self


class Plan(BaseModel):
    """Everything between a file and a patch that a network sees."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Literal["ct", "mr", "other"] = Field("other", description="ct: values are HU.")
    orientation: str = Field("RAS", pattern="^(native|[RL][AP][SI])$", description="What the axes point to; native: as the file has them.")
    spacing: tuple[float, float, float] | None = Field(None, description="Voxel size in mm; none: each volume's own.")
    intensity: Intensity = Field(Intensity(), description="How values become what the network sees.")
    foreground: float | Literal["nonzero", "otsu"] = Field(
        "otsu", description="What is foreground: above a value (HU), not zero, or above the lower of Otsu's two thresholds of each volume."
    )
    crop: bool = Field(True, description="Store only the box around the foreground.")
    patch: Sides = Field((96, 96, 96), description="Voxels per side of what is learnt from.")

    @model_validator(mode="after")
    def _positive(self) -> Plan:
        if self.spacing is not None and min(self.spacing) <= 0:
            raise ValueError(f"a spacing of {self.spacing} mm is no voxel size")
        if min(self.patch) < 1:
            raise ValueError(f"a patch of {self.patch} voxels is none")
        return self

    @classmethod
    def said(cls, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """``fields`` as a recipe gives them, some of a plan's. Raises ValueError for one that a plan has not, and for a patch without three sides."""
        for key in fields:
            if key not in cls.model_fields:
                near = get_close_matches(key, cls.model_fields, n=1)
                raise ValueError(f"a plan has no {key!r}{f' (did you mean {near[0]}?)' if near else ''}; it has {', '.join(cls.model_fields)}")
        patch = fields.get("patch", (1, 1, 1))
        sides = list(patch) if isinstance(patch, list | tuple) else [patch]
        if len(sides) != 3 or not all(isinstance(side, int) and side > 0 for side in sides):
            example = next((side for side in sides if isinstance(side, int) and side > 0), 96)
            raise ValueError(f"patch is {patch!r}; it has three sides in whole voxels, as [{example}, {example}, {example}]")
        return fields

    @property
    def voxels(self) -> str:
        """The spacing in words."""
        return "own spacing" if self.spacing is None else f"{' x '.join(f'{side:g}' for side in self.spacing)} mm"

    @property
    def key(self) -> str:
        """What decides the stored voxels, in one word: part of every record's address. Intensities and patch are not."""
        spacing = "own" if self.spacing is None else "x".join(f"{side:g}" for side in self.spacing)
        return f"volume-{self.orientation}-{spacing}-{self.foreground}-{'crop' if self.crop else 'whole'}"
