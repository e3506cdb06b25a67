"""What a recipe says of trackers, checked: nothing is tracked, and nothing sent, unless it was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes.checking import check
from vesalius.recipes.config import Named


def check_trackers(tracking: Sequence[Named]) -> None:
    """Raise UserError for a tracker that is not there or named twice, and for a field it does not know."""
    for tracker in tracking:
        check(registry.entry("trackers", tracker.name).Config, tracker.fields, f"tracker {tracker.name}")
        if [one.name for one in tracking].count(tracker.name) > 1:
            raise UserError(f"tracking names {tracker.name} twice. A run is written to each tracker once: leave one out.")


def entries(tracking: Sequence[Named]) -> list[dict[str, Any]]:
    """The trackers as ``runs.tracking`` takes them."""
    return [{"name": tracker.name, **tracker.fields} for tracker in tracking]
