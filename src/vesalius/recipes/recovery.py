"""Two words of InnerEye's that are never confused: weights of another run to start from, and the same run gone on with."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vesalius.encoders.build import is_name
from vesalius.errors import UserError
from vesalius.files import Lock, sibling
from vesalius.recipes.arguments import RECOVERED, from_pairs
from vesalius.recipes.layers import raw
from vesalius.recipes.merging import merge
from vesalius.runs import Run, every, find, home, mlflow_store
from vesalius.runs.references import HIDDEN

SAME, OTHER = RECOVERED
"""Goes on with a run; starts from the weights of another, a pretraining."""
_RECOVERY = "recovery"


def recovered(
    verb: str,
    recipe: str | Path | Mapping[str, Any] | None,
    changes: Mapping[str, Any],
    resume: str | Path | None,
    encoder: Any = None,
) -> tuple[dict[str, Any], str | Path | None]:
    """``changes`` without the two words, a pretraining's weights in them as the encoder, and the run that is gone on with.

    ``encoder``: what the verb was given beside ``changes``. Raises UserError where two of them are given that do not go
    together, and where one is given for the other.
    """
    left = {key: value for key, value in changes.items() if key not in (SAME, OTHER)}
    same, other = changes.get(SAME), changes.get(OTHER)
    if same is None and other is None:
        return left, resume
    if other is not None and (same is not None or resume is not None):
        raise UserError(
            f"--{OTHER} begins a new run from the weights of another, and {f'--{SAME}' if same is not None else '--resume'} goes on with "
            "the same run, which has its weights. Give one of them."
        )
    if same is not None:
        if resume is not None:
            raise UserError(f"--{SAME} and --resume both say which run to go on with. Give one of them.")
        return left, run_of(str(same), verb, recipe, from_pairs(left.items(), verb)[0])
    nested = from_pairs(left.items(), verb)[0].get("encoder", {})
    name = encoder if encoder is not None else nested.get("name")
    if nested.get("weights") is not None or isinstance(encoder, Mapping) or (name is not None and not is_name(str(name))):
        raise UserError(f"--{OTHER} says which weights the encoder starts from, and another encoder is given too. Give one of them.")
    start = weights_of(str(other))
    return {**left, "encoder.weights" if verb == "pretrain" or name is not None else "encoder": start}, None


def weights_of(reference: str) -> str:
    """What ``encoder`` is when it starts from the pretraining ``reference``: a run here or of MLflow, or a checkpoint's path.

    Raises UserError where it is no pretraining, or where there is none.
    """
    if (here := _local(reference)) is not None:
        _refuse_verb(str(Run.open(here).facts().get("verb")), "pretrain", OTHER, reference)
        return str(here)
    if Path(reference).expanduser().exists():
        return reference
    _, found = _of_mlflow(reference)
    _refuse_verb(found.data.tags.get("vesalius.verb", "pretrain"), "pretrain", OTHER, reference)
    return f"mlflow:{found.info.run_id}"


def run_of(
    reference: str, verb: str, recipe: str | Path | Mapping[str, Any] | None, changes: Mapping[str, Any]
) -> Path:
    """The folder of the run of ``verb`` that is gone on with; one of MLflow that is not here is fetched first.

    ``recipe``, ``changes``: where places of data are taken from, which are not tracked. Raises UserError where the run
    is of another verb, is done, or holds no checkpoint.
    """
    if (here := _local(reference)) is not None:
        _refuse_verb(str(Run.open(here).facts().get("verb")), verb, SAME, reference)
        return here
    store, found = _of_mlflow(reference)
    run_id, tags = str(found.info.run_id), found.data.tags
    _refuse_verb(tags.get("vesalius.verb", ""), verb, SAME, reference)
    if tags.get("vesalius.state") == "done":
        raise UserError(f"{reference} is done: there is nothing to go on with. --encoder mlflow:{run_id} takes its encoder.")
    home().mkdir(parents=True, exist_ok=True)
    with Lock(home() / f".{run_id}.lock"):
        return _local(run_id) or _fetched(store, run_id, verb, recipe, changes)


def _local(reference: str) -> Path | None:
    """The folder of a run here: by folder, name, id or short id, or the id a tracker gave it."""
    word = reference.removeprefix("mlflow:")
    tracked = [p for p, facts in every() if facts.get("tracked", {}).get("mlflow", {}).get("run_id") == word.rpartition(":")[2]]
    if tracked:
        return tracked[0]
    if reference.startswith("mlflow:"):
        return None
    try:
        return find(reference)
    except UserError as error:
        if " fits " in str(error):
            raise
        return None


def _of_mlflow(reference: str) -> tuple[Any, Any]:
    """The store and the run of MLflow that ``reference`` means."""
    if not reference.startswith("mlflow:") and not mlflow_store.reachable():
        raise UserError(
            f"There is no run {reference!r} below {home()}, and no MLflow to ask for it. `vesalius runs list` shows the runs here; "
            "a server is named by MLFLOW_TRACKING_URI."
        )
    store = mlflow_store.client(mlflow_store.place())
    return store, mlflow_store.run_of(store, reference.removeprefix("mlflow:"))


def _refuse_verb(made_by: str, verb: str, word: str, reference: str) -> None:
    if made_by == verb:
        return
    if word == SAME and made_by == "pretrain":
        raise UserError(
            f"--{SAME} goes on with a run of {verb}, and {reference} is a pretraining. To start from its encoder write "
            f"--{OTHER} {reference}; to go on with it, `vesalius pretrain --{SAME} {reference}`."
        )
    if word == SAME:
        raise UserError(
            f"--{SAME} goes on with a run of {verb}, and {reference} was made by {made_by or 'something else than Vesalius'}. Go on with "
            "it there, or name another: `vesalius runs list` shows them."
        )
    raise UserError(
        f"--{OTHER} starts from a pretraining, and {reference} was made by {made_by}. To go on with it write --{SAME} {reference}; "
        f"to start from its encoder all the same, --encoder {reference}."
    )


def _fetched(
    store: Any, run_id: str, verb: str, recipe: str | Path | Mapping[str, Any] | None, changes: Mapping[str, Any]
) -> Path:
    steps = [] if _RECOVERY not in mlflow_store.listed(store, run_id) else mlflow_store.listed(store, run_id, _RECOVERY)
    if not steps:
        raise UserError(
            f"The MLflow run {run_id} holds no checkpoint to go on from: it ended before the first was sent. Track with "
            "--tracking.mlflow.checkpoints every to have them sent while a run goes on."
        )
    failed = ""
    for step in reversed(steps):
        with tempfile.TemporaryDirectory(dir=home(), prefix=".fetching-") as draft:
            try:
                folder = mlflow_store.fetch(store, run_id, step, Path(draft))
                if not (folder / "run.json").is_file():  # cut while it was sent: the one before is whole
                    continue
            except UserError as error:
                failed = str(error)
                continue
            return _settled(folder, verb, recipe, changes)
    raise UserError(failed or f"No checkpoint of the MLflow run {run_id} was sent whole. Go on where the run was started.")


def _settled(folder: Path, verb: str, recipe: str | Path | Mapping[str, Any] | None, changes: Mapping[str, Any]) -> Path:
    """Make a run of what was fetched, the places of its data as they are given now."""
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    given = merge({} if recipe is None else raw(recipe, verb), changes)
    unknown: list[str] = []
    config = _placed(config, given, "", unknown)
    if unknown:
        raise UserError(
            f"Where the data of {facts['name']} lie is not tracked: give {', '.join(f'--{name}' for name in unknown)} as they are on this "
            "machine, or the recipe that says so."
        )
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps({**facts, "fetched": True}, indent=1), encoding="utf-8")
    slug = "".join(c if c.isalnum() or c in "-_" else "-" for c in str(facts["name"]))[:60]
    target = home() / f"{facts['id']}-{facts['verb']}-{slug}"
    moved = sibling(target)
    shutil.move(folder, moved)
    moved.rename(target)
    return target


def _placed(value: Any, given: Any, name: str, unknown: list[str]) -> Any:
    """``value`` with what a tracker was not told taken from ``given``; names what is nowhere."""
    if isinstance(value, Mapping):
        inner = given if isinstance(given, Mapping) else {}
        return {k: _placed(v, inner.get(k), f"{name}.{k}" if name else str(k), unknown) for k, v in value.items()}
    if isinstance(value, list):
        parts = given if isinstance(given, list) and len(given) == len(value) else [None] * len(value)
        named = [f"{name}.{v['name']}" if isinstance(v, Mapping) and "name" in v else name for v in value]
        return [_placed(v, g, n, unknown) for v, g, n in zip(value, parts, named, strict=True)]
    if isinstance(value, str) and (value == HIDDEN or "@…" in value or value.startswith("…/")):
        if name.startswith("tracking."):
            return mlflow_store.place()
        if given is None:
            unknown.append(name)
        return given
    return value
