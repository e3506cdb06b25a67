"""``vesalius evaluate``: protocols of examination, any number in one call, each cell computed once."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius import registry
from vesalius.errors import UserError
from vesalius.evaluate import compat
from vesalius.evaluate.arguments import several, spread, translated
from vesalius.evaluate.asked import Asked, Examined
from vesalius.evaluate.cells import Cells
from vesalius.evaluate.config import OWN, EvaluateConfig, configured
from vesalius.evaluate.cost import Clock
from vesalius.evaluate.judged import beside
from vesalius.evaluate.judged.subgroups import refuse_unknown
from vesalius.evaluate.pairs.opening import opened
from vesalius.evaluate.showing import html, lines, scores
from vesalius.evaluate.tables import write_tables
from vesalius.features.origin import origin
from vesalius.files import atomic_write
from vesalius.recipes import yaml12
from vesalius.recipes.arguments import words
from vesalius.recipes.plugins import keep_plugins, plugins_of
from vesalius.recipes.resuming import kept_if_begun, noted, run_to_resume
from vesalius.result import Result
from vesalius.runs import Run, refuse_taken, settled
from vesalius.terminal import Terminal
from vesalius.training.memory import keep_freed_memory
from vesalius.training.precision import autocast_type
from vesalius.training.world import pick_device

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 2
"""Data sets that a title names."""
_NAMED_PROTOCOLS = 3
"""Protocols that a run's name names."""
_ELSEWHERE = ("device", "plugins")
"""What may differ when an evaluation is gone on with."""


class Evaluated(Result):
    """An evaluation's run. ``table``: its numbers, flat, as ``results.csv`` holds them; ``scores``: encoders by data sets."""

    @property
    def table(self) -> pd.DataFrame:
        """A row for each number with its interval."""
        import pandas as pd

        return pd.read_csv(self.path / "results.csv")

    @property
    def scores(self) -> pd.DataFrame:
        """A row for each protocol and encoder, a column for each data set: the measure that the data set is judged by."""
        return scores(self.results)

    def _repr_html_(self) -> str:
        from html import escape

        results = self.results
        return f"<p><b>{escape(self.path.name)}</b> {escape(' '.join(results.get('verdict', [])))}</p>{html(results)}"


