"""What a run is, by the verb that made it, and which sections its page has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from vesalius.report import correlations, evaluations, selections
from vesalius.report.reading import RunRecord
from vesalius.report.reconstruction import paints
from vesalius.report.values import text

Kind = Literal["pretrain", "finetune", "seeds", "predict", "evaluate", "select"]

_END = ("cost", "use", "config", "warnings")
_SECTIONS: dict[Kind, tuple[str, ...]] = {
    "pretrain": (
        *("verdict", "data", "views", "reconstruction", "curves", "probes", "label-efficiency", "neighbours", "map", "mistakes"),
        *("calibration", "checkpoints", *_END),
    ),
    "finetune": (
        *("verdict", "data", "curves", "scores", "confusion", "predicted", "roc", "operating", "calibration", "mistakes"),
        *("neighbours", "map", "views", "checkpoints", *_END),
    ),
    "seeds": ("verdict", "data", "scores", "curves", "use", "config", "warnings"),
    "predict": ("verdict", "answers", "left-out", "config", "warnings"),
    "select": selections.NAMES,
}
_OF_VOLUMES: dict[Kind, tuple[str, ...]] = {
    "finetune": ("verdict", "data", "curves", "segmentations", "dice", "scores", "views", "checkpoints", *_END),
    "seeds": ("verdict", "data", "repeated", "scores", "curves", "use", "config", "warnings"),
    "predict": ("verdict", "label-volumes", "left-out", "config", "warnings"),
}
"""Of a segmentation."""
_OF_CLASSES = ("confusion", "roc", "operating", "calibration", "mistakes", "neighbours", "map")


def kind(run: RunRecord) -> Kind:
    """What ``run`` is; a directory that does not say is read as a pretraining, as the first ones did not."""
    verb = text(run.results.get("kind")) or text(run.info.get("verb"))
    if verb == "finetune":
        return "seeds" if isinstance(run.results.get("seeds"), list) or run.config.get("seeds") else "finetune"
    known: tuple[Kind, ...] = ("predict", "evaluate", "select")
    return next((one for one in known if one == verb), "pretrain")


def sections(runs: Sequence[RunRecord]) -> list[str]:
    """The sections of a page of ``runs``, in order: those of the first, and those that only others have before the end."""
    each = [_of(run) for run in runs]
    found = ["compare"] if len(runs) > 1 else []
    found += [name for names in each for name in names if name not in _END]
    if "correlations" not in found and len(runs) > 1 and correlations.between(runs):
        found.append("correlations")
    found += [name for name in _END if any(name in names for names in each)]
    return list(dict.fromkeys(found))


def _of(run: RunRecord) -> list[str]:
    """Classes have a confusion matrix, quantities are drawn against what they are, volumes are shown with their contours."""
    unfit: tuple[str, ...] = _OF_CLASSES if text(run.task.get("kind")) == "regression" else ("predicted",)
    one = kind(run)
    if one == "evaluate":
        return evaluations.of(run)
    if text(run.task.get("kind")) == "segmentation" and one in _OF_VOLUMES:
        return list(_OF_VOLUMES[one])
    if one == "pretrain":
        unfit = () if paints(run) else ("reconstruction",)
    return [name for name in _SECTIONS[one] if one not in ("finetune", "pretrain") or name not in unfit]
