"""``Views``: a recipe made ready. Draws every random number of a batch on the host, applies them on the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.data.to_device import to_device
from vesalius.data.volumes.ground import Ground
from vesalius.errors import UserError
from vesalius.views.batch import Batch, Draws
from vesalius.views.buffers import Buffers
from vesalius.views.frame import Frame
from vesalius.views.operation import Chance, Geometry, Operation, Parameters, Pixelwise, Values, Window
from vesalius.views.operations.crop import CentreCrop
from vesalius.views.sampling import Sampler, sampler
from vesalius.views.stacks import Fold, unfolded
from vesalius.views.voxels import Same, Voxels

SHARED = "shared/"
"""What the keys of operations begin with that are drawn once per sample and done in every view."""
CHUNK = 1 << 19
"""Numbers per thread worked on at a time on the CPU: what stays in a core's cache from one operation to the next."""


@dataclass(frozen=True)
class Group:
    """``count`` views of ``size`` (height, width; of volumes x, y, z), made by ``operations`` keyed ``group/index-name``."""

    name: str
    count: int
    size: tuple[int, ...]
    operations: Mapping[str, Operation]

    @property
    def shares(self) -> bool:
        """Whether all that moves pixels in it is shared with the other groups."""
        return all(key.startswith(SHARED) for key, _ in self.geometry)

    @property
    def geometry(self) -> Iterator[tuple[str, Geometry]]:
        """What moves pixels, in order."""
        return ((key, op) for key, op in self.operations.items() if isinstance(op, Geometry))

    @property
    def pixelwise(self) -> Iterator[tuple[str, Pixelwise]]:
        """What changes values, in order."""
        return ((key, op) for key, op in self.operations.items() if isinstance(op, Pixelwise))