def evaluate(
    protocols: str | Sequence[str],
    *,
    run: str | Path | Sequence[str | Path] = (),
    encoder: str | Path | Sequence[str | Path] = (),
    data: str | Path | Sequence[str | Path] = (),
    images: str | Path | Sequence[str | Path] = (),
    out: str | Path | None = None,
    resume: str | Path | None = None,
    quiet: bool = False,
    **fields: Any,
) -> Evaluated:
    """Examine by ``protocols`` (names, or one text with commas) and return the evaluation's run.

    ``run``: fine-tuned runs (folder, id or ``latest``); the first is compared with the others. ``encoder``, ``data``: encoders and
    labelled data sets, each of which is examined on each. ``images``: files and folders of images for protocols that look at a few, which
    else are drawn from the data. ``fields``: device, precision, batch_size, seed and the like, and fields of the
    protocols, as ``perturbations=["noise"]`` or ``**{"robustness.metric": "accuracy"}``; also those of SSL_medicalimaging's scripts, as
    ``dataset``, ``model``, ``n_way``.
    The run holds ``results.json``, ``results.csv``, ``figures/``, a folder for each protocol with what it computed, and the
    report. ``resume``: an evaluation to go on with; its finished cells are not computed again. Raises UserError, NoRoom.
    """
    terminal = Terminal(quiet=quiet)
    named = [name.strip() for name in (protocols.split(",") if isinstance(protocols, str) else protocols)]
    said = translated(fields, named)
    fields, original = said.fields, said.fields.get("compat") == compat.WORD
    places = [compat.placed(place) if original else place for place in [*_several(data), *said.data]]
    given = {"run": [*map(settled, _several(run))], "encoder": [*map(settled, [*_several(encoder), *said.encoder])], "data": places, "images": _several(images)}
    if original and places and not given["images"] and (folders := compat.pictured([*_several(data), *said.data], named)):
        given |= {"data": [], "images": folders}
    for sentence in said.sentences:
        terminal.say(sentence)
    here = None if resume is None else run_to_resume(resume, "evaluate")
    if here is not None:
        protocols = _same(here, named)
        given = {name: said or here.config().get(name, []) for name, said in given.items()}
    config = configured(protocols, given["run"], fields if here is None else {**_said(here), **fields}, given["encoder"], given["data"], given["images"])
    if here is not None:
        _refuse_other(here, config)
        if here.facts()["state"] == "done":
            terminal.say(f"{here.path} is done already.")
            return Evaluated(here.path)
    elif out is not None:
        refuse_taken(Path(out))
    _require(config, terminal)
    place = pick_device(config.device)
    keep_freed_memory()
    autocast = autocast_type(config.precision, place)
    first, fresh = here is None, out is None or not Path(out).exists()
    if here is None:
        name = "-".join(config.protocols) if len(config.protocols) <= _NAMED_PROTOCOLS else f"{len(config.protocols)}-protocols"
        here = Run.create("evaluate", name, config.model_dump(mode="json"), None if out is None else Path(out), device=str(place))
        keep_plugins(here, config.plugins)
    with kept_if_begun(here, lambda: not first or _begun(here), new=fresh), noted(here, True):
        began = time.perf_counter()
        cells = Cells(here.path)
        reproduced = [] if config.compat == "none" else compat.sentences(config.protocols)
        for sentence in reproduced:
            terminal.say(sentence)
        panel = opened(config, terminal) if config.encoder else None
        if panel is not None:
            refuse_unknown(config.subgroups, list(panel.tables.values()))
        how = (place, autocast, config.seed, config.batch_size, terminal, config.replicates, config.compat, config.features == "fp16", config.subgroups)
        modules = {name: registry.entry("protocols", name) for name in config.protocols}
        asked = Asked(config.run, here, cells, *how, panel, any(getattr(module, "READS_MAPS", False) for module in modules.values()))
        found, clock = {}, Clock(began)
        clock.stop("opening")
        for name, module in modules.items():
            found[name] = module.examine(module.Config.model_validate(config.fields[name]), asked)
            clock.stop(name)
        about = _models(found) if panel is None else beside.of(panel, asked, found)
        told = about.pop("warnings", [])
        clock.stop("controls and leakage")
        about = {"cost": clock.cost(place, asked.precision), **({} if panel is None else panel.facts()), **about}
        results = _write(here, found, about, [*reproduced, *told])
        write_tables(here.path, results)
        if config.compat == compat.WORD:
            compat.write_logs(here.path, results, config.fields)
            compat.write_tree(here.path, results)
        if panel is not None:  # not before: what was decoded on the way is known by now
            here.record(made_from=origin(panel.sets(), panel.given()))
        here.record(computed=cells.computed, seconds=time.perf_counter() - began)
        here.finish("done")
    from vesalius.report import build

    page = build([here.path])
    for sentence in told:
        terminal.say(sentence)
    for examined in found.values():
        for sentence in (*examined.warnings, *examined.verdict):
            terminal.say(sentence)
    for line in lines(results):
        terminal.say(line)
    terminal.say(f"The report: {page}")
    return Evaluated(here.path)


def fields_of(tokens: Sequence[str]) -> dict[str, Any]:
    """``--a.b 1 --c-d x,y`` as fields by name: numbers, words and lists as YAML has them."""
    found: dict[str, Any] = {}
    for name, text in words(spread(tokens)):
        value = yaml12.parse(text, f"--{name}")
        found[name] = [*found.get(name, []), value] if several(name) else value
    return found


