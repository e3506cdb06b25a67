"""What a task's predictions say of the candidates, read once for all objectives."""

from __future__ import annotations

from vesalius.data.lightly_predictions import TaskPredictions, read
from vesalius.select.candidates import Candidates


def predictions_of(candidates: Candidates, task: str) -> TaskPredictions:
    """The predictions of ``task``; which images have none is said once. Raises UserError as reading does."""

    def found() -> TaskPredictions:
        said = read(candidates.root, task, candidates.names)
        if without := (~said.known).nonzero()[0].tolist():
            shown = ", ".join(candidates.names[without[:3]])
            candidates.terminal.say(f"{task} says nothing of {len(without):,} of {len(candidates):,} images, as {shown}.")
        return said

    return candidates.once(("predictions", task), found)
