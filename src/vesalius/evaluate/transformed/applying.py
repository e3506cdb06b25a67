"""Many settings of one transform on many images at once, on tensors: torchvision's numbers, a batch at a time.

Images have the size of the model already, so that every length is the same for all, and each is sampled once. Maps that turn or zoom
are bilinear at the very places and black beyond the outermost pixels' centres, as torchvision's; the sampling of recipes, which reads
a smaller copy where it shrinks and ends half a pixel further out, is another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.errors import UserError
from vesalius.evaluate.transformed.grids import Parameter
from vesalius.evaluate.transformed.transforms import Transform
from vesalius.views.frame import Frame
from vesalius.views.operation import Geometry, Parameters, Pixelwise, Values
from vesalius.views.operations.flip import HorizontalFlip, VerticalFlip
from vesalius.views.sampling import Separable


def applied(
    x: Float[Tensor, "images channels height width"], transform: Transform, parameters: Sequence[Parameter]
) -> Float[Tensor, "images parameters channels height width"]:
    """``transform`` of ``x``, values in [0, 1], with each of ``parameters``; new tensors on its device.

    Raises UserError for volumes, and where the transform needs colours and the images have neither one channel nor three.
    """
    if x.ndim != 4:
        raise of_volumes()
    if transform.colour and x.shape[1] not in (1, 3):
        raise UserError(f"{transform.title} is defined for images of 1 or 3 channels, and these have {x.shape[1]}. Leave it out of the transforms.")
    with torch.no_grad():
        made = transform.make(parameters, (x.shape[2], x.shape[3]))
        if isinstance(made, Tensor):
            return _displaced(x, made)
        operation, values = made
        if isinstance(operation, Pixelwise):
            return _changed(x, operation, values, len(parameters))
        assert isinstance(operation, Geometry)
        return _moved(x, operation, values, len(parameters))


def of_volumes() -> UserError:
    """The error for what has no rows and columns alone."""
    return UserError(
        "The transforms of invariance are for images, and these are volumes or stacks of slices. Evaluate an encoder of images, on slices, or use "
        "multiview-invariance, which takes pairs of any samples."
    )


def _changed(x: Tensor, operation: Pixelwise, values: Values, count: int) -> Tensor:
    items = x.unsqueeze(1).repeat(1, count, 1, 1, 1)
    each = {name: np.concatenate([value] * len(x)) for name, value in values.items()}
    prepared = Parameters.of(operation.prepare(each, x.shape[1]), x.device)
    return operation.change(items.flatten(0, 1), prepared).view(items.shape)


def _moved(x: Tensor, operation: Geometry, values: Values, count: int) -> Tensor:
    size = (x.shape[2], x.shape[3])
    frame = operation.place(Frame.of(np.tile(size, (count, 1))), values, size)
    if operation.turns:
        still = (frame.matrix == np.eye(3)).all((1, 2))
        return _sampled(x, _grid(frame.theta(np.tile(size, (count, 1))), size, x.device), still)
    if isinstance(operation, HorizontalFlip | VerticalFlip):
        on = torch.from_numpy(values["on"]).to(x.device).view(1, -1, 1, 1, 1)
        return torch.where(on, x.flip(3 - operation.axis).unsqueeze(1), x.unsqueeze(1))
    # Boxes keep rows and columns: two products of small matrices, and nothing is read beyond a box.
    each = {name: np.repeat(value, len(x), axis=0) for name, value in values.items()}
    frame = operation.place(Frame.of(np.tile(size, (count * len(x), 1))), each, size)
    one = x.new_ones(len(x), 1)
    pixels = Pixels(x.unsqueeze(1), torch.tensor(size).expand(len(x), 1, 2), one, torch.zeros_like(one))
    out = x.new_empty(count * len(x), *x.shape[1:])
    return Separable(pixels, frame, size).sample(slice(0, len(out)), out).view(count, *x.shape).transpose(0, 1)


def _displaced(x: Tensor, displacement: Tensor) -> Tensor:
    size = (x.shape[2], x.shape[3])
    here = _grid(np.eye(3)[None, :2], size, x.device)
    return _sampled(x, here + displacement.to(x.device), (displacement == 0).flatten(1).all(1).numpy())


def _sampled(x: Tensor, grid: Tensor, still: NDArray[np.bool_]) -> Tensor:
    """``x`` at the places ``grid`` (k, height, width, 2), which are its own where ``still`` (k,).

    The images lie one behind the other as channels, so that a place is looked up once for all.
    """
    n, channels, height, width = x.shape
    stacked = x.reshape(1, n * channels, height, width).expand(len(grid), -1, -1, -1)
    out = F.grid_sample(stacked, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    made = out.view(len(grid), n, channels, height, width).transpose(0, 1)
    for number in np.flatnonzero(still):
        made[:, number] = x  # without the rounding of places
    return made


def _grid(theta: NDArray[np.float64], size: tuple[int, int], device: torch.device) -> Tensor:
    """``(k, height, width, 2)`` float32: the places of each map (k, 2, 3), worked out in double precision."""
    return F.affine_grid(torch.from_numpy(theta), [len(theta), 1, *size], align_corners=False).to(device, torch.float32)
