"""The sections of a selection's page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vesalius.report.reading import RunRecord
from vesalius.report.section import Section
from vesalius.report.selections import covering, makeup, rounds, stages, tested, unused

SECTIONS: dict[str, Callable[[Sequence[RunRecord]], Section]] = {
    "covering": covering.section,
    "distances": covering.distances,
    "makeup": makeup.section,
    "selection-probe": tested.section,
    "unused": unused.section,
    "job-stages": stages.section,
    "rounds": rounds.section,
}
"""Those without pictures."""
NAMES = (
    *("verdict", "picked", "selection-map", "covering", "distances", "makeup", "selection-probe", "odd", "unused"),
    *("job-stages", "rounds", "config", "warnings"),
)
"""All of the page, in order."""
