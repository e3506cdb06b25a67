"""``vesalius runs repeat``: a run done again from its record, and what came out held against it, to the bit."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vesalius.errors import UserError
from vesalius.features import origin
from vesalius.features.cache import afresh
from vesalius.recipes.plugins import keep_plugins, plugins_of
from vesalius.recipes.resuming import configured, started
from vesalius.runs import Run, content, find, named_files, refuse_taken
from vesalius.runs.circumstances import other_than
from vesalius.terminal import Terminal
from vesalius.training.world import processes

_ELSEWHERE = ("plugins", "tracking", "write")
"""Of a configuration: where things lie and whom they are sent to, which a repetition leaves out."""
_EMBEDDINGS = "embeddings."
"""How the file of an embedding begins, which the user may have had written elsewhere."""


@dataclass(frozen=True)
class Row:
    """One line of the comparison: ``what``, how many files it is, and the ``different`` ones by name."""

    what: str
    files: int
    different: tuple[str, ...]


@dataclass(frozen=True)
class Repeated:
    """``path``: the repetition's run. ``rows``: the comparison. ``warnings``: what is other here than where the run was made."""

    path: Path
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether everything is the same to the bit."""
        return not any(row.different for row in self.rows)


def repeat(run: str | Path, *, out: str | Path | None = None, quiet: bool = False) -> Repeated:
    """Do ``run`` (folder, id or ``latest``) again, in a new run or in ``out``, and compare all that it made.

    Features are computed again, whatever the cache holds; decoded pixels are not. Nothing is sent to trackers or written outside of the
    new run. Raises UserError for a run that did not end well, whose record is incomplete or was changed, or whose data or encoders are no
    longer those it was made with; and what the verb itself raises.
    """
    was, terminal = Run.open(find(run)), Terminal(quiet=quiet)
    facts = was.facts()
    verb = _refuse(was, facts)
    if out is not None:
        refuse_taken(Path(out))
    warnings = tuple(other_than(facts, threads=facts["hardware"]["threads"]))
    for warning in warnings:
        terminal.say(f"Other than when the run was made: {warning}. Results may differ.")
    threads = torch.get_num_threads()
    torch.set_num_threads(facts["hardware"]["threads"])
    try:
        found = verb.origin(was, Terminal(quiet=True))
        if other := origin.other(facts.get(origin.KEY) or {}, found) + named_files.changed(was.config(), facts.get("files", {})):
            raise UserError(
                f"{was.path.name} cannot be repeated: {'; '.join(other)} changed since it was made. Give back what it was made from, in the "
                "folder where the command was given, or start a new run on what there is now."
            )
        with afresh():
            path = verb.again(was, None if out is None else Path(out), quiet)
    finally:
        torch.set_num_threads(threads)
    return Repeated(path, tuple(_compared(was, Run.open(path))), warnings)


def _refuse(run: Run, facts: Mapping[str, Any]) -> _Verb:
    """The verb that made ``run``. Raises UserError where the run cannot be repeated from what it recorded."""
    name = run.path.name
    if facts.get("verb") not in _VERBS:
        raise UserError(f"{name} was made by {facts.get('verb')}; what can be repeated are runs of {', '.join(_VERBS)}.")
    if facts.get("state") != "done":
        raise UserError(f"{name} is {facts.get('state')}: only a run that is done can be repeated. Go on with it: --resume {run.path}.")
    if missing := [key for key in ("versions", "hardware", "config_sha256") if key not in facts] + [content.FILE] * (not (run.path / content.FILE).is_file()):
        raise UserError(f"{name} recorded no {' and no '.join(missing)}, without which nothing can be compared. Start a new run with its config.yaml.")
    if hashlib.sha256((run.path / "config.yaml").read_bytes()).hexdigest() != facts["config_sha256"]:
        raise UserError(f"config.yaml of {name} is not the one that the run was started with. Give back the original, or start a new run with this one.")
    for file, digest in _made(run).items():
        if (run.path / file).is_file() and content.digest(run.path / file) != digest:
            raise UserError(f"{file} of {name} is not what the run wrote. Give back the original, or start a new run with its config.yaml.")
    world, here = facts.get("world", 1), processes()
    if world != here:
        raise UserError(
            f"{name} was made by {world} process(es), and {here} would repeat it. Start as many: {started(world)} runs "
            f"repeat {run.path}."
        )
    if (run.config().get("datapool") or {}).get("use"):
        raise UserError(f"{name} is a round of a datapool, which has grown by it: a round cannot be repeated. Select without datapool.use to compare.")
    return _VERBS[str(facts["verb"])]


def _made(run: Run) -> dict[str, str]:
    found: dict[str, str] = json.loads((run.path / content.FILE).read_text())
    return found


def _compared(was: Run, now: Run) -> list[Row]:
    configs = [{key: value for key, value in run.config().items() if key not in _ELSEWHERE} for run in (was, now)]
    origins = [run.facts().get(origin.KEY) or {"data": {}} for run in (was, now)]
    rows = [Row("configuration", 1, tuple(key for key in configs[0] if configs[0][key] != configs[1].get(key)))]
    rows.append(Row("data and encoders as given", len(origins[0]["data"]), tuple(origin.other(origins[0], origins[1]))))
    before, after = _made(was), _made(now)
    names = [name for name in sorted({*before, *after}) if name in before or not name.startswith(_EMBEDDINGS)]
    kinds = list(dict.fromkeys(content.what(name) for name in names))
    for kind in sorted(kinds):
        same_kind = [name for name in names if content.what(name) == kind]
        rows.append(Row(kind, len(same_kind), tuple(name for name in same_kind if before.get(name) != after.get(name))))
    return rows


# ---- the verbs


@dataclass(frozen=True)
class _Verb:
    """``origin``: what a run would be computed from today; ``again``: the run done again in a folder, and where it lies."""

    origin: Callable[[Run, Terminal], dict[str, Any]]
    again: Callable[[Run, Path | None, bool], Path]


def _recipe(run: Run) -> dict[str, Any]:
    """The configuration as it is given, sent nowhere."""
    config = {**run.config(), "plugins": plugins_of(run)}
    return config | {key: [] for key in ("tracking", "write") if config.get(key)}


def _pretrain_origin(run: Run, terminal: Terminal) -> dict[str, Any]:
    from vesalius.recipes.loading import load_pretrain
    from vesalius.recipes.material import load_material

    return origin.origin(load_material(configured(load_pretrain, None, {}, run)[0], terminal).by_role)


def _pretrain(run: Run, out: Path | None, quiet: bool) -> Path:
    from vesalius.pretrain import pretrain

    return pretrain(_recipe(run), out=out, quiet=quiet).path


def _finetune_origin(run: Run, terminal: Terminal) -> dict[str, Any]:
    from vesalius.recipes import finetune_job
    from vesalius.recipes.finetune_loading import finetune_and_sentences
    from vesalius.recipes.segmentation import material
    from vesalius.recipes.segmentation.config import SegmentationConfig

    config = configured(finetune_and_sentences, None, {}, run)[0]
    job: Any = material.prepare(config, terminal) if isinstance(config, SegmentationConfig) else finetune_job.prepare(config, terminal)
    return origin.origin({"train": job.data}, {"encoder": job.encoder})


def _finetune(run: Run, out: Path | None, quiet: bool) -> Path:
    from vesalius.finetune import finetune

    return finetune(_recipe(run), out=out, quiet=quiet).path


def _embed_origin(run: Run, terminal: Terminal) -> dict[str, Any]:
    from vesalius.embed import opened

    config = run.config()
    rows: dict[str, Any] = {key: config.get(key) for key in ("task", "labels", "uncertain", "filter", "weights", "code")}
    encoder, data = opened(config["encoder"], config["data"], **rows, terminal=terminal)
    return origin.origin({"data": data}, {"encoder": encoder})


def _embed(run: Run, out: Path | None, quiet: bool) -> Path:
    from vesalius.embed import embed

    path = embed(**run.config(), device=run.facts()["device"], quiet=quiet).path
    return path if out is None else Path(shutil.move(path, out))


def _evaluate_origin(run: Run, terminal: Terminal) -> dict[str, Any]:
    from vesalius import registry
    from vesalius.evaluate.config import EvaluateConfig
    from vesalius.evaluate.pairs.opening import opened

    for plugin in plugins_of(run):
        registry.load_plugin(Path(plugin))
    config = EvaluateConfig.model_validate(run.config())
    if not config.encoder:
        return origin.origin({})
    panel, known = opened(config, terminal), run.facts().get(origin.KEY, {}).get("data", {})
    for pictures, tables in ((False, panel.tables), (True, panel.pictures)):
        for name in tables:
            if "pixels" in known.get(f"images of {name}" if pictures else name, {}):
                panel.data(name, panel.encoders[0], pictures=pictures)
    return origin.origin(panel.sets(), panel.given())


def _evaluate(run: Run, out: Path | None, quiet: bool) -> Path:
    from vesalius.evaluate.verb import evaluate

    again = Run.create("evaluate", str(run.facts()["name"]), run.config(), out, device=run.facts()["device"])
    keep_plugins(again, plugins_of(run))
    return evaluate(run.config()["protocols"], resume=again.path, quiet=quiet).path


def _select_origin(run: Run, terminal: Terminal) -> dict[str, Any]:
    from vesalius.select.config import configured as job_of
    from vesalius.select.pool import pool_of

    return origin.origin({"data": pool_of(job_of(_recipe(run))[0], terminal).table})


def _select(run: Run, out: Path | None, quiet: bool) -> Path:
    from vesalius.select.verb import select

    return select(_recipe(run), out=out, quiet=quiet).path


_VERBS = {
    "pretrain": _Verb(_pretrain_origin, _pretrain),
    "finetune": _Verb(_finetune_origin, _finetune),
    "embed": _Verb(_embed_origin, _embed),
    "evaluate": _Verb(_evaluate_origin, _evaluate),
    "select": _Verb(_select_origin, _select),
}
