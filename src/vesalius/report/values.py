"""What a run wrote, taken as it comes: a missing or misshapen value is empty or None, never an exception.

Run directories are read from older versions, from killed runs and from hand-made files; a report shows what is there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a mapping, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def records(value: Any) -> list[Mapping[str, Any]]:
    """The mappings in the list ``value``; empty when it is not a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """The list ``value`` as texts; a single text counts as a list of one."""
    if isinstance(value, str):
        return [value]
    return [str(item) for item in value if item is not None] if isinstance(value, list) else []


def text(value: Any) -> str:
    """``value`` as text; None and containers are empty."""
    return "" if value is None or isinstance(value, Mapping | list) else str(value)


def number(value: Any) -> float | None:
    """``value`` as a finite float, or None (booleans are not numbers)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def whole(value: Any) -> int | None:
    """``value`` as an int when it is a whole number, or None."""
    result = number(value)
    return int(result) if result is not None and result == int(result) else None


def index(value: Any, length: int) -> int | None:
    """``value`` as a valid position in a sequence of ``length``, or None."""
    result = whole(value)
    return result if result is not None and 0 <= result < length else None
