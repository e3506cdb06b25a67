"""The Lightly Worker's client on this machine: its document's calls under their names. No server, no token, nothing leaves the folder of runs.

The only place in the package that keeps somebody else's interface; whatever it does is one of the verbs. A job runs when it is scheduled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vesalius.data.dataset_names import dataset_key
from vesalius.errors import UserError
from vesalius.runs import Run, find
from vesalius.runs.checkpoints import encoder_folder, of_dataset
from vesalius.select.checkpoints import copied, file_of
from vesalius.select.config import configured
from vesalius.select.verb import select

_STATES = {"done": "COMPLETED", "failed": "FAILED", "stopped": "FAILED", "preempted": "ABORTED"}
_STAGES = {"train": "TRAINING", "embed": "EMBEDDING", "select": "SAMPLING", "report": "GENERATING_REPORT"}
_ARTIFACTS = {"REPORT": "report.html", "CONFIG": "config.yaml", "SELECTION": "selection.parquet", "LOG": "log.txt"}
_NUM_FTRS, _SIDE = 32, 64
"""Of the Worker's network, where a job trains and does not say: so that the document's loader reads the checkpoint."""


@dataclass(frozen=True)
class Artifact:
    """A file of a run: what it is (CHECKPOINT, REPORT ...) and where, relative to the run's folder."""

    type: str
    file_name: str


@dataclass(frozen=True)
class ComputeWorkerRun:
    """A run as the Worker's client shows one. ``id`` is also its scheduled id; ``state`` one of the Worker's words; ``path``: its folder here."""

    id: str
    dataset_id: str
    state: str
    created_at: datetime
    artifacts: Sequence[Artifact]
    path: Path


class Client:
    """``ApiWorkflowClient`` without a server.

    ``dataset_id``: a name of the user's choice for a data set, with ``data`` saying where its images lie (a folder, or any data reference), or the
    folder itself. ``token`` is taken and not used. ``compat="lightly-worker"`` trains and selects with the Worker's own settings.
    """

    def __init__(self, *, dataset_id: str, token: str | None = None, data: str | Path | None = None, compat: str = "none", quiet: bool = False) -> None:
        self.dataset_id = dataset_id
        self._named = data is not None or not Path(dataset_id).exists()
        self._data = str(data) if data is not None else None if self._named else dataset_id
        self._compat, self._quiet = compat, quiet

    def schedule_compute_worker_run(
        self,
        *,
        worker_config: Mapping[str, Any] | None = None,
        selection_config: Mapping[str, Any] | None = None,
        lightly_config: Mapping[str, Any] | None = None,
    ) -> str:
        """Run the job now, to its end, and return the run's id. Raises what ``vesalius.select`` raises.

        A training that does not say its network trains the Worker's (``num_ftrs`` 32, images of 64 pixels), whose checkpoint the document's loader reads.
        """
        if self._data is None:
            raise UserError(
                f"Where the images of the data set {self.dataset_id!r} lie is not known: say Client(dataset_id={self.dataset_id!r}, data=FOLDER), or give the "
                "folder as dataset_id."
            )
        job: dict[str, Any] = {"data": self._data, "compat": self._compat}
        job |= {"dataset": self.dataset_id} if self._named else {}
        given = {"worker_config": worker_config, "selection_config": selection_config, "lightly_config": lightly_config}
        job |= {name: value for name, value in given.items() if value is not None}
        asked, _ = configured(job)
        more: dict[str, Any] = {}
        if asked.training is not None and asked.encoder is None and asked.model.num_ftrs is None:
            more["model.num_ftrs"] = _NUM_FTRS
            if asked.training.augmentation.image_size is None:
                more["training.augmentation.image_size"] = _SIDE
        return self._shown(select(job, quiet=self._quiet, **more).path).id

    def get_compute_worker_runs(self, dataset_id: str | None = None) -> list[ComputeWorkerRun]:
        """Selections and pretrainings of a data set, by default the client's own, the oldest first."""
        name = self.dataset_id if dataset_id is None else dataset_id
        found = of_dataset({dataset_key(name), dataset_key(name, name)})
        return [self._shown(place) for place, facts in reversed(found) if facts.get("verb") in ("select", "pretrain")]

    def get_compute_worker_run(self, run_id: str) -> ComputeWorkerRun:
        """The run with the id ``run_id``. Raises UserError where there is none."""
        return self._shown(find(run_id))

    def get_compute_worker_run_from_scheduled_run(self, scheduled_run_id: str) -> ComputeWorkerRun:
        """The run that was made for ``scheduled_run_id``, what ``schedule_compute_worker_run`` returned. Raises UserError where there is none."""
        return self._shown(find(scheduled_run_id))

    def get_compute_worker_run_checkpoint_url(self, run: ComputeWorkerRun) -> str:
        """The ``file://`` address of the run's checkpoint, which does not expire. Raises UserError where the run has none."""
        return file_of(run.path).resolve().as_uri()

    def download_compute_worker_run_checkpoint(self, run: ComputeWorkerRun, output_path: str | Path) -> None:
        """Copy the run's checkpoint to ``output_path``; its folder is made. Raises UserError where the run has none."""
        copied(run.path, Path(output_path))

    def _shown(self, place: Path) -> ComputeWorkerRun:
        facts = Run.open(place).facts()
        state = _STATES.get(facts["state"]) or _STAGES.get(str(facts.get("stage")), "STARTED")
        files = {kind: place / name for kind, name in _ARTIFACTS.items()}
        if facts["verb"] in ("select", "pretrain") and encoder_folder(place) is not None:
            files["CHECKPOINT"] = file_of(place)
        artifacts = [Artifact(kind, file.relative_to(place).as_posix()) for kind, file in files.items() if file.is_file()]
        return ComputeWorkerRun(facts["id"], str(facts.get("dataset", "")), state, datetime.fromisoformat(facts["started"]), artifacts, place)
