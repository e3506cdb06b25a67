"""How to get the same numbers again: the command, the seed, the weights that were examined and the licences they come with."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius import registry
from vesalius.errors import VesaliusError
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text, texts
from vesalius.report.wording import count
from vesalius.runs.references import HIDDEN

MEANT: Mapping[str, Any] = {
    "labels": None, "subject": None, "uncertain": None, "filter": None, "seed": 1, "replicates": 2000, "compat": "none", "precision": "fp32",
    "batch_size": 256, "features": "fp32", "image_size": [], "max_images": None, "n_images": 4, "subgroups": [], "max_bad_share": 0.05,
    "allow_leakage": False,
}  # fmt: skip
"""Fields of an evaluation, and what goes without saying."""
SPLIT: Mapping[str, Any] = {"val": 0.2, "test": 0.2, "by": "auto", "seed": 0}


def section(runs: Sequence[RunRecord]) -> Section:
    """A command and a table of encoders for each run."""
    return by_run("reproduce", "Do it again", [_block(run) for run in runs])


def command(run: RunRecord) -> str:
    """The evaluation as it is asked for in a shell; folders of data and images are left out of it (they stand in ``config.yaml``)."""
    words = ["vesalius", "evaluate", ",".join(texts(run.config.get("protocols")) or texts(run.results.get("protocols")))]
    for key in ("encoder", "data"):
        for one in texts(run.config.get(key)):
            words += [f"--{key}", "DATA" if one == HIDDEN else one]
    words += ["--images", "IMAGES"] if texts(run.config.get("images")) else []
    words += _said("", run.config, MEANT)
    words += _said("split.", mapping(run.config.get("split")), SPLIT)
    for protocol, fields in mapping(run.config.get("fields")).items():
        words += _said(f"{protocol}.", mapping(fields), dict[str, Any].fromkeys(mapping(fields)) | _defaults(protocol))
    return shlex.join(words)


def _said(prefix: str, given: Mapping[str, Any], meant: Mapping[str, Any]) -> list[str]:
    """``--PREFIXFIELD VALUE`` of each field of ``meant`` that says something else in ``given``."""
    words: list[str] = []
    for key, value in meant.items():
        if key in given and given[key] not in (None, [], "") and given[key] != value:
            words += [f"--{prefix}{key}", _word(key, given[key])]
    return words


def _word(key: str, value: Any) -> str:
    """A value as the command line takes it; a file of the user's by what it is for."""
    if HIDDEN in (value if isinstance(value, list) else [value]):
        return key.upper()
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ",".join(str(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value)


def _defaults(protocol: str) -> dict[str, Any]:
    """What the fields of a protocol are when nothing is said; nothing is known of one that is not installed here."""
    try:
        found: dict[str, Any] = registry.entry("protocols", protocol).Config().model_dump(mode="json")
    except VesaliusError:
        return {}
    return found


def _block(run: RunRecord) -> Block:
    encoders = records(run.results.get("encoders"))
    if not run.config and not encoders:
        return Block(run, reason=run.reason("reproduce", run.problems.get("config.yaml", "The run kept no configuration.")))
    versions = mapping(run.info.get("versions"))
    facts = [
        ("Seed", text(run.config.get("seed"))),
        ("Replicates", count(number(run.config.get("replicates"))) if number(run.config.get("replicates")) else ""),
        ("To the bit", f"vesalius runs repeat {text(run.info.get('id'))}" if text(run.info.get("id")) else ""),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items() if text(version))),
        ("Files", "results.json, results.csv, tables/*.csv, tables/*.tex; every cell below the name of its protocol"),
    ]
    return Block(
        run,
        parts={
            "command": command(run),
            "facts": [(name, value) for name, value in facts if value],
            "heads": ["Encoder", "Architecture", "Trained on", "At", "Dimensions", "Licence", "Weights"],
            "rows": [_row(one) for one in encoders if text(one.get("architecture"))],
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
