"""MLflow as the rest of Vesalius uses it: without telemetry, a local SQLite file where nothing else is said."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from vesalius.errors import UserError
from vesalius.files import Lock, checksum
from vesalius.runs.run import home
from vesalius.runs.tracker import MANIFEST

_QUIET = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")
_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


def require(uri: str | None = None) -> None:
    """Raise UserError where MLflow is not installed, or not its plug-in for the store at ``uri``."""
    if find_spec("mlflow") is None:
        raise UserError("MLflow is not installed. Install it with `pip install 'vesalius[tracking]'`, or leave mlflow out.")
    if place(uri).startswith("azureml:") and (find_spec("azureml") is None or find_spec("azureml.mlflow") is None):
        raise UserError("An Azure ML workspace is reached with a plug-in of MLflow: `pip install 'vesalius[azureml]'`.")


def library() -> Any:
    """The module ``mlflow``, its telemetry switched off before it is imported. Raises UserError where there is none."""
    require()
    os.environ |= dict.fromkeys(_QUIET, "true")
    for name, value in _DEFAULTS.items():  # its own seven retries would take minutes; ours come after them
        os.environ.setdefault(name, value)
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


def local_uri() -> str:
    """The SQLite file beside the runs."""
    return f"sqlite:///{(home() / 'mlflow.db').resolve()}"


def place(uri: str | None = None) -> str:
    """``uri``, or MLFLOW_TRACKING_URI, or the SQLite file beside the runs."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or local_uri()


def client(uri: str) -> Any:
    """A client of the store at ``uri``. Raises UserError as ``require``."""
    require(uri)
    mlflow = library()
    if not uri.startswith("sqlite:///"):
        return mlflow.MlflowClient(tracking_uri=uri)
    file = Path(uri.removeprefix("sqlite:///"))
    file.parent.mkdir(parents=True, exist_ok=True)
    with Lock(file.with_name(f".{file.name}.lock")):  # of several that start, one makes the tables
        return mlflow.MlflowClient(tracking_uri=uri)


def reachable() -> bool:
    """Whether there is any store to ask without the user naming one."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (home() / "mlflow.db").is_file()


def run_of(store: Any, reference: str) -> Any:
    """The run ``RUN_ID``, ``EXPERIMENT:RUN_ID`` or ``EXPERIMENT:NAME``. Raises UserError where the store has none."""
    from mlflow.exceptions import MlflowException

    experiment, _, wanted = reference.rpartition(":")
    try:
        return store.get_run(wanted)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise _unreachable(error) from error
    except Exception as error:  # requests', urllib3's and the plug-ins' own
        raise _unreachable(error) from error
    known = store.get_experiment_by_name(experiment) if experiment else None
    if known is not None and "'" not in wanted:
        named = store.search_runs([known.experiment_id], f"attributes.run_name = '{wanted}'", max_results=2)
        if len(named) == 1:
            return named[0]
    raise UserError(
        f"MLflow has no run {reference!r}. `vesalius runs list` shows the ids of tracked runs; another server is named by "
        "MLFLOW_TRACKING_URI."
    )


def _unreachable(error: Exception) -> UserError:
    said = " ".join(str(error).split())[:200]
    return UserError(f"MLflow could not be asked ({type(error).__name__}: {said}). Check MLFLOW_TRACKING_URI and that the server runs.")


def listed(store: Any, run_id: str, place: str = "") -> list[str]:
    """Names of what lies in a folder of a run's artifacts."""
    return sorted(item.path for item in store.list_artifacts(run_id, place or None))


def is_whole(folder: Path) -> bool:
    """Whether what was fetched into ``folder`` is still what its manifest says; a folder or file without one is."""
    if not (folder / MANIFEST).is_file():
        return True
    sums: Mapping[str, str] = json.loads((folder / MANIFEST).read_text())
    return all((folder / name).is_file() and checksum(folder / name) == digest for name, digest in sums.items())


def fetch(store: Any, run_id: str, place: str, folder: Path, only: Sequence[str] | None = None) -> Path:
    """Download an artifact, a file or a folder, into the empty ``folder``, and check it where a manifest tells how.

    ``only``: these files of a folder that has a manifest. Raises UserError for what is absent, and for files that are
    not those that were sent.
    """
    whole = folder / place
    try:
        if f"{place}/{MANIFEST}" not in listed(store, run_id, place):
            return Path(store.download_artifacts(run_id, place, str(folder)))
        sums: Mapping[str, str] = json.loads(_one(store, run_id, f"{place}/{MANIFEST}", whole / MANIFEST).read_text())
        if odd := [n for n in sums if PurePosixPath(n).is_absolute() or ".." in PurePosixPath(n).parts]:
            raise ValueError(f"{odd[0]} leads out of its folder")
        for name in sums if only is None else [n for n in sums if n in only]:
            _one(store, run_id, f"{place}/{name}", whole / name)
    except Exception as error:
        raise UserError(
            f"{place} of the MLflow run {run_id} could not be fetched ({type(error).__name__}: {' '.join(str(error).split())[:160]}). "
            "`mlflow artifacts list` shows what the run holds."
        ) from error
    for name, digest in sums.items():
        if (only is None or name in only) and checksum(whole / name) != digest:
            shutil.rmtree(whole)
            raise UserError(f"{name} of the MLflow run {run_id} is not the file that was sent (SHA-256 differs). Fetch it again.")
    return whole


def _one(store: Any, run_id: str, place: str, target: Path) -> Path:
    """One artifact, a file, as ``target``: where a store's own download puts it differs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as draft:
        shutil.move(store.download_artifacts(run_id, place, draft), target)
    return target
