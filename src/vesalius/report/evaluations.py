"""Which sections the page of an evaluation has: of fine-tuned runs, of encoders on data sets, or of both."""

from __future__ import annotations

from collections.abc import Callable

from vesalius.report import chosen, correlations, evaluated, gradual, leakage, ranks, reproduce, subgroups, temperature
from vesalius.report.grid import part, protocols
from vesalius.report.looking import invariance, inverted, multiview, perceptual, saliency
from vesalius.report.reading import RunRecord
from vesalius.report.section import Section
from vesalius.report.values import records, texts

SECTIONS: dict[str, Callable[..., Section]] = {
    "leakage": leakage.section,
    "evaluated": evaluated.section,
    "saliency": saliency.section,
    "invariance": invariance.section,
    "multiview-invariance": multiview.section,
    "inverted": inverted.section,
    "perceptual-distance": perceptual.section,
    "gradual": gradual.section,
    "ranks": ranks.section,
    "subgroups": subgroups.section,
    "temperature": temperature.section,
    "correlations": correlations.section,
    "chosen": chosen.section,
    "reproduce": reproduce.section,
}
PICTURED = ("saliency", "invariance", "inverted", "perceptual-distance")
"""Those that take, beside the runs, how many bytes their pictures may have."""
_SOMETIMES: dict[str, Callable[[RunRecord], bool]] = {
    "leakage": lambda run: bool(records(run.results.get("data"))),
    "saliency": saliency.present,
    "invariance": invariance.present,
    "multiview-invariance": multiview.present,
    "inverted": inverted.present,
    "perceptual-distance": perceptual.present,
    "gradual": gradual.present,
    "ranks": ranks.present,
    "subgroups": subgroups.present,
    "temperature": temperature.present,
    "correlations": correlations.present,
    "chosen": chosen.present,
    "cost": lambda run: bool(run.block("cost")),
}
"""What an evaluation need not have, and is not missed then."""


def of(run: RunRecord) -> list[str]:
    """The sections of ``run``, in order."""
    of_runs = any(records(part(run.results, name).get("areas")) for name in texts(run.results.get("protocols"))) or not protocols(run.results)
    pairs = [name for name in SECTIONS if name != "reproduce"] if protocols(run.results) else []
    found = ["verdict", *pairs, *(["robustness"] if of_runs else []), *(["cost", "reproduce"] if pairs else []), "config", "warnings"]
    return [name for name in found if name not in _SOMETIMES or _SOMETIMES[name](run)]
