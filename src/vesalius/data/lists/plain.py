"""The plainest list: a JSON array of paths, or of mappings with ``image`` and what else is known (``label``, ``subject``, ``split``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vesalius.data.lists.decathlon import entries_of
from vesalius.data.lists.listed import Listed

FORM = "a plain list"


def fits(content: Any) -> bool:
    """Whether ``content`` is an array."""
    return isinstance(content, list) and bool(content)


def read(content: Sequence[Any], file: Path) -> Listed:
    """The entries, each with its own split where it says one. Raises UserError for one without an image."""
    return Listed(FORM, list(entries_of(content, file, "the list", None)))
