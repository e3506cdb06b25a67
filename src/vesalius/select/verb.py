"""``vesalius select``: train on the images, embed them, select, report; each stage once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.dataset_names import dataset_key
from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.recipes.plugins import keep_plugins, plugins_of
from vesalius.recipes.resuming import kept_if_begun, noted, run_to_resume
from vesalius.result import Result
from vesalius.runs import Run, refuse_taken, settled
from vesalius.select import picks_file
from vesalius.select.config import SelectConfig, configured
from vesalius.select.job import fields_of, written
from vesalius.select.journey import Journey
from vesalius.select.selected import Selected
from vesalius.select.selection import needs_vectors, parts
from vesalius.select.stages import Stages
from vesalius.select.writing import refuse_without_vectors, targets, write
from vesalius.terminal import Terminal
from vesalius.training.process import settle
from vesalius.training.world import pick_device

if TYPE_CHECKING:
    import pandas as pd

_ELSEWHERE = ("device", "threads", "write", "plugins")
"""What may differ when a job is gone on with."""
_SHOWN = 10
"""Names that the terminal shows."""


class Selection(Result):
    """A selection's run. ``table``: the picks by id; ``names``: their files, relative to the data's root, which the run itself does not hold."""

    def __init__(self, path: Path, names: NDArray[np.str_]) -> None:
        super().__init__(path)
        self.names = names.tolist()

    @property
    def table(self) -> pd.DataFrame:
        """A row for each pick, in order: id, gain, the nearest chosen before, its distance, reasons."""
        import pandas as pd

        return pd.read_parquet(self.path / picks_file.FILE)

    @property
    def encoder(self) -> Encoder:
        """The encoder that was trained. Raises UserError where none was."""
        return load_encoder(self.path / "training")


def select(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    quiet: bool = False,
    **fields: Any,
) -> Selection:
    """Select images to label, and return the run.

    ``config``: a YAML file or mapping with the original's ``worker_config``, ``selection_config`` and ``lightly_config`` and fields of ours;
    or none, and ``encoder="timm:resnet18", data="./images", n=50, strategy="diversity"``. ``fields`` lie over it. ``out``: the run's
    directory. ``resume``: a selection to go on with: stages that are done are not done again. Raises UserError for input that cannot
    be used, TooManyBadFiles, NoRoom, and what a training raises.
    """
    terminal = Terminal(quiet=quiet)
    here = None if resume is None else run_to_resume(resume, "select")
    asked, sentences = _asked(config, fields, here)
    if here is None and asked.encoder is not None:
        asked = asked.model_copy(update={"encoder": settled(asked.encoder)})
    for sentence in sentences:
        terminal.say(sentence)
    unfinished = here is None or here.facts()["state"] != "done"
    anew = here is not None and bool(fields.get("write"))
    places = targets(fields["write"] if anew else asked.write if unfinished else (), terminal, resumed=here is not None and not anew)
    if not (asked.encoder or asked.embeddings or asked.training or needs_vectors(asked.selection)):
        refuse_without_vectors(places)
    if here is None and out is not None:
        refuse_taken(Path(out))
    parts(asked.selection)  # what cannot be built is said before there is a run
    settle(asked.device, asked.threads, deterministic=False)
    place = pick_device(asked.device)
    new = here is None and not (out is not None and Path(out).exists())
    if here is None:
        title = asked.name or asked.dataset or "images"
        here = Run.create("select", title, written(asked), None if out is None else Path(out), device=str(place))
        here.record(dataset=dataset_of(asked))
        keep_plugins(here, asked.plugins)
    began = nullcontext() if not new else kept_if_begun(here, lambda: _begun(here), new=True)
    with began, noted(here, True) if unfinished else nullcontext():
        selected = Journey(asked, here, dataset_of(asked), place, terminal, over=not unfinished).finished()
        write(selected, places, terminal)
        if unfinished:
            here.finish("done")
    _show(selected, here, terminal)
    return Selection(here.path, selected.names)


def _begun(run: Run) -> bool:
    """Whether any stage of the job has made something."""
    return (run.path / "training").exists() or any(stage["state"] == "done" for stage in Stages(run, Terminal(quiet=True)).known.values())


def dataset_of(config: SelectConfig) -> str:
    """Whose runs and checkpoints these are: the name that was given, or a number that stands for the data's resolved root."""
    return dataset_key(config.data, config.dataset)


def _asked(config: str | Path | Mapping[str, Any] | None, fields: Mapping[str, Any], run: Run | None) -> tuple[SelectConfig, list[str]]:
    """The job that is asked for; of a run the same as before. Raises UserError where it would differ."""
    if run is None:
        return configured(config, **fields)
    was, _ = configured({**run.config(), "plugins": plugins_of(run)})
    if config is None and not set(fields) - set(_ELSEWHERE):
        return was.model_copy(update={key: value for key, value in fields.items() if key in ("device", "threads")}), []
    now, sentences = configured(config if config is not None else run.config(), **fields)
    before, after = was.model_dump(mode="json"), now.model_dump(mode="json")
    if other := [key for key in after if before[key] != after[key] and key not in _ELSEWHERE]:
        raise UserError(
            f"--resume goes on with {run.path.name} exactly as it was started, but {', '.join(other)} would differ. Leave the change out, or "
            "start a new selection."
        )
    return now, sentences


def _show(selected: Selected, run: Run, terminal: Terminal) -> None:
    """The first names, how well they stand for all, and where the rest lies."""
    from vesalius.report import build

    for order, name in enumerate(selected.names[:_SHOWN], 1):
        terminal.say(f"{order:>4}  {name}")
    if len(selected.names) > _SHOWN:
        terminal.say(f"      and {len(selected.names) - _SHOWN:,} more. All of them: vesalius select --resume {run.path} --write filenames=selected.txt")
    for sentence in Result(run.path).results.get("verdict", []):
        terminal.say(sentence)
    terminal.say(f"The report: {build([run.path])}")


__all__ = ["Selection", "dataset_of", "fields_of", "select"]