class Views:
    """Named groups of views of 2D images, of stacks of them, or of volumes. Made by ``vesalius.views.load``.

    ``dims``: axes of what the views are of, 2 or 3 (volumes). ``per_channel``: each channel of an image is drawn for, and changed, as an image of its own.
    """

    def __init__(
        self, groups: list[Group], channels: int, config: Mapping[str, Any], *, per_channel: bool = False
    ) -> None:
        self.groups, self.channels, self._config, self.per_channel = groups, channels, config, per_channel
        self.dims = len(groups[0].size)
        self._buffers = Buffers()

    @property
    def makes(self) -> Mapping[str, tuple[int, tuple[int, ...]]]:
        """Group name to (count, size), known before any pixel is read."""
        return {group.name: (group.count, group.size) for group in self.groups}

    def config(self) -> dict[str, Any]:
        """The recipe with every default filled in; ``load`` makes the same views of it."""
        return dict(self._config)

    def draw(
        self,
        seed: int,
        epoch: int,
        rows: NDArray[np.int64],
        ids: NDArray[np.uint64],
        extents: NDArray[np.integer],
        draw: NDArray[np.int64] | int = 0,
        *,
        ground: Ground | None = None,
    ) -> Draws:
        """Every random number for records ``rows`` (B,), samples ``ids`` (B,) of height and width ``extents`` (B, 2).

        A pure function of its arguments in which each sample stands alone: what else is in the batch changes nothing.
        Of a stack the extents are (B, 3), slices first; of volumes too, x, y and z, and ``ground`` says where there is
        something to see in them, where the recipe asks. ``per_channel`` gives values (V, B * C, ...).
        Raises UserError where views of volumes get images.
        """
        if extents.shape[1] < self.dims:
            raise UserError("These views are for volumes, and the data are images. Choose a views recipe for images, of groups with two sides.")
        windows = np.stack([np.zeros_like(extents), extents], axis=1).astype(np.int64)[:, None]
        each = self.channels if self.per_channel else 1
        turn = np.repeat(np.broadcast_to(np.asarray(draw, np.int64), np.shape(ids)), each)
        chance = Chance(seed, epoch, np.repeat(np.asarray(ids), each), "", draw=turn * each + np.arange(len(turn)) % each)
        sides = np.repeat(np.asarray(extents, np.float64)[:, -self.dims :], each, axis=0)
        values: dict[str, NDArray[Any]] = {}
        drawn: set[str] = set()
        for group in self.groups:
            canvas = sides
            for key, operation in group.operations.items():
                if isinstance(operation, Window) and key not in drawn:
                    drawn.add(key)
                    windows = operation.windows(chance.named(key, 0), np.asarray(extents, np.int64), group.size, ground)
                elif key not in drawn:
                    drawn.add(key)
                    views = range(1 if key.startswith(SHARED) else group.count)
                    found = [self._draw(operation, chance.named(key, v), canvas, group.size) for v in views]
                    values.update({f"{key}/{name}": np.stack([f[name] for f in found]) for name in found[0]})
                if isinstance(operation, Geometry):
                    canvas = operation.canvas(canvas, group.size)
        read = np.repeat(np.asarray(rows, np.int64)[:, None], windows.shape[1], axis=1)
        return Draws(read, windows, values)

    def _draw(self, operation: Operation, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        if isinstance(operation, Geometry):
            return operation.draw(chance, canvas, size)
        assert isinstance(operation, Pixelwise)
        return operation.draw(chance, 1 if self.per_channel else self.channels, size)

    def apply(self, pixels: Pixels, draws: Draws) -> Batch:
        """The views of ``pixels``, on its device. Draws nothing: the same numbers give the same views.

        Stacks (B, R, C, Z, height, width) become views (V, B, C, Z, *size): slices share what was drawn.
        Raises UserError for another number of channels.
        """
        if pixels.data.shape[2] != self.channels:
            raise UserError(
                f"These views were made for images of {self.channels} channels and got {pixels.data.shape[2]}. Load the "
                "recipe with the store's number of channels."
            )
        fold = Fold.of(pixels.data, per_channel=self.per_channel) if self.dims == 2 else None
        if fold is not None:
            return unfolded(self._made(fold.images(pixels), fold.draws(draws)), fold)
        return self._made(pixels, draws)

    def _made(self, pixels: Pixels, draws: Draws) -> Batch:
        """The views of images."""
        drawn: dict[str, Tensor] = {}
        plain: dict[tuple[int, ...], Same] = {}
        # In the numbers of the pixels even where a network is computed in fewer: a displacement in bf16 is off by pixels.
        with torch.no_grad(), torch.autocast(pixels.data.device.type, enabled=False):
            # What nothing changes comes first: other groups of volumes under the same geometry are copies of it.
            makings: dict[str, _Making] = {}
            for group in sorted(self.groups, key=lambda group: any(True for _ in group.pixelwise)):
                making = makings[group.name] = _Making(group, pixels, draws, self._buffers, plain.get(group.size))
                if self.dims == 3 and group.shares and not making.steps and draws.rows.shape[1] == 1:
                    plain.setdefault(group.size, Same(making.out, making.masks))
            for making, items in _in_turn(list(makings.values()), len(pixels.data), pixels.data.device):
                making.make(items)
            for group in self.groups:
                drawn[f"affine/{group.name}"] = makings[group.name].theta
                drawn |= _told(group, draws, pixels.data.device)
        ids = torch.zeros(len(pixels.data), dtype=torch.int64, device=pixels.data.device)
        made = {name: makings[name].by_view(makings[name].out) for name in self.makes}
        masks = {name: making.by_view(making.masks) for name, making in makings.items() if making.masks is not None}
        return Batch(made, drawn, ids, masks=masks)


class _Making:
    """One group in the making. ``plain``: what its geometry alone makes, where another group makes that."""

    def __init__(self, group: Group, pixels: Pixels, draws: Draws, buffers: Buffers, plain: Same | None) -> None:
        batch, device, dims = len(pixels.data), pixels.data.device, len(group.size)
        sides = draws.windows[:, :, 1] - draws.windows[:, :, 0]
        extents = np.concatenate([sides[:, view % sides.shape[1]] for view in range(group.count)])
        values = {key: _values(draws, key, group.count) for key in group.operations}
        frame = Frame.of(extents)
        for key, geometry in group.geometry:
            frame = geometry.place(frame, values[key], group.size)
        if not (frame.canvas == group.size).all():
            frame = _fitted(frame, group.size)
        theta = to_device(frame.theta(extents).astype(np.float32), device)
        self.group, self.theta = group, theta.view(group.count, batch, dims, dims + 1)
        self.source: Same | Voxels | Sampler
        if dims == 3:
            self.source = plain if plain is not None and group.shares else Voxels(pixels, frame, group.size)
        else:
            height, width = group.size
            self.source = sampler(pixels, frame, (height, width), turns=any(geometry.turns for _, geometry in group.geometry))
        n, channels = group.count * batch, pixels.data.shape[2]
        self.out = buffers.empty((n, channels, *group.size), torch.float32, device)
        self.masks = None
        if dims == 3 and pixels.masks is not None:
            self.masks = buffers.empty((n, *group.size), pixels.masks.dtype, device)
        self.steps = [(op, Parameters.of(op.prepare(values[key], channels), device, dims)) for key, op in group.pixelwise]

    def make(self, items: slice) -> None:
        """The items ``items``: sampled, then changed step by step."""
        target, steps = self.out[items], self.steps
        if isinstance(self.source, Same) and steps and len(target) == 1:
            first, parameters = steps[0]
            x, steps = first.into(self.source.one(items.start), target, parameters.of_items(items)), steps[1:]
        else:
            x = self.source.sample(items, target)
        for operation, parameters in steps:
            x = operation.change(x, parameters.of_items(items))
        if x is not target:
            target.copy_(x)
        if self.masks is not None and not isinstance(self.source, Sampler):
            self.source.labels(items, self.masks[items])

    def by_view(self, items: Tensor) -> Tensor:
        """Items (V * B, ...) as (V, B, ...)."""
        return items.view(self.group.count, -1, *items.shape[1:])


def _in_turn(makings: list[_Making], batch: int, device: torch.device) -> Iterator[tuple[_Making, slice]]:
    """Group after group in chunks; on the CPU, where one item fills a chunk, all groups of one sample while it is in the cache."""
    numbers = min(making.out[0].numel() for making in makings)
    if device.type == "cpu" and numbers > CHUNK * torch.get_num_threads() // 2:
        for sample in range(batch):
            for making in makings:
                for item in range(sample, len(making.out), batch):
                    yield making, slice(item, item + 1)
    else:
        for making in makings:
            for items in _chunks(len(making.out), making.out[0].numel(), device):
                yield making, items


def _told(group: Group, draws: Draws, device: torch.device) -> dict[str, Tensor]:
    """What the operations of one group tell the method: ``name/group`` -> (V, B, ...)."""
    told: dict[str, Tensor] = {}
    for key, operation in group.operations.items():
        for name in operation.tells:
            value = to_device(draws.values[f"{key}/{name}"], device)
            told[f"{name}/{group.name}"] = value.expand(group.count, *value.shape[1:])
    return told


def _values(draws: Draws, key: str, count: int) -> Values:
    """The drawn values of operation ``key``, views and samples in one dimension; shared ones repeated for each view."""
    found: dict[str, NDArray[Any]] = {}
    for name, value in draws.values.items():
        if name.startswith(f"{key}/"):
            views = np.broadcast_to(value, (count, *value.shape[1:])) if len(value) != count else value
            found[name[len(key) + 1 :]] = views.reshape(-1, *value.shape[2:])
    return found


def _fitted(frame: Frame, size: tuple[int, ...]) -> Frame:
    """A canvas of another size, scaled (ratio kept) until it covers ``size`` and cut around its middle; of volumes only cut."""
    if frame.dims == 3:
        return CentreCrop().place(frame, {}, size)
    scale = (np.asarray(size) / frame.canvas).max(axis=1, keepdims=True)
    covered = np.maximum(np.rint(frame.canvas * scale), size)
    whole = np.concatenate([np.zeros_like(frame.canvas), frame.canvas], axis=1)
    return CentreCrop().place(frame.crop(whole, covered), {}, size)


def _chunks(n: int, numbers: int, device: torch.device) -> Iterator[slice]:
    """Slices of ``n`` items of ``numbers`` values each: in pieces that fit the cache on the CPU, all at once elsewhere."""
    step = max(1, CHUNK * torch.get_num_threads() // numbers) if device.type == "cpu" else n
    return (slice(start, min(start + step, n)) for start in range(0, n, max(1, step)))
