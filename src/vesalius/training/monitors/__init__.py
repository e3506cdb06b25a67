"""One monitor per file; see ``vesalius.training.monitor`` for what they have in common."""

from __future__ import annotations
