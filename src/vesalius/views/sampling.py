"""The one sampling of a group of views: stored integers to float pixels, all views and samples at once.

Rows that stay rows (crop, resize, flip) are sampled axis by axis with torchvision's anti-aliased bilinear weights: by
two batched products of small matrices, or, for large 8-bit images on the CPU, by torch's own 8-bit kernel on pixels
packed four bytes each. What rotates or shears goes through ``grid_sample``, from a half-size image where it shrinks.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.views.frame import Frame

PACKED_FROM = 48
"""Least side of a view, in pixels, at which one call per image into the 8-bit kernel beats batched products."""
HALVE_ABOVE = 1.7
"""Stored pixels per view pixel above which ``grid_sample`` reads a half-size image."""


class Sampler:
    """Samples items of a group. Item n is view ``n // B`` of sample ``n % B``."""

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int]) -> None:
        self.pixels, self.frame, self.size = pixels, frame, size
        self.samples = np.arange(len(frame.matrix)) % len(pixels.data)
        self.scale, self.offset = pixels.scale[:, 0], pixels.offset[:, 0]
        # Asking a device whether its offsets are zero would wait for it; adding zeros does not.
        self.shifted = self.offset.device.type != "cpu" or bool(self.offset.any())

    @abstractmethod
    def sample(self, items: slice, out: Tensor) -> Tensor:
        """Fill ``out`` (n, C, *size) with the items ``items``, in physical values."""

    def physical(self, x: Tensor, items: slice, *, black: Tensor | None = None) -> Tensor:
        """Stored values to physical ones, in place. ``black`` (n, 1, *size): share of each pixel inside the image."""
        at = torch.from_numpy(self.samples[items]).to(x.device)
        scale = self.scale[at].view(-1, 1, 1, 1)
        x.mul_(scale if black is None else scale * black)
        if self.shifted:
            offset = self.offset[at].view(-1, 1, 1, 1)
            x.add_(offset if black is None else offset * black)
        return x


def sampler(pixels: Pixels, frame: Frame, size: tuple[int, int], *, turns: bool) -> Sampler:
    """The fastest sampler for this device, type and geometry. ``turns``: whether any item may rotate or shear."""
    if turns:
        return Grid(pixels, frame, size)
    data = pixels.data
    small = min(size) < PACKED_FROM
    if data.device.type == "cpu" and data.dtype == torch.uint8 and data.shape[2] <= 4 and not small and _whole_boxes(frame):
        return Packed(pixels, frame, size)
    return Separable(pixels, frame, size)


class Separable(Sampler):
    """Two batched products: (height out x height in) @ pixels @ (width in x width out)."""

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int]) -> None:
        super().__init__(pixels, frame, size)
        # Rows first, channels second: both products are then plain batched products of contiguous matrices.
        self.rows = pixels.data[:, 0].permute(0, 2, 1, 3).contiguous().float()

    def sample(self, items: slice, out: Tensor) -> Tensor:
        n, channels = out.shape[:2]
        height, width = self.rows.shape[1], self.rows.shape[3]
        at = torch.from_numpy(self.samples[items]).to(out.device)
        matrix, bounds = self.frame.matrix[items], self.frame.bounds[items]
        edge = self.frame.edge
        down = _weights(matrix[:, 1, 1], matrix[:, 1, 2], bounds[:, 0::2], self.size[0], height, edge, out.device)
        across = _weights(matrix[:, 0, 0], matrix[:, 0, 2], bounds[:, 1::2], self.size[1], width, edge, out.device)
        if not self.shifted:
            down = down * self.scale[at].view(-1, 1, 1)
        tall = torch.bmm(down, self.rows[at].view(n, height, channels * width))
        both = torch.bmm(tall.view(n, self.size[0] * channels, width), across.mT)
        out.copy_(both.view(n, self.size[0], channels, self.size[1]).transpose(1, 2))
        if self.shifted:
            self.physical(out, items, black=(down.sum(2)[:, None, :, None] * across.sum(2)[:, None, None, :]))
        return out


class Packed(Sampler):
    """8-bit images of at most four channels, one call per image into torch's vectorised 8-bit resize.

    Pixels are packed into 32-bit words, one byte per channel: the kernel wants channels last, and words are packed,
    mirrored and unpacked by fast integer operations. Values are rounded to 8 bits, as torchvision's and Pillow's are.
    """

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int]) -> None:
        super().__init__(pixels, frame, size)
        planes = pixels.data[:, 0]
        words = planes[:, 0].to(torch.int32)
        for channel in range(1, planes.shape[1]):
            words.bitwise_or_(planes[:, channel].to(torch.int32).bitwise_left_shift_(8 * channel))
        self.words = words
        self.boxes, self.mirrored = _boxes(frame)

    def sample(self, items: slice, out: Tensor) -> Tensor:
        for target, sample, (top, left, bottom, right), (mirror_x, mirror_y) in zip(
            out, self.samples[items].tolist(), self.boxes[items].tolist(), self.mirrored[items].tolist()
        ):
            words = self.words[sample, top:bottom, left:right]
            if words.shape != self.size:
                rgba = words.unsqueeze(-1).view(torch.uint8).permute(2, 0, 1).unsqueeze(0)
                resized = F.interpolate(rgba, self.size, mode="bilinear", antialias=True)
                words = resized.permute(0, 2, 3, 1).contiguous().view(torch.int32)[0, :, :, 0]
            axes = [axis for axis, mirror in ((1, mirror_x), (0, mirror_y)) if mirror]
            if axes:
                words = words.flip(axes)
            for channel, plane in enumerate(target):
                shifted = words >> (8 * channel) if channel else words
                plane.copy_(shifted & 255)
        return self.physical(out, items)


