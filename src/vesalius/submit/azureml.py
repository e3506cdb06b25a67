"""``vesalius submit azureml``: a line as a command job of Azure ML, by azure-ai-ml.

The job is its YAML: what ``--dry-run`` prints is what is loaded and sent. Data are assets of the workspace, mounted; the
run is a mounted output, so that a job that was pre-empted goes on with it.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vesalius import __version__
from vesalius.errors import UserError
from vesalius.files import atomic_write
from vesalius.submit.data_assets import given, mounts
from vesalius.submit.durations import seconds
from vesalius.submit.uploads import uploads
from vesalius.submit.verb_line import Parse, VerbLine, checked
from vesalius.terminal import Terminal

SCHEMA = "https://azuremlschemas.azureedge.net/latest/commandJob.schema.json"
_ANSWERS = {"embed": "embeddings.parquet", "predict": "predictions.parquet"}
"""What a verb that trains nothing writes."""


@dataclass(frozen=True)
class Order:
    """What is asked of Azure ML; the meaning of each is the command line's."""

    compute: str | None = None
    environment: str | None = None
    image: str | None = None
    nodes: int = 1
    gpus: int = 1
    experiment: str | None = None
    tags: Sequence[str] = ()
    time: str | None = None
    train: str | None = None
    monitor: str | None = None
    datasets: Sequence[str] = ()
    mount: bool = True
    shm_size: str | None = None


def submit(
    words: Sequence[str],
    parse: Parse,
    order: Order,
    *,
    workspace: Path | None = None,
    wait: bool = False,
    dry_run: bool = False,
) -> str:
    """Hand the line ``words`` to Azure ML; returns the job's name, or with ``dry_run`` its YAML.

    ``workspace``: its config.json; looked for from the present folder upwards when absent. ``wait``: show the log until
    the job ends. Raises UserError for a line or an order that cannot be used, and where Azure refuses.
    """
    terminal = Terminal()
    line, moved = checked(words, parse, shared=False)
    job, said = compose(line, order, moved)
    files = uploads(line)
    for sentence in (*line.said, *said, _uploaded(files)):
        terminal.say(sentence)
    if dry_run:
        return _text(job | ({"code": "."} if files else {})).rstrip()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for file in files:
            atomic_write(place / "code" / file, file.read_bytes())
        atomic_write(place / "job.yaml", _text(job | ({"code": "./code"} if files else {})))
        sent, client = _send(place / "job.yaml", workspace)
    terminal.say(f"Job {sent.name} is with Azure ML, experiment {job['experiment_name']}. Watch: {sent.studio_url}")
    terminal.say(f"Its log: az ml job stream --name {sent.name}    to end it: az ml job cancel --name {sent.name}")
    if line.verb == "pretrain":
        terminal.say(f"To fine-tune what it learns: vesalius finetune ... --pretraining_run_recovery_id {sent.name}")
    if wait:
        client.jobs.stream(sent.name)
    return str(sent.name)


