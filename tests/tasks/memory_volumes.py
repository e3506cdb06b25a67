"""A store of volumes in memory: what sliding windows and decoders are tested on, without files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius.data.pixels import Pixels


class MemoryVolumes:
    """``images`` (C, x, y, z) uint16 each; what a network sees is image / 1000, held between 0 and 1."""

    def __init__(self, images: Sequence[NDArray[np.uint16]]) -> None:
        self.images = list(images)
        self.extents = np.array([image.shape[1:] for image in images], np.int64)

    def read(self, rows: NDArray[np.int64], windows: NDArray[np.int64], out: Pixels | None = None) -> Pixels:
        """Windows (B, R, 2, 3) of records (B, R), all of one size."""
        cut = [
            self.images[int(row)][(slice(None), *(slice(a, b) for a, b in zip(*window, strict=True)))]
            for row, window in zip(rows.ravel(), windows.reshape(-1, 2, 3).tolist(), strict=True)
        ]
        data = torch.from_numpy(np.stack(cut).reshape(*rows.shape, *cut[0].shape))
        scale = torch.full(rows.shape, 1e-3)
        return Pixels(data, torch.from_numpy(windows[:, :, 1] - windows[:, :, 0]), scale, torch.zeros(rows.shape), clip=True)
