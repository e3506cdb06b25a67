"""Normalisation by fixed means and deviations."""

from __future__ import annotations

import torch
from pydantic import field_validator, model_validator
from torch import Tensor
from typing_extensions import override

from vesalius.data.to_device import to_device
from vesalius.views.operation import Parameters, Pixelwise, refuse


class Normalise(Pixelwise):
    """``(x - mean) / std`` for each channel; one number serves all channels."""

    name = "normalise"

    mean: tuple[float, ...]
    """Mean of each channel, images being in [0, 1]."""
    std: tuple[float, ...]
    """Standard deviation of each channel."""

    @field_validator("mean", "std", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (value,) if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _usable(self) -> Normalise:
        if not self.mean or len(self.mean) != len(self.std) or min(self.std) <= 0:
            raise ValueError("mean and std must have one number for each channel, and std must be above 0")
        return self

    @override
    def check(self, channels: int) -> None:
        if len(self.mean) not in (1, channels):
            raise refuse(
                f"normalise has {len(self.mean)} means for images of {channels} channels. Give one, or one for each."
            )

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        shift = to_device(torch.tensor([-m / s for m, s in zip(self.mean, self.std)]), x.device)
        if len(self.mean) == 1:
            return torch.add(shift, x, alpha=1 / self.std[0], out=x)
        # One pass for each channel: an operation that repeats two operands at once is three times as slow.
        for channel, std in enumerate(self.std):
            torch.add(shift[channel], x[:, channel], alpha=1 / std, out=x[:, channel])
        return x