def compose(line: VerbLine, order: Order, moved: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    """The job's YAML as a mapping, and what to tell the user. ``moved``: data ids found in the line. Raises UserError."""
    _check(line, order)
    ids = {name: value.split(",") if isinstance(value, str) else list(value) for name, value in (moved or {}).items()}
    train = order.train or next(iter(ids.get("azure_dataset_id", ())), None)
    others = order.monitor.split(",") if order.monitor else ids.get("extra_azure_dataset_ids", [])
    if len(others) > 1:
        raise UserError(f"extra_azure_dataset_ids names {len(others)} data assets, and one data set is watched. Leave the others out.")
    found = mounts(line, train, next(iter(others), None), given(order.datasets))
    tracking = ["--tracking", "mlflow"] if line.trains and not getattr(line.config, "tracking", None) else []
    words = [*line.words, *found.words, *tracking]
    attempt = ["python", "-m", "vesalius.submit.attempt", "${{outputs.run}}", "--", *words]
    command = attempt if line.trains else ["vesalius", *words, "--out", f"${{{{outputs.run}}}}/{_ANSWERS[line.verb]}"]
    job: dict[str, Any] = {
        "$schema": SCHEMA,
        "type": "command",
        "display_name": line.title,
        "experiment_name": re.sub(r"[^\w-]+", "-", order.experiment or line.title),
        "tags": _tags(order.tags),
        "command": " ".join(_quoted(word) for word in command),
        "inputs": {name: _folder(path, "ro_mount" if order.mount else "download") for name, path in found.inputs.items()},
        "outputs": {"run": {"type": "uri_folder", "mode": "rw_mount"}},
        "environment": _environment(order),
        "compute": f"azureml:{str(order.compute).removeprefix('azureml:')}",
        "resources": {"instance_count": order.nodes, **({"shm_size": order.shm_size} if order.shm_size else {})},
        "distribution": {"type": "pytorch", "process_count_per_instance": order.gpus} if order.gpus * order.nodes > 1 else {},
        "limits": {"timeout": seconds(order.time, "--time")} if order.time else {},
    }
    return {key: value for key, value in job.items() if value not in ({}, None)}, found.said


def _check(line: VerbLine, order: Order) -> None:
    if order.compute is None:
        raise UserError("Name the workspace's compute cluster with --compute (the originals' --cluster).")
    if (order.environment is None) == (order.image is None):
        raise UserError("Name one of --environment NAME@VERSION, which holds vesalius, and --image, to which this version is added by pip.")
    if min(order.nodes, order.gpus) < 1:
        raise UserError("--nodes and --gpus are at least 1.")
    if order.nodes * order.gpus > 1 and not line.trains:
        raise UserError(f"{line.verb} is one process: leave --nodes and --gpus above 1 out.")
    if line.run is not None:
        raise UserError("--resume names a run of this machine, which the job does not see. A job that was interrupted goes on by itself.")
    if line.encoder is not None and _local(line.encoder):
        raise UserError(
            f"The encoder {line.encoder} is on this machine, and nothing of it is uploaded. Name mlflow:RUN_ID, or register it as a data "
            "asset: --dataset encoder=ASSET, and '${{inputs.encoder}}' in the line."
        )
    if line.out is not None:
        raise UserError("On Azure ML what is made is the job's output: leave --out out of the line.")


def _local(reference: str) -> bool:
    from vesalius import runs

    if "${{" in reference:
        return False
    if Path(reference).expanduser().exists() or reference == "latest" or reference.startswith("run:"):
        return True
    try:
        runs.find(reference)
    except UserError:
        return False
    return True


def _tags(given: Sequence[str]) -> dict[str, str]:
    found = {"vesalius": __version__}
    for text in given:
        name, equals, value = text.partition("=")
        found |= {name: value} if equals else {"tag": text}
    return found


def _folder(path: str, mode: str) -> dict[str, str]:
    return {"type": "uri_folder", "path": path, "mode": mode}


def _environment(order: Order) -> Any:
    """A registered environment, or an image to which Azure ML adds this version of the package when it builds it, once."""
    if order.image is not None:
        packages = [f"vesalius[tracking]=={__version__}", "azureml-mlflow"]
        return {"image": order.image, "conda_file": {"name": "vesalius", "dependencies": ["python=3.11", "pip", {"pip": packages}]}}
    name = str(order.environment)
    if name.startswith("azureml:"):
        return name
    if match := re.fullmatch(r"([\w.-]+)[@:](\d[\w.-]*)", name):
        return f"azureml:{match[1]}:{match[2]}"
    return f"azureml:{name if '@' in name else f'{name}@latest'}"


def _quoted(word: str) -> str:
    """``word`` for the job's shell; a mounted folder's place is put in by Azure ML and may be a variable, so it stays open."""
    if "${{" not in word:
        return shlex.quote(word)
    return word if re.fullmatch(r"[\w./:@=,${}-]+", word) else '"' + word.replace('"', '\\"') + '"'


def _uploaded(files: Sequence[Path]) -> str:
    if not files:
        return "Nothing is uploaded: the job is its command and the names of data assets."
    return f"Uploaded with the job: {', '.join(map(str, files))}; no data, encoders or runs."


def _text(job: dict[str, Any]) -> str:
    return yaml.safe_dump(job, sort_keys=False, width=10_000)


def _send(file: Path, workspace: Path | None) -> tuple[Any, Any]:
    """The job as Azure ML took it, and the client."""
    try:
        from azure.ai.ml import MLClient, load_job
        from azure.core.exceptions import AzureError
        from azure.identity import DefaultAzureCredential
    except ModuleNotFoundError:
        raise UserError("Azure ML needs the package azure-ai-ml: pip install 'vesalius[azureml]'. --dry-run does without.") from None
    from azure.ai.ml.exceptions import MlException

    try:
        job = load_job(file)
        where: dict[str, Any] = {} if workspace is None else {"path": workspace.parent, "file_name": workspace.name}
        client = MLClient.from_config(DefaultAzureCredential(), **where)
        return client.jobs.create_or_update(job), client
    except (AzureError, MlException) as error:
        said = " ".join(str(error).split())[:400].rstrip(".")
        raise UserError(f"Azure ML did not take the job: {said}. --dry-run shows it; `az login` signs in.") from None
