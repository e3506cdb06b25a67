"""The runs inside a run that was repeated with several seeds."""

from __future__ import annotations

from dataclasses import replace

from vesalius.errors import UserError
from vesalius.report.reading import RunRecord, read_run
from vesalius.report.values import mapping, number, texts

_MOST = 26


def repetitions(run: RunRecord) -> list[RunRecord]:
    """The runs of each seed that can be read, under their numbers."""
    found = []
    for name in texts(mapping(run.results.get("repeated")).get("runs"))[:_MOST]:
        try:
            one = read_run(run.path / name, name)
        except UserError:
            continue
        found.append(replace(one, letter="", info={**one.info, "name": name.replace("-", " ")}))
    if found:
        return found
    seeds = run.results.get("seeds")
    for raw in (seeds if isinstance(seeds, list) else [])[:_MOST]:
        seed = number(raw)
        if seed is None:
            continue
        try:
            one = read_run(run.path / f"seed-{int(seed)}", str(int(seed)))
        except UserError:
            continue
        found.append(replace(one, info={**one.info, "name": f"seed {int(seed)}"}))
    return found
