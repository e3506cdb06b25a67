"""How the voxels of a record lie in the file: raw, to be mapped, or packed by Blosc2, to be unpacked block by block.

Raw is the default: a patch is copied out of the page cache in a fraction of a millisecond. Packed records are for where the
disk or the network is the limit; they take a third to a half of the room (``pip install 'vesalius[blosc2]'``).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError

Codec = Literal["raw", "blosc2"]

_CHUNK, _BLOCK = 64, 32  # voxels a side; a block is the least that is unpacked


def check(codec: Codec) -> None:
    """Raise UserError where ``codec`` cannot be used."""
    if codec not in ("raw", "blosc2"):
        raise UserError(f"The codec is {codec!r}; it is raw or blosc2.")
    if codec == "blosc2":
        _blosc2()


def packed(array: NDArray[Any], codec: Codec) -> memoryview:
    """The bytes of ``array`` (x, y, z), contiguous."""
    if codec == "raw":
        return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    blosc2 = _blosc2()
    chunks, blocks = (tuple(min(side, most) for side in array.shape) for most in (_CHUNK, _BLOCK))
    how = {"codec": blosc2.Codec.ZSTD, "clevel": 3, "filters": [blosc2.Filter.BITSHUFFLE], "nthreads": 1}
    return memoryview(
        blosc2.asarray(np.ascontiguousarray(array), chunks=chunks, blocks=blocks, cparams=how).to_cframe()
    )


def unpacked(data: NDArray[np.uint8], box: tuple[slice, ...]) -> NDArray[Any]:
    """``(x, y, z)``: ``box`` of the bytes ``data`` (n,) that ``packed`` made with Blosc2. Raises UserError without the package."""
    found: NDArray[Any] = _blosc2().ndarray_from_cframe(data.data)[
        box
    ]  # an object a call: it is not safe in several threads
    return found


def _blosc2() -> Any:
    try:
        import blosc2  # type: ignore[import-untyped]
    except ImportError:
        raise UserError(
            "Stored volumes that are packed by Blosc2 need the package blosc2: pip install 'vesalius[blosc2]', or store them raw."
        ) from None
    return blosc2
