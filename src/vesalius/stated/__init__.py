"""What the four systems' documents state, beside what runs of ours with their ``compat`` found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from vesalius import runs
from vesalius.data import source_names
from vesalius.terminal import answer, table

COMPAT: Mapping[str, str] = {"evaluate": "ssl-medicalimaging", "finetune": "monai-tutorial"}
"""What a run of a verb must have been told to be held against a document."""


@dataclass(frozen=True)
class Stated:
    """A number of ``document``: ``value`` ± ``tolerance`` of the measure ``look["metric"]``; ``command`` should give it, and ``why`` the default differs."""

    document: str
    of: str
    value: float
    tolerance: float
    command: str
    look: Mapping[str, Any]
    why: str


@dataclass(frozen=True)
class Found:
    """The same number in a run of ours."""

    value: float
    run: str


@cache
def stated() -> Sequence[Stated]:
    """Every number, document by document."""
    said: Mapping[str, Sequence[Mapping[str, Any]]] = yaml.safe_load((files(__package__) / "numbers.yaml").read_text())
    return [Stated(document, **row) for document, rows in said.items() for row in rows]


@dataclass(frozen=True)
class Ran:
    """A run that measured a document's way: its name, its verb, what it was told and what it found."""

    name: str
    verb: str
    config: Mapping[str, Any]
    results: Mapping[str, Any]


def measured() -> Iterator[Ran]:
    """The runs with the ``compat`` that their verb's document asks for, newest first, each read once."""
    for place, facts in runs.every():
        verb = str(facts.get("verb"))
        if verb in COMPAT and (config := _read_config(place)).get("compat") == COMPAT[verb]:
            yield Ran(place.name, verb, config, _read(place / "results.json"))


def found(number: Stated, among: Sequence[Ran]) -> Found | None:
    """``number`` in the first of the runs ``among`` that measured it; None where none did."""
    look = number.look
    for ran in among:
        if ran.verb == look["verb"]:
            value = _evaluated(look, ran.results) if ran.verb == "evaluate" else _segmented(look, ran.results, ran.config)
            if value is not None:
                return Found(value, ran.name)
    return None


def show() -> None:
    """A table on the terminal: stated and found side by side, and what to run for what was not found."""
    among = list(measured())
    rows, absent = [], []
    for number in stated():
        ours = found(number, among)
        shown = ["not run here", ""] if ours is None else [_shown(ours.value), "yes" if abs(ours.value - number.value) <= number.tolerance else "no"]
        rows.append([number.document, number.of, f"{_shown(number.value)} ± {_shown(number.tolerance)}", *shown, "" if ours is None else ours.run])
        absent += [] if ours is not None else [number.command]
    table("Stated and found", ["document", "of", "stated", "found", "within", "run"], rows)
    if absent:
        answer("\n".join(["What should give those that were not run here:", *absent]))


def _shown(value: float) -> str:
    return f"{value:.4g}"


def _evaluated(look: Mapping[str, Any], results: Mapping[str, Any]) -> float | None:
    rows = results.get(look["protocol"].replace("-", "_"), {}).get("cells", ())
    for row in rows:
        if row["encoder"].partition("@")[0] == look["encoder"] and source_names.meant(row["data"])[0] == look["data"] and row["metric"] == look["metric"]:
            return None if row["value"] is None else float(row["value"])
    return None


def _segmented(look: Mapping[str, Any], results: Mapping[str, Any], config: Mapping[str, Any]) -> float | None:
    labelled = results.get("data", {}).get("labelled", {})
    volumes = labelled.get("counts", {}).get("train", {}).get("images")
    encoder = config.get("encoder", {})
    pretrained = bool(encoder.get("weights")) and not encoder.get("scratch")
    if not str(labelled.get("name", "")).startswith("btcv") or volumes != look["volumes"] or pretrained != look["pretrained"]:
        return None
    value = results.get("segmentation", {}).get(look["metric"])
    return None if value is None else float(value)


def _read(file: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return read


def _read_config(place: Path) -> Mapping[str, Any]:
    try:
        return yaml.safe_load((place / "config.yaml").read_text()) or {}
    except (OSError, yaml.YAMLError):
        return {}
