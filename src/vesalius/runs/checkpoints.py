"""Which runs have an encoder to hand on, of which data set, and in which file it lies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from vesalius.errors import UserError
from vesalius.runs.finding import every

WEIGHTS, FILE = "encoder.safetensors", "checkpoint.ckpt"
"""A run's encoder, and the same as one file that says everything of itself."""
_VERBS = ("pretrain", "select")
_TRAINING = "training"
"""The folder of a pretraining in the run of a selection."""


def encoder_folder(run: Path) -> Path | None:
    """Where in the folder of a run its encoder lies: there, or in that of its training; None where it has none."""
    return next((folder for folder in (run, run / _TRAINING) if (folder / WEIGHTS).is_file()), None)


def of_dataset(names: Collection[str] = (), *, with_checkpoint: bool = False) -> list[tuple[Path, Mapping[str, Any]]]:
    """Runs, newest first, with their ``run.json``. ``names``: only those whose ``dataset`` is one of these, where there are any;
    ``with_checkpoint``: only pretrainings, and selections that trained, which ended well and have an encoder.
    """
    found = [(place, facts) for place, facts in every() if not names or facts.get("dataset") in names]
    return [(place, facts) for place, facts in found if not with_checkpoint or has_checkpoint(place, facts)]


def has_checkpoint(place: Path, facts: Mapping[str, Any]) -> bool:
    """Whether a run ended well and made an encoder."""
    return facts.get("verb") in _VERBS and facts.get("state") == "done" and encoder_folder(place) is not None


def newest_checkpoint(dataset: str, before: str | None = None) -> Path | None:
    """The folder of the encoder of the newest run on ``dataset`` that has one. ``before``: of those that had ended at this time, as ``run.json`` writes it."""
    found = of_dataset([dataset], with_checkpoint=True)
    return next((encoder_folder(place) for place, facts in found if before is None or str(facts.get("finished")) <= before), None)


def required_encoder(run: Path, facts: Mapping[str, Any]) -> Path:
    """The folder of a run's encoder. Raises UserError where there is none, and says why."""
    folder = encoder_folder(run)
    if facts.get("verb") in _VERBS and folder is not None:
        return folder
    why = {
        "select": "it selected with an encoder that it did not train",
        "pretrain": f"it is {facts.get('state')} and wrote no encoder yet",
    }.get(str(facts.get("verb")), f"it is a run of `vesalius {facts.get('verb')}`")
    raise UserError(
        f"The run {facts.get('id')} has no checkpoint: {why}. Name a run that trained (`vesalius runs latest --with-checkpoint` shows the newest), or train "
        "with worker_config.enable_training."
    )
