"""Where there is something to see in stored volumes: what the views draw their patches from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ground:
    """Of B records, in stored voxels.

    ``box`` (B, 2, 3): first voxel of the foreground and the one after its last. ``points`` (B, K, 3): K voxels of the
    foreground, drawn evenly over it and always the same for a record (repeated where it has fewer). Of labelled records also
    ``classes`` (B, L, K, 3): voxels of label 1 to L, -1 where the record has none of it, ``background`` (B, K, 3):
    foreground voxels of label 0, -1 where there are none, and ``counts`` (B, L): how many voxels each label has.
    """

    box: NDArray[np.int64]
    points: NDArray[np.int32]
    classes: NDArray[np.int32] | None = None
    background: NDArray[np.int32] | None = None
    counts: NDArray[np.int64] | None = None
