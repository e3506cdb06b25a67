"""The configuration: the whole of one run, the differences of several."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run

_MOST_CHARACTERS = 200_000


def section(runs: Sequence[RunRecord]) -> Section:
    """The YAML of each run; before it, for several runs, a table of what differs."""
    compared = [run for run in runs if run.config]
    differing = differences(compared) if len(compared) > 1 else []
    return by_run(
        "config",
        "Configuration",
        [_block(run) for run in runs],
        compared=compared if len(compared) > 1 else [],
        differing=differing,
    )


def differences(runs: Sequence[RunRecord]) -> list[tuple[str, list[str]]]:
    """The dotted keys whose values differ between ``runs``, with each run's value; a dash where it has none."""
    flats = [dict(flatten(run.config)) for run in runs]
    keys = list(dict.fromkeys(key for flat in flats for key in flat))
    rows = [(key, [flat.get(key, "–") for flat in flats]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def flatten(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested mappings as (dotted key, text); lists of plain values are one text, lists of mappings are numbered."""
    if isinstance(value, Mapping) and value:
        return [row for key, one in value.items() for row in flatten(one, f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        return [row for place, one in enumerate(value) for row in flatten(one, f"{prefix}.{place}")]
    if isinstance(value, list | Mapping):
        return [(prefix, json.dumps(value, ensure_ascii=False, default=str))]
    return [
        (
            prefix,
            {None: "null", True: "true", False: "false"}[value]
            if value is None or isinstance(value, bool)
            else str(value),
        )
    ]


def _block(run: RunRecord) -> Block:
    if not run.config_text.strip():
        return Block(run, reason=run.reason("config", run.problems.get("config.yaml", "config.yaml is empty.")))
    content = run.config_text[:_MOST_CHARACTERS]
    cut = len(run.config_text) > _MOST_CHARACTERS
    return Block(run, parts={"lines": [_split(line) for line in content.splitlines()], "cut": cut})


def _split(line: str) -> tuple[str, str]:
    """A line of YAML as (key with its colon, rest); the key is empty where there is none."""
    key, colon, rest = line.partition(":")
    plain = colon and (not rest or rest[0] in " \t") and not key.lstrip().startswith(("#", '"', "'"))
    return (key + colon, rest) if plain else ("", line)
