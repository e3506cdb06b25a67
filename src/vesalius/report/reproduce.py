"""How to get the same numbers again: the command, the seed, the weights that were examined and the licences they come with."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text, texts
from vesalius.report.wording import count
from vesalius.runs.references import HIDDEN

_FIELDS = ("labels", "subject", "seed", "replicates", "compat", "precision")
_MEANT = {"compat": "none", "precision": "fp32", "replicates": 2000, "seed": 1}
"""What goes without saying."""


def section(runs: Sequence[RunRecord]) -> Section:
    """A command and a table of encoders for each run."""
    return by_run("reproduce", "Do it again", [_block(run) for run in runs])


def command(run: RunRecord) -> str:
    """The evaluation as it is asked for in a shell; folders of data are left out of it (they stand in ``config.yaml``)."""
    words = ["vesalius", "evaluate", ",".join(texts(run.config.get("protocols")) or texts(run.results.get("protocols")))]
    for key in ("encoder", "data"):
        for one in texts(run.config.get(key)):
            words += [f"--{key}", "DATA" if one == HIDDEN else one]
    for key in _FIELDS:
        value = run.config.get(key)
        if value not in (None, [], "") and value != _MEANT.get(key):
            words += [f"--{key}", ",".join(texts(value)) if isinstance(value, list) else str(value)]
    return shlex.join(words)


def _block(run: RunRecord) -> Block:
    encoders = records(run.results.get("encoders"))
    if not run.config and not encoders:
        return Block(run, reason=run.reason("reproduce", run.problems.get("config.yaml", "The run kept no configuration.")))
    versions = mapping(run.info.get("versions"))
    facts = [
        ("Seed", text(run.config.get("seed"))),
        ("Replicates", count(number(run.config.get("replicates"))) if number(run.config.get("replicates")) else ""),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items() if text(version))),
        ("Files", "results.json, results.csv, tables/*.csv, tables/*.tex; every cell below the name of its protocol"),
    ]
    return Block(
        run,
        parts={
            "command": command(run),
            "facts": [(name, value) for name, value in facts if value],
            "heads": ["Encoder", "Architecture", "Trained on", "At", "Dimensions", "Licence", "Weights"],
            "rows": [_row(one) for one in encoders],
            "notes": list(dict.fromkeys(f"{text(one.get('name'))}: {note}" for one in encoders for note in texts(one.get("notes")))),
        },
    )


def _row(one: Mapping[str, Any]) -> list[str]:
    raw = one.get("size")
    sides = [count(v) for v in map(number, raw) if v is not None] if isinstance(raw, list) else []
    return [
        text(one.get("name")),
        text(one.get("architecture")) or "–",
        text(one.get("trained_on")) or "–",
        f"{' × '.join(sides)} px" if sides else "–",
        count(number(one.get("dim"))),
        text(one.get("licence")) or "–",
        text(one.get("weights"))[:8] or "–",
    ]