class Grid(Sampler):
    """Any affine map: ``grid_sample``, bilinear, from the level of a pyramid that fits each item."""

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int]) -> None:
        super().__init__(pixels, frame, size)
        per_pixel = np.sqrt((frame.matrix[:, :2, :2] ** 2).sum(axis=1)).max(axis=1)
        self.level = np.maximum(0, np.ceil(np.log2(per_pixel / HALVE_ABOVE))).astype(np.int64)
        self.pyramid = [pixels.data[:, 0].float()]
        for level in range(1, int(self.level.max(initial=0)) + 1):
            finer = self.pyramid[-1]
            if min(finer.shape[2:]) < 2:
                self.level = np.minimum(self.level, level - 1)
                break
            coarse = finer.new_zeros(*finer.shape[:2], finer.shape[2] // 2, finer.shape[3] // 2)
            wanted = np.zeros(len(finer), bool)
            wanted[self.samples[self.level >= level]] = True
            rows = torch.from_numpy(np.flatnonzero(wanted)).to(finer.device)
            self.pyramid.append(coarse.index_copy_(0, rows, F.avg_pool2d(finer[rows], 2)))

    def sample(self, items: slice, out: Tensor) -> Tensor:
        levels = self.level[items]
        inside = out.new_empty(len(out), 1, *self.size) if not self.frame.edge else None
        for level in np.unique(levels):
            which = np.flatnonzero(levels == level)
            rows = torch.from_numpy(which).to(out.device)
            number = np.arange(items.start, items.stop)[which]
            values, share = self._level(int(level), number)
            out.index_copy_(0, rows, values)
            if inside is not None:
                inside.index_copy_(0, rows, share)
        return self.physical(out, items, black=inside)

    def _level(self, level: int, number: NDArray[np.integer]) -> tuple[Tensor, Tensor]:
        source, shrink = self.pyramid[level], 2.0**level
        height, width = source.shape[2:]
        x, y = _positions(self.frame.matrix[number], self.size, source.device)
        top, left, bottom, right = (_side(self.frame.bounds[number, i], source.device) for i in range(4))
        share = ((torch.minimum(x - left, right - x) + 1).clamp_(0, 1)
                 * (torch.minimum(y - top, bottom - y) + 1).clamp_(0, 1))
        # Half a pixel inside the bounds, of whole pixels at this level, nothing of the padding has any weight.
        half = shrink / 2
        x = torch.minimum(torch.maximum(x, _whole(left, shrink, up=True) + half), _whole(right, shrink) - half)
        y = torch.minimum(torch.maximum(y, _whole(top, shrink, up=True) + half), _whole(bottom, shrink) - half)
        grid = torch.stack([x * (2 / (width * shrink)) - 1, y * (2 / (height * shrink)) - 1], dim=-1)
        at = torch.from_numpy(self.samples[number]).to(source.device)
        values = F.grid_sample(source[at], grid, mode="bilinear", padding_mode="border", align_corners=False)
        return values, share[:, None]


def _positions(matrix: NDArray[np.float64], size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """``x`` and ``y`` (n, *size) in the window of each view pixel's centre."""
    m = torch.from_numpy(matrix[:, :2]).to(device, torch.float32)
    across = (torch.arange(size[1], device=device) + 0.5).view(1, 1, -1)
    down = (torch.arange(size[0], device=device) + 0.5).view(1, -1, 1)
    x, y = (m[:, i, 0].view(-1, 1, 1) * across + (m[:, i, 1].view(-1, 1, 1) * down + m[:, i, 2].view(-1, 1, 1)) for i in (0, 1))
    return x, y


def _side(values: NDArray[np.float64], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device, torch.float32).view(-1, 1, 1)


def _whole(side: Tensor, shrink: float, *, up: bool = False) -> Tensor:
    """A border moved inwards to a whole pixel of a level; a border that level 0 has is whole already."""
    scaled = side / shrink
    return (scaled.ceil() if up else scaled.floor()) * shrink


def _weights(
    slope: NDArray[np.float64], start: NDArray[np.float64], bounds: NDArray[np.float64], n_out: int, n_in: int, edge: bool, device: torch.device
) -> Tensor:
    """``(N, n_out, n_in)``: what each stored row gives to each row of the view.

    A triangle around the centre of the output pixel, as wide as the shrinking asks for, cut off at the bounds and
    normalised: torchvision's anti-aliased bilinear resize. Rows whose centre lies outside are zero unless ``edge``.
    """
    lines = np.stack([slope, start, bounds[:, 0], bounds[:, 1]], axis=1)
    a, b, low, high = torch.from_numpy(lines).to(device, torch.float32).view(-1, 4, 1).unbind(1)
    centre = (torch.arange(n_out, device=device) + 0.5) * a + b
    if edge:
        centre = torch.minimum(torch.maximum(centre, low + 0.5), high - 0.5)
    support = a.abs().clamp(min=1.0)
    pixel = torch.arange(n_in, device=device) + 0.5
    weights = (centre / support).unsqueeze(2) - (pixel / support).unsqueeze(1)
    weights = weights.abs_().neg_().add_(1).clamp_(min=0)
    weights.mul_(((pixel > low) & (pixel < high)).unsqueeze(1))
    total = weights.sum(2).clamp_(min=1e-6).reciprocal_()
    if not edge:
        total.mul_((centre > low - 1e-3) & (centre < high + 1e-3))
    return weights.mul_(total.unsqueeze(2))


def _boxes(frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
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
    return bool(np.abs(box - frame.bounds).max(initial=0.0) < 1e-3 and np.abs(box - np.rint(box)).max(initial=0.0) < 1e-3)
