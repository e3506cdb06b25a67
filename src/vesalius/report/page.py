"""Builds the page: reads the runs, lets every section say what it has, and writes one self-contained file."""

from __future__ import annotations

import base64
import hashlib
import re
import string
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius.errors import UserError
from vesalius.files import atomic_write
from vesalius.report import (
    answers,
    calibration,
    checkpoints,
    compare,
    config,
    confusion,
    cost,
    curves,
    data,
    dice,
    efficiency,
    evaluations,
    label_volumes,
    left_out,
    mistakes,
    neighbours,
    operating,
    predicted,
    probes,
    reconstruction,
    repeated,
    robustness,
    roc,
    scores,
    segmentations,
    selections,
    use,
    verdict,
    views,
    warnings,
)
from vesalius.report import map as embedding_map
from vesalius.report.examples import read_examples
from vesalius.report.kinds import sections
from vesalius.report.reading import RunRecord, read_run
from vesalius.report.section import Section
from vesalius.report.selections import on_map, picked
from vesalius.report.values import mapping, text
from vesalius.report.wording import count

if TYPE_CHECKING:
    from jinja2 import Environment

LIMIT = 15_000_000
"""Bytes the page stays below."""
_OF_RUNS: Mapping[str, Callable[[Sequence[RunRecord]], Section]] = {
    "compare": compare.section,
    "verdict": verdict.section,
    "data": data.section,
    "answers": answers.section,
    "left-out": left_out.section,
    "curves": curves.section,
    "scores": scores.section,
    "dice": dice.section,
    "repeated": repeated.section,
    "confusion": confusion.section,
    "predicted": predicted.section,
    "roc": roc.section,
    "operating": operating.section,
    "probes": probes.section,
    "label-efficiency": efficiency.section,
    "calibration": calibration.section,
    "checkpoints": checkpoints.section,
    **evaluations.SECTIONS,
    **selections.SECTIONS,
    "cost": cost.section,
    "use": use.section,
    "config": config.section,
    "warnings": warnings.section,
}
_SCRIPTS = ("charts.js", "map.js")
_BUDGETS = (9_000_000, 4_500_000, 1_500_000, 250_000)  # of large pictures; small ones are bounded by their number


def build(runs: Sequence[Path | str], out: Path | None = None) -> Path:
    """Write the report of ``runs`` (run directories) as one HTML file that needs nothing else; returns its path.

    ``out`` is by default ``report.html`` in the run's directory, for several runs ``comparison.html`` in the first's.
    Every section is present, or says why it is absent. Raises UserError when there is no run to report.
    """
    if not runs:
        raise UserError("There is no run to report. Give the directory of one run or of several.")
    letters = string.ascii_uppercase if len(runs) > 1 else [""]
    if len(runs) > len(string.ascii_uppercase):
        raise UserError(f"A page holds at most {len(letters)} runs; {len(runs)} were given. Make several pages.")
    read = [read_run(path, letter) for path, letter in zip(runs, letters)]
    target = Path(out) if out is not None else read[0].path / ("report.html" if len(read) == 1 else "comparison.html")
    atomic_write(target, render(read))
    return target


def render(runs: Sequence[RunRecord]) -> str:
    """The page of ``runs``; large pictures are made smaller until it is below ``LIMIT`` bytes."""
    examples = [(run, read_examples(run)) for run in runs]
    large = [(run, read_examples(run, "selected")) for run in runs]
    environment = _environment()
    page = ""
    for budget in _BUDGETS:
        makers: Mapping[str, Callable[[], Section]] = {
            "views": partial(views.section, runs, budget // 3),
            "reconstruction": partial(reconstruction.section, runs, budget // 3),
            "label-volumes": partial(label_volumes.section, runs, budget // 3),
            "robustness": partial(robustness.section, runs, budget // 3),
            "segmentations": partial(segmentations.section, runs, budget // 2),
            "neighbours": partial(neighbours.section, examples),
            "map": partial(embedding_map.section, examples, budget),
            "mistakes": partial(mistakes.section, examples),
            "picked": partial(picked.section, large, budget // 2),
            "odd": partial(picked.odd, large, budget // 4),
            "selection-map": partial(on_map.section, examples, budget // 2),
            **{name: partial(evaluations.SECTIONS[name], runs, budget // 3) for name in evaluations.PICTURED},
        }
        made = [makers[name]() if name in makers else _OF_RUNS[name](runs) for name in sections(runs)]
        page = environment.get_template("page.html.j2").render(**_context(runs, made))
        if len(page.encode()) < LIMIT:
            break
    return page


def _context(runs: Sequence[RunRecord], sections: Sequence[Section]) -> Mapping[str, Any]:
    single = len(runs) == 1
    return {
        "runs": runs,
        "single": single,
        "title": runs[0].title if single else f"{len(runs)} runs side by side",
        "facts": [_facts(run) for run in runs],
        "sections": sections,
        "css": _source("page.css"),
        "js": (script := "".join(_source(name) for name in _SCRIPTS)),
        "js_hash": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _facts(run: RunRecord) -> list[str]:
    """The line below the title: what ran, when, on what."""
    versions = mapping(run.info.get("versions"))
    kind = text(run.info.get("verb")) or text(run.results.get("kind"))
    state = text(run.info.get("state"))
    started = text(run.info.get("started"))
    vesalius = text(versions.get("vesalius"))
    facts = [
        kind,
        run.name if run.name != run.title else "",
        _day(started),
        text(run.block("cost").get("device")) or text(run.info.get("device")),
        f"Vesalius {vesalius}" if vesalius else "",
        f"commit {text(run.info.get('git'))[:10]}" if text(run.info.get("git")) else "",
        f"run {text(run.info.get('id'))}" if text(run.info.get("id")) else "",
        f"state: {state}" if state and state != "done" else "",
    ]
    return [fact for fact in facts if fact]


def _day(moment: str) -> str:
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return moment[:40]
    return f"{when.day} {when:%B %Y, %H:%M}"


@cache
def _environment() -> Environment:
    """Made once for a process, since templates take longer to compile than a page takes to fill."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup, escape

    def script(value: str) -> Markup:
        """JSON that cannot end its script element."""
        safe = value.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        return Markup(safe.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704

    def code(value: str) -> Markup:
        """Text in which `a command` is set as code; everything else is escaped."""
        return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(value))))  # noqa: S704

    environment = Environment(
        loader=FunctionLoader(_source), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["script"] = script
    environment.filters["code"] = code
    environment.filters["count_"] = count
    environment.filters["widest"] = lambda said: max(said, key=len, default="")
    return environment


def _source(name: str) -> str:
    return resources.files("vesalius.report").joinpath(*name.split("/")).read_text(encoding="utf-8")
