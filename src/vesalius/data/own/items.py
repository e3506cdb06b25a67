"""One item of a user's data set: an image, or an image and its label, or its number, the image and the label."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

_CHANNELS = (1, 2, 3, 4)


@runtime_checkable
class MapStyle(Protocol):
    """What torch calls a map-style data set."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class Item(NamedTuple):
    """``image`` as the data set gave it; ``labelled``: whether a label stood beside it, as ``label``."""

    image: Any
    labelled: bool = False
    label: Any = None


def taken_apart(item: Any) -> Item | None:
    """``image``, ``(image,)``, ``(image, label)`` or ``(index, image, label)``; None where ``item`` is none of these."""
    if is_image(item):
        return Item(item)
    if not isinstance(item, (tuple, list)):
        return None
    if len(item) == 3 and is_image(item[1]) and not is_image(item[0]):
        return Item(item[1], True, item[2])
    if len(item) in (1, 2) and is_image(item[0]):
        return Item(item[0], len(item) == 2, item[1] if len(item) == 2 else None)
    return None


def is_image(value: Any) -> bool:
    """Whether ``value`` is an image of Pillow, or an array or tensor of two or three axes."""
    return hasattr(value, "getbands") or (
        hasattr(value, "shape") and hasattr(value, "dtype") and len(value.shape) in (2, 3)
    )


def pixels_of(image: Any) -> NDArray[Any]:
    """``image`` as (H, W, C) in its own numbers. Raises Unreadable where an image of Pillow has colours that are not read.

    Tensors are taken as (C, H, W) and arrays as (H, W, C), unless only the other reading has at most 4 channels.
    """
    if hasattr(image, "getbands"):
        from vesalius.data.readers.pillow import upright_pixels

        return upright_pixels(image)
    tensor = hasattr(image, "detach")
    if tensor:
        image = image.detach().cpu()
        image = (image.float() if str(image.dtype) == "torch.bfloat16" else image).numpy()
    array = np.asarray(image)
    if array.ndim == 2:
        return array[..., None]
    first, last = array.shape[0] in _CHANNELS, array.shape[2] in _CHANNELS
    return array.transpose(1, 2, 0) if first and (tensor or not last) else array


def plain_label(label: Any) -> Any:
    """A number, a word, a list of numbers, or None for a label that is not known."""
    if hasattr(label, "detach"):
        label = label.detach().cpu().numpy()
    if hasattr(label, "tolist"):
        label = label.tolist()
    if isinstance(label, (tuple, list)):
        return [plain_label(value) for value in label]
    return None if isinstance(label, float) and label != label else label
