"""The one sampling of a group of views: stored integers to float pixels, all views and samples at once.

Rows that stay rows (crop, resize, flip) are sampled axis by axis with torchvision's anti-aliased bilinear weights: by
two batched products of small matrices, or, for large 8-bit images on the CPU, by torch's own 8-bit kernel on pixels
packed four bytes each. What rotates, shears or bends goes through ``grid_sample``, from a half-size image where it shrinks.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from vesalius.data.pixels import Pixels
from vesalius.data.to_device import to_device
from vesalius.views.bending import bend
from vesalius.views.frame import Frame
from vesalius.views.product import separable
from vesalius.views.turning import ONE_BY_ONE_FROM, Turned

PACKED_FROM = 48
"""Least side of a view, in pixels, at which one call per image into the 8-bit kernel beats batched products."""
HALVE_ABOVE = 1.5
"""Stored pixels per view pixel above which ``grid_sample`` reads a half-size image."""


_ONE = torch.tensor(1.0)
_BYTE = (1, 1 << 8, 1 << 16)


class Sampler:
    """Samples items of a group. Item n is view ``n // B`` of sample ``n % B``."""

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int]) -> None:
        self.pixels, self.frame, self.size = pixels, frame, size
        device, samples = pixels.data.device, len(pixels.data)
        self.samples = torch.arange(len(frame.matrix), device=device).remainder_(samples)
        self.scale, self.offset = pixels.scale[:, 0], pixels.offset[:, 0]
        # Asking a device whether its offsets are zero would wait for it; adding zeros does not.
        self.shifted = self.offset.device.type != "cpu" or bool(self.offset.any())

    @abstractmethod
    def sample(self, items: slice, out: Tensor) -> Tensor:
        """Fill ``out`` (n, C, *size) with the items ``items``, in physical values."""

    def at(self, items: slice) -> Tensor:
        """``(n,)``: the sample of each item."""
        return self.samples[items]

    def physical(self, x: Tensor, at: Tensor) -> Tensor:
        """Stored values ``x`` (n, C, *size) of samples ``at`` to physical ones, in place."""
        x.mul_(self.scale.index_select(0, at).view(-1, 1, 1, 1))
        return x.add_(self.offset.index_select(0, at).view(-1, 1, 1, 1)) if self.shifted else x


def sampler(pixels: Pixels, frame: Frame, size: tuple[int, int], *, turns: bool) -> Sampler:
    """The fastest sampler for this device, type and geometry. ``turns``: whether any item may rotate or shear."""
    if turns:
        return Grid(pixels, frame, size)
    data = pixels.data
    small = min(size) < PACKED_FROM
    if (
        data.device.type == "cpu"
        and data.dtype == torch.uint8
        and data.shape[2] <= 3
        and not small
        and _whole_boxes(frame)
    ):
        return Packed(pixels, frame, size)
    return Separable(pixels, frame, size)


class Separable(Sampler):
    """Two batched products: (height out x height in) @ pixels @ (width in x width out)."""

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int]) -> None:
        super().__init__(pixels, frame, size)
        device = pixels.data.device
        self.rows = pixels.data[:, 0].transpose(1, 2).contiguous()
        self.down = Weights(frame, 1, size[0], self.rows.shape[1], device)
        self.across = Weights(frame, 0, size[1], self.rows.shape[3], device)

    @override
    def sample(self, items: slice, out: Tensor) -> Tensor:
        at = self.at(items)
        rows = self.physical(self.rows.index_select(0, at).float(), at)
        return out.copy_(separable(rows, self.down.of(items), self.across.of(items)))


class Packed(Sampler):
    """8-bit images of at most three channels, one call per image into torch's vectorised 8-bit resize.

    The pixels of a crop are packed into 32-bit words, one byte per channel: the kernel wants channels last, and words are
    packed, mirrored and unpacked by fast integer operations. Values are rounded to 8 bits, as torchvision's and Pillow's.
    """

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int]) -> None:
        super().__init__(pixels, frame, size)
        self.planes = pixels.data[:, 0]
        self.boxes, self.mirrored = _boxes(frame)
        # A channel is cut out of the words where it stands, so the third byte is 65536 times too large: exactly so.
        bytes_ = torch.tensor(_BYTE[: self.planes.shape[1]]).view(1, -1, 1, 1)
        self.per_word = self.scale.view(-1, 1, 1, 1) / bytes_

    @override
    def sample(self, items: slice, out: Tensor) -> Tensor:
        samples = self.at(items)
        byte = torch.empty(self.size, dtype=torch.int32)
        for target, sample, (top, left, bottom, right), mirrored in zip(
            out, samples.tolist(), self.boxes[items].tolist(), self.mirrored[items].tolist()
        ):
            crop = self.planes[sample, :, top:bottom, left:right].to(torch.int32)
            words = crop[:1]
            for channel in range(1, len(crop)):
                words.add_(crop[channel], alpha=_BYTE[channel])
            if words.shape[1:] != self.size:
                rgba = words.unsqueeze(3).view(torch.uint8).permute(0, 3, 1, 2)
                resized = F.interpolate(rgba, self.size, mode="bilinear", antialias=True)
                words = resized.permute(0, 2, 3, 1).contiguous().view(torch.int32).squeeze(3)
            if any(mirrored):
                words = words.flip([axis for axis, mirror in zip((2, 1), mirrored) if mirror])
            for channel, plane in enumerate(target):
                plane.copy_(torch.bitwise_and(words[0], 255 * _BYTE[channel], out=byte))
        out.mul_(self.per_word.index_select(0, samples))
        return out.add_(self.offset.index_select(0, samples).view(-1, 1, 1, 1)) if self.shifted else out


