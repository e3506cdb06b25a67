"""Rows of vectors with the ids of their samples: one pass over the images, one cache."""

from __future__ import annotations

from vesalius.features.cache import Cache
from vesalius.features.compute import Features, compute
from vesalius.features.mapped import Mapped
from vesalius.features.maps import maps
from vesalius.features.of_views import forward_views
from vesalius.features.one_pass import blocks, evaluation_views, forward, identity

__all__ = ["Cache", "Features", "Mapped", "blocks", "compute", "evaluation_views", "forward", "forward_views", "identity", "maps"]
