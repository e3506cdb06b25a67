"""A verb's run gone on with: which run, that it goes on as it was started, and what is noted where it ends early."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from vesalius.data.dataset import DataSet
from vesalius.errors import NoRoom, UserError
from vesalius.features import origin
from vesalius.recipes.plugins import plugins_of
from vesalius.runs import Run, find, home, named_files
from vesalius.runs.circumstances import other_than
from vesalius.terminal import Terminal
from vesalius.training.world import processes

C = TypeVar("C", bound=BaseModel)
Load = Callable[[Any, Mapping[str, Any]], tuple[C, list[str]]]
"""A recipe and changes to a checked configuration, and what to tell the user about it."""
_ELSEWHERE = ("device", "threads", "name", "plugins", "tracking")
"""What may differ when a run is gone on with."""
_FIRST = ("config.yaml", "run.json", "log.txt", "plugins")
"""What a run's folder holds before anything is made in it."""


def run_to_resume(reference: str | Path, verb: str) -> Run:
    """The run that ``reference`` means. Raises UserError where another verb made it, or another number of processes, whose steps are others,
    or where a file of Python or YAML that it names was edited since.
    """
    run = Run.open(find(reference))
    facts, now = run.facts(), processes()
    made_by, were = facts.get("verb"), facts.get("world", now)
    if made_by != verb:
        raise UserError(f"{run.path} was made by {made_by}; go on with it there, or name a run of {verb}: `vesalius runs list` shows them.")
    if facts.get("state") == "done":
        return run
    if edited := named_files.changed(run.config(), facts.get("files", {})):
        raise UserError(
            f"--resume goes on with {run.path.name} exactly as it was started, but {' and '.join(edited)} changed since. Give back what it was, or "
            "start a new run."
        )
    if were != now:
        raise UserError(
            f"--resume goes on with {run.path.name} exactly as it was started: by {were} process(es), whose batches make up its steps, and here "
            f"{'is' if now == 1 else 'are'} {now}. Start as many: {started(were)} {verb} --resume {run.path}"
        )
    return run


def started(count: int) -> str:
    """The beginning of a command line that starts ``count`` processes on one machine."""
    return "vesalius" if count == 1 else f"torchrun --nproc_per_node {count} --no-python vesalius"


def configured(
    load: Load[C], recipe: str | Path | Mapping[str, Any] | None, changes: Mapping[str, Any], run: Run | None
) -> tuple[C, list[str]]:
    """The checked configuration: of ``recipe`` with ``changes``, or of ``run``, which goes on exactly as it was started.

    Raises UserError where there is no recipe, or where recipe or changes say something else than the run.
    """
    if run is None:
        if recipe is None:
            raise UserError("Name a recipe or a configuration file; `vesalius recipes list` shows the recipes.")
        return load(recipe, changes)
    started = {**run.config(), "plugins": plugins_of(run)}
    config, _ = load(started, {})
    if recipe is not None or changes:
        given, _ = load(recipe if recipe is not None else started, changes)
        was, now = config.model_dump(mode="json"), given.model_dump(mode="json")
        other = [k for k in was if was[k] != now[k] and k not in _ELSEWHERE]
        if other:
            raise UserError(
                f"--resume goes on with {run.path.name} exactly as it was started, but {', '.join(other)} would differ. "
                "Leave the change out, or start a new run."
            )
        if "tracking" in changes:
            config = config.model_copy(update={"tracking": dict(given)["tracking"]})
    return config, []


def hold_to_record(run: Run, data: Mapping[str, DataSet], terminal: Terminal) -> None:
    """Say what of the machine is other than when ``run`` was started. Raise UserError where ``data``, by role, are: no run on some of both would
    be either's.
    """
    facts = run.facts()
    for difference in other_than(facts):
        terminal.say(f"Other than when the run was started: {difference}. It goes on, though perhaps not to the last bit.")
    if other := origin.other(facts.get(origin.KEY) or {}, origin.origin(data)):
        elsewhere = " Ids of images of your own also depend on the file `key` in VESALIUS_CACHE, which has to be that of the other machine."
        raise UserError(
            f"--resume goes on with {run.path.name} exactly as it was started, but {' and '.join(other)} changed since. Give back what it was "
            f"started with, or start a new run on what there is now.{elsewhere if facts.get('fetched') else ''}"
        )


@contextmanager
def noted(run: Run, first: bool) -> Iterator[None]:
    """Inside, the run is running; where an error ends it, the ``first`` rank writes down why.

    Raises the error again; NoRoom with the command that goes on.
    """
    if first:
        run.record(state="running")
    try:
        yield
    except BaseException as error:
        if first:
            run.note_end(error)
        if isinstance(error, NoRoom):
            raise NoRoom(str(error).replace("run the same command again", f"go on with --resume {run.path}")) from error
        raise


@contextmanager
def kept_if_begun(run: Run, begun: Callable[[], bool], *, new: bool) -> Iterator[None]:
    """Inside, a run that was just created; where the user's input ends it before it has ``begun`` to make anything, what was written of it
    goes, so that the line can be mended and typed again. ``new``: whether its folder was made for it, and goes whole.
    """
    try:
        yield
    except UserError:
        if not begun():
            (home() / f"{run.facts()['id']}.path").unlink(missing_ok=True)
            for place in [run.path] if new else [run.path / name for name in _FIRST]:
                if place.is_dir():
                    shutil.rmtree(place, ignore_errors=True)
                else:
                    place.unlink(missing_ok=True)
        raise