class Grid(Sampler):
    """Any affine map: ``grid_sample``, bilinear, from the level of a pyramid that fits each item."""

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int]) -> None:
        super().__init__(pixels, frame, size)
        batch = len(pixels.data)
        stored_per_pixel = np.sqrt((frame.matrix[:, :2, :2] ** 2).sum(axis=1)).max(axis=1)
        self.level = np.maximum(0, np.ceil(np.log2(stored_per_pixel / HALVE_ABOVE))).astype(np.int64)
        self.turned: Turned | None = None
        if pixels.data.device.type == "cpu" and min(size) >= ONE_BY_ONE_FROM:
            highest = max(0, int(np.log2(min(pixels.data.shape[3:]) / 2)))
            self.turned = Turned(pixels, frame, size, np.minimum(self.level, highest))
            return
        self.pyramid = [pixels.data[:, 0].float()]
        for level in range(1, int(self.level.max(initial=0)) + 1):
            finer = self.pyramid[-1]
            if min(finer.shape[2:]) < 4:
                self.level = np.minimum(self.level, level - 1)
                break
            wanted = np.unique(np.flatnonzero(self.level >= level) % batch)
            rows = to_device(wanted, finer.device)
            coarse = finer.new_zeros(*finer.shape[:2], finer.shape[2] // 2, finer.shape[3] // 2)
            self.pyramid.append(coarse.index_copy_(0, rows, F.avg_pool2d(finer.index_select(0, rows), 2)))

    @override
    def sample(self, items: slice, out: Tensor) -> Tensor:
        if self.turned is not None:
            for target, item in zip(out, range(items.start, items.stop)):
                self.turned.sample(item, target)
            return out
        levels = self.level[items]
        for level in np.unique(levels):
            which = np.flatnonzero(levels == level)
            values = self._from_level(int(level), which + items.start)
            out.index_copy_(0, to_device(which, out.device), values)
        return out

    def _from_level(self, level: int, number: NDArray[np.integer]) -> Tensor:
        """Items ``number``, read from a level of the pyramid."""
        source, shrink = self.pyramid[level], 2.0**level
        height, width = source.shape[2:]
        x, y = _positions(self.frame.matrix[number], self.size, source.device)
        veil = bend(self.frame.bend, x, y, number) if self.frame.bend is not None else None
        bounds = self.frame.bounds[number]
        lines = np.concatenate([bounds, _whole_pixels(bounds, shrink)], axis=1).astype(np.float32)
        top, left, bottom, right, first, start, last, end = (
            to_device(lines, source.device).view(-1, 8, 1, 1).unbind(1)
        )
        # Half a pixel of this level inside the bounds nothing beyond them has any weight.
        inner_x, inner_y = torch.minimum(torch.maximum(x, start), end), torch.minimum(torch.maximum(y, first), last)
        grid = torch.stack([inner_x * (2 / (width * shrink)) - 1, inner_y * (2 / (height * shrink)) - 1], dim=-1)
        at = to_device(number, source.device) % len(source)
        values = F.grid_sample(source.index_select(0, at), grid, padding_mode="border", align_corners=False)
        self.physical(values, at)
        if self.frame.edge:
            return values
        if veil is not None:
            values.mul_(veil.unsqueeze(1))
        share_x = torch.minimum(x - left, right - x).add_(1).clamp_(0, 1)
        share_y = torch.minimum(y - top, bottom - y).add_(1).clamp_(0, 1)
        return values.mul_(share_x.mul_(share_y).unsqueeze(1))


def _positions(matrix: NDArray[np.float64], size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """``x`` and ``y`` (n, *size) in the window of each view pixel's centre."""
    m = to_device(matrix[:, :2].astype(np.float32), device)
    across = (torch.arange(size[1], device=device) + 0.5).view(1, 1, -1)
    down = (torch.arange(size[0], device=device) + 0.5).view(1, -1, 1)
    x, y = (
        m[:, i, 0].view(-1, 1, 1) * across + (m[:, i, 1].view(-1, 1, 1) * down + m[:, i, 2].view(-1, 1, 1))
        for i in (0, 1)
    )
    return x, y


def _whole_pixels(bounds: NDArray[np.float64], shrink: float) -> NDArray[np.float64]:
    """Centres of the outermost pixels of a level that lie wholly in ``bounds`` (N, 4)."""
    low = np.ceil(bounds[:, :2] / shrink - 1e-6) * shrink + shrink / 2
    high = np.floor(bounds[:, 2:] / shrink + 1e-6) * shrink - shrink / 2
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    # Where not even one pixel fits, its middle is the best there is.
    return np.concatenate([np.where(low > high, middle, low), np.where(low > high, middle, high)], axis=1)


class Weights:
    """``(N, n_out, n_in)``: what each stored row (or column) gives to each row of the view.

    A triangle around the centre of the output pixel, as wide as the shrinking asks for, cut off at the bounds and
    normalised: torchvision's anti-aliased bilinear resize. Rows whose centre lies outside are zero unless ``frame.edge``.
    """

    def __init__(self, frame: Frame, axis: int, n_out: int, n_in: int, device: torch.device) -> None:
        slope, start = frame.matrix[:, axis, axis, None], frame.matrix[:, axis, 2, None]
        low, high = frame.bounds[:, 1 - axis, None], frame.bounds[:, 3 - axis, None]
        centre = (np.arange(n_out) + 0.5) * slope + start
        inside = (centre > low - 1e-3) & (centre < high + 1e-3)
        support = np.maximum(np.abs(slope), 1)
        pixel = np.arange(n_in) + 0.5
        # Without shrinking the two weights already sum to one, and a centre half a pixel inside repeats the border.
        self.shrinks = bool((support > 1).any())
        if not self.shrinks or frame.edge:
            centre = np.minimum(np.maximum(centre, low + 0.5), high - 0.5)
        self.gaps = not frame.edge and not bool(inside.all())

        def put(array: NDArray[Any]) -> Tensor:
            return to_device(np.ascontiguousarray(array, np.float32), device)

        self.centre, self.pixel = put(centre).unsqueeze(2), put(pixel)
        self.slope = put(1 / support).unsqueeze(2)
        self.readable = put((pixel > low) & (pixel < high)).unsqueeze(1)
        self.inside = put(inside).unsqueeze(2)

    def of(self, items: slice) -> Tensor:
        """The matrices of ``items``."""
        weights = (self.centre[items] - self.pixel).abs_()
        if self.shrinks:
            weights.mul_(self.slope[items])
        torch.sub(_ONE, weights, out=weights).clamp_(min=0)
        if self.shrinks:
            weights.mul_(self.readable[items])
            weights.div_(weights.sum(dim=2, keepdim=True).clamp_(min=1e-6))
        return weights.mul_(self.inside[items]) if self.gaps else weights


def _boxes(frame: Frame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What each item shows of its window: top, left, bottom, right (N, 4), and whether mirrored in x and y (N, 2)."""
    m, canvas = frame.matrix, frame.canvas
    x = np.stack([m[:, 0, 2], m[:, 0, 0] * canvas[:, 1] + m[:, 0, 2]], axis=1)
    y = np.stack([m[:, 1, 2], m[:, 1, 1] * canvas[:, 0] + m[:, 1, 2]], axis=1)
    box = np.stack([y.min(1), x.min(1), y.max(1), x.max(1)], axis=1)
    return np.rint(box).astype(np.int64), np.stack([x[:, 0] > x[:, 1], y[:, 0] > y[:, 1]], axis=1)


def _whole_boxes(frame: Frame) -> bool:
    """Whether every item is a box of whole pixels which is also all that it may read (so that no filter reaches out)."""
    m, canvas = frame.matrix, frame.canvas
    x = np.stack([m[:, 0, 2], m[:, 0, 0] * canvas[:, 1] + m[:, 0, 2]], axis=1)
    y = np.stack([m[:, 1, 2], m[:, 1, 1] * canvas[:, 0] + m[:, 1, 2]], axis=1)
    box = np.stack([y.min(1), x.min(1), y.max(1), x.max(1)], axis=1)
    return bool(
        np.abs(box - frame.bounds).max(initial=0.0) < 1e-3 and np.abs(box - np.rint(box)).max(initial=0.0) < 1e-3
    )