def _require(config: EvaluateConfig, terminal: Terminal) -> None:
    """Ask each protocol for what has to be there before hours are spent."""
    for name in config.protocols:
        module = registry.entry("protocols", name)
        if require := getattr(module, "require", None):
            require(module.Config.model_validate(config.fields[name]), config, terminal)


def _models(found: Mapping[str, Examined]) -> dict[str, Any]:
    """``encoders`` of the results where none was opened: those whose pictures were looked at."""
    named = [row for examined in found.values() for row in examined.results.get("encoders", ())]
    return {"encoders": named} if named else {}


def _several(given: str | Path | Sequence[str | Path]) -> list[str]:
    return [str(given)] if isinstance(given, str | Path) else [str(one) for one in given]


def _said(run: Run) -> dict[str, Any]:
    """The fields of the evaluation ``run``, as they are given."""
    config = run.config()
    own = {key: config[key] for key in OWN if key in config} | {"plugins": plugins_of(run)}
    return own | {f"{name}.{field}": value for name, fields in config["fields"].items() for field, value in fields.items()}


def _begun(run: Run) -> bool:
    """Whether a cell or a picture is there already."""
    return any(place.is_file() for folder in run.path.iterdir() if folder.is_dir() and folder.name != "plugins" for place in folder.rglob("*"))


def _same(run: Run, named: Sequence[str]) -> list[str]:
    """The protocols of the evaluation ``run``, which need not be said again. Raises UserError where others are ``named``."""
    was = list(run.config()["protocols"])
    if (said := [name for name in named if name]) and sorted(said) != sorted(was):
        raise UserError(
            f"{run.path.name} evaluates by {','.join(was)}, not by {','.join(said)}. Leave the protocols out with --resume, or start a new evaluation."
        )
    return said or was


def _refuse_other(run: Run, config: EvaluateConfig) -> None:
    was, now = run.config(), config.model_dump(mode="json")
    if other := [key for key in now if was.get(key) != now[key] and key not in _ELSEWHERE]:
        raise UserError(
            f"--resume goes on with {run.path.name} exactly as it was started, but {', '.join(other)} would differ. Leave the change out, or "
            "start a new evaluation."
        )


def _write(run: Run, found: Mapping[str, Examined], about: Mapping[str, Any], reproduced: Sequence[str]) -> dict[str, Any]:
    """``results.json`` and ``results.csv``; what the first holds."""
    import pandas as pd

    buffer = io.StringIO()
    rows = [*(row for examined in found.values() for row in examined.rows), *({"table": "controls", **row} for row in about.get("controls", ()))]
    pd.DataFrame(rows).to_csv(buffer, index=False, float_format="%.9g")
    atomic_write(run.path / "results.csv", buffer.getvalue())
    results = {
        "kind": "evaluate",
        **about,
        "title": _title(found, about),
        "protocols": list(found),
        "verdict": [sentence for examined in found.values() for sentence in examined.verdict],
        "warnings": list(dict.fromkeys([*reproduced, *(text for examined in found.values() for text in examined.warnings)])),
        "absent": {key: why for examined in found.values() for key, why in examined.absent.items()},
        **{name.replace("-", "_"): examined.results for name, examined in found.items()},
    }
    run.write_json("results.json", results)
    return results


def _title(found: Mapping[str, Examined], about: Mapping[str, Any]) -> str:
    """``3 encoders on pneumoniamnist``; of fine-tuned runs the protocols."""
    encoders = sum(not one["baseline"] for one in about.get("encoders", ()))
    if not encoders:
        return " and ".join(name.capitalize() for name in found)
    names = list(dict.fromkeys(row["data"] for examined in found.values() for row in examined.results.get("cells", ())))
    return f"{encoders} encoder{'s' if encoders > 1 else ''} on {' and '.join(names) if len(names) <= _NAMED else f'{len(names)} data sets'}"


__all__ = ["Evaluated", "evaluate", "fields_of"]
