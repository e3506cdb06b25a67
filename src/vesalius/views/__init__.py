"""Batched views of images and volumes: random numbers are drawn on the host, pixels are made on the device.

views = load("cifar-simclr", channels=3)
draws = views.draw(seed, epoch, rows, ids, extents)
batch = views.apply(store.read(draws.rows, draws.windows), draws)
"""

from __future__ import annotations

from vesalius.views.pipeline import Views
from vesalius.views.recipe import canonical, load, names, of_innereye, remarks, resize_crop, tiles
from vesalius.views.scaling import at_size

__all__ = ["Views", "at_size", "canonical", "load", "names", "of_innereye", "remarks", "resize_crop", "tiles"]
