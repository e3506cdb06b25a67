"""MLflow: a local SQLite file, a server, or an Azure ML workspace. Off unless asked for; its telemetry is off too."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from vesalius.runs import mlflow_store
from vesalius.runs.run import Run, home
from vesalius.runs.tracker import Point

_LONGEST = 500
"""Characters of a parameter's value: what every server takes. config.yaml has the rest."""
_STATES = {"done": "FINISHED", "failed": "FAILED", "stopped": "FAILED", "preempted": "KILLED"}
VERB, OURS = "vesalius.verb", "vesalius.id"
"""Tags of a run there: the verb that made it and its id here."""


class Config(BaseModel):
    """Fields of the tracker."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    uri: str | None = Field(None, description="Server or file; MLFLOW_TRACKING_URI, else mlflow.db beside the runs.")
    experiment: str = Field("vesalius", min_length=1, description="Experiment, made where it does not exist.")
    checkpoints: Literal["never", "end", "every"] = Field(
        "end", description="When what another machine goes on from is sent: never (false), end (true), or every checkpoint."
    )
    report: bool = Field(True, description="Send report.html, which shows images of the data.")

    @field_validator("uri")
    @classmethod
    def _without_password(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).password is not None:
            raise ValueError(
                "the address holds a password, which the run's config.yaml would keep. Give the address without it, and the rest in "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or the whole of it in MLFLOW_TRACKING_URI"
            )
        return value

    @field_validator("checkpoints", mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return {True: "end", False: "never"}.get(value, value) if isinstance(value, bool) else value


def require(config: Config) -> None:
    """Raise UserError where MLflow, or its plug-in for the store, is not installed."""
    mlflow_store.require(config.uri)


def build(config: Config, run: Run) -> MLflow:
    """The tracker of ``run``. Raises UserError as ``require``."""
    require(config)
    return MLflow(config, run, mlflow_store.place(config.uri))


class MLflow:
    """One run of Vesalius as one run of MLflow."""

    def __init__(self, config: Config, run: Run, uri: str) -> None:
        self.config, self.run, self.uri = config, run, uri
        self.checkpoints, self.report = config.checkpoints, config.report
        self._store: Any = None
        self._id = ""
        self._joined = False

    def begin(self, config: Mapping[str, str]) -> dict[str, Any]:
        """See ``Tracker``: the run that ``run.json`` names, that of the job we are in, or a new one."""
        self._store = self._store or mlflow_store.client(self.uri)
        from mlflow.entities import Param  # after the client: telemetry is off now

        facts = self.run.facts()
        earlier = facts.get("tracked", {}).get("mlflow", {})
        self._joined = bool(earlier.get("joined", False))
        self._id = str(earlier.get("run_id") or self._of_job(facts) or self._new(facts))
        found = self._store.get_run(self._id)
        if found.info.status != "RUNNING" and not self._joined:
            self._store.update_run(self._id, status="RUNNING")
        new = [Param(key[:250], value[:_LONGEST]) for key, value in config.items() if key[:250] not in found.data.params]
        for start in range(0, len(new), 100):
            self._store.log_batch(self._id, params=new[start : start + 100])
        return {"run_id": self._id, "experiment": self.config.experiment, **({"joined": True} if self._joined else {})}

    def last_steps(self) -> dict[str, int]:
        """See ``Tracker``."""
        latest = self._store.get_run(self._id).data._metric_objs  # the public mapping has no steps
        return {metric.key: int(metric.step) for metric in latest}

    def points(self, points: Sequence[Point]) -> None:
        """See ``Tracker``."""
        from mlflow.entities import Metric

        self._store.log_batch(self._id, [Metric(p.key, p.value, int(1000 * p.seconds), p.step) for p in points])

    def notice(self, step: int, text: str) -> None:
        """See ``Tracker``: a tag, since MLflow has no words beside numbers."""
        self._store.set_tag(self._id, f"notice.{step}", text[:_LONGEST])

    def file(self, source: Path, place: str) -> None:
        """See ``Tracker``."""
        folder, _, name = place.rpartition("/")
        if source.name == name:
            self._store.log_artifact(self._id, str(source), folder or None)
            return
        with tempfile.TemporaryDirectory() as beside:
            link = Path(beside) / name
            link.symlink_to(source.resolve())
            self._store.log_artifact(self._id, str(link), folder or None)

    def forget(self, place: str, keep: str) -> None:
        """See ``Tracker``. A store that does not delete keeps them all."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        old = [path for path in mlflow_store.listed(self._store, self._id, place) if path != f"{place}/{keep}"]
        if old:
            repository = get_artifact_repository(self._store.get_run(self._id).info.artifact_uri, tracking_uri=self.uri)
            for path in old:
                try:
                    repository.delete_artifacts(path)
                except NotImplementedError:
                    return

    def end(self, state: str) -> None:
        """See ``Tracker``. A run that a job had made is ended by the job."""
        self._store.set_tag(self._id, "vesalius.state", state)
        if not self._joined:
            self._store.set_terminated(self._id, _STATES.get(state, "FAILED"))

    def _of_job(self, facts: Mapping[str, Any]) -> str | None:
        """The run of the job that started this process, as on Azure ML, where no other of our runs is it already."""
        named = os.environ.get("MLFLOW_RUN_ID")
        if not named or (self.config.uri and self.config.uri != os.environ.get("MLFLOW_TRACKING_URI")):
            return None
        ours = self._store.get_run(named).data.tags.get(OURS)
        if ours not in (None, facts["id"]):
            return None
        for key, value in self._tags(facts).items():
            self._store.set_tag(named, key, value)
        self._joined = True
        return named

    def _new(self, facts: Mapping[str, Any]) -> str:
        parent = os.environ.get("MLFLOW_RUN_ID") if self.config.uri is None else None
        above = self.run.path.parent / "run.json"
        if parent is None and above.is_file():  # one of several seeds
            parent = Run(above.parent).facts().get("tracked", {}).get("mlflow", {}).get("run_id")
        tags = {**self._tags(facts), **({"mlflow.parentRunId": parent} if parent else {})}
        made = self._store.create_run(self._experiment(), run_name=f"{facts['name']} {facts['id']}", tags=tags)
        return str(made.info.run_id)

    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        named = os.environ.get("MLFLOW_EXPERIMENT_ID")
        if named and self.config.uri is None and self.config.experiment == Config.model_fields["experiment"].default:
            return named
        name = self.config.experiment
        if (found := self._store.get_experiment_by_name(name)) is not None:
            return str(found.experiment_id)
        beside = str((home() / "mlflow-artifacts").resolve()) if self.uri == mlflow_store.local_uri() else None
        try:
            return str(self._store.create_experiment(name, artifact_location=beside))
        except MlflowException:  # another process was faster
            found = self._store.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def _tags(self, facts: Mapping[str, Any]) -> dict[str, str]:
        return {VERB: str(facts["verb"]), OURS: str(facts["id"]), "vesalius.name": str(facts["name"])}
