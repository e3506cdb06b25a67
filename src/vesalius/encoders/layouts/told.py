"""What tensors tell of their network, and the words and counts that all who tell share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Architecture:
    """What ``build_encoder`` needs: ``name``, ``options``, input ``channels`` and ``size`` in pixels; in ``words``."""

    name: str
    options: Mapping[str, Any]
    channels: int
    size: tuple[int, ...]
    words: str


def count_of(names: Mapping[str, Any], pattern: str) -> int:
    """How many different first groups ``pattern`` finds at the beginning of names."""
    return len({m[1] for name in names if (m := re.match(pattern, name))})


def channels_in_words(count: int) -> str:
    """``1 input channel``."""
    return f"{count} input channel{'' if count == 1 else 's'}"
