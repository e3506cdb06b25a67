"""Reads a run directory: whatever of it is there, with the reason for what is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from vesalius.errors import UserError
from vesalius.report.values import mapping, records, text, texts
from vesalius.runs.references import without_paths

_MARKS = ("run.json", "results.json", "metrics.jsonl", "config.yaml", "encoder.json")


@dataclass(frozen=True)
class RunRecord:
    """One run directory as read. ``problems``: file name -> one sentence why it could not be used."""

    path: Path
    letter: str = ""
    """``A``, ``B``, ... on a page of several runs, empty on a page of one."""
    info: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    metrics: list[Mapping[str, Any]] = field(default_factory=list)
    config_text: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """The run's name, or the name of its folder."""
        return text(self.info.get("name")) or self.path.name

    @cached_property
    def title(self) -> str:
        """What the run is called on the page."""
        return text(self.results.get("title")) or self.name

    @cached_property
    def label(self) -> str:
        """The run's name in a legend: with its letter where there are several."""
        return f"{self.letter} · {self.name}" if self.letter else self.name

    @cached_property
    def samples(self) -> str:
        """What the network sees: images, or patches of volumes."""
        size = self.card.get("size")
        return "patches" if isinstance(size, list) and len(size) == 3 else "images"

    def block(self, name: str) -> Mapping[str, Any]:
        """The mapping ``name`` of the results, empty when absent."""
        return mapping(self.results.get(name))

    def rows(self, name: str) -> list[Mapping[str, Any]]:
        """The list of records ``name`` of the results, empty when absent."""
        return records(self.results.get(name))

    def reason(self, section: str, otherwise: str) -> str:
        """Why ``section`` is absent: what the run says, else what is wrong with its results, else ``otherwise``."""
        absent = mapping(self.results.get("absent"))
        for key in (section, section.replace("-", "_"), section.rpartition("-")[2]):
            if isinstance(said := absent.get(key), str) and said:
                return said
        if "results.json" in self.problems and not self.results:
            return self.problems["results.json"]
        return otherwise

    @cached_property
    def task(self) -> Mapping[str, Any]:
        """What is predicted: of the labelled images, or, in a run without any, of the results themselves."""
        data = self.block("data")
        return next((t for part in ("monitor", "labelled") if (t := mapping(mapping(data.get(part)).get("task")))), self.block("task"))

    @cached_property
    def warnings(self) -> list[str]:
        """Everything the run warns of, once each: its own warnings, its data's, and files that could not be read."""
        data = self.block("data")
        found = texts(self.results.get("warnings"))
        for part in ("train", "monitor", "labelled"):
            found += texts(mapping(data.get(part)).get("warnings"))
        found += [problem for file, problem in self.problems.items() if (self.path / file).exists()]
        return list(dict.fromkeys(line for line in found if line.strip()))


def read_run(path: Path | str, letter: str = "") -> RunRecord:
    """Read the run directory ``path``. Raises UserError when it is not a directory or holds nothing of a run."""
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a run directory. Give the folder that a verb wrote, for example with --out.")
    if not any((folder / mark).exists() for mark in _MARKS):
        raise UserError(
            f"{folder} holds nothing of a run: none of {', '.join(_MARKS)}. Give the folder that a verb wrote."
        )
    problems: dict[str, str] = {}
    written = _text(folder, "config.yaml", problems)
    config, config_text = without_paths(_yaml(written, problems), written)
    return RunRecord(
        path=folder,
        letter=letter,
        info=_json(folder, "run.json", problems),
        results=_json(folder, "results.json", problems),
        card=_json(folder, "encoder.json", problems),
        metrics=_lines(folder, "metrics.jsonl", problems),
        config_text=config_text,
        config=config,
        problems=problems,
    )


def read_json(folder: Path, name: str, problems: dict[str, str]) -> Mapping[str, Any]:
    """The JSON object in ``folder/name``, or an empty one and an entry in ``problems``."""
    return _json(folder, name, problems)


def _text(folder: Path, name: str, problems: dict[str, str]) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        problems[name] = f"The run has no {name}."
    except (OSError, UnicodeDecodeError) as error:
        problems[name] = f"{name} could not be read ({type(error).__name__})."
    return ""


def _json(folder: Path, name: str, problems: dict[str, str]) -> Mapping[str, Any]:
    content = _text(folder, name, problems)
    if name in problems:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        problems[name] = f"{name} is not valid JSON; it may have been cut when the run stopped."
        return {}
    if not isinstance(value, Mapping):
        problems[name] = f"{name} does not hold an object."
        return {}
    return value


def _lines(folder: Path, name: str, problems: dict[str, str]) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    lines = [line for line in _text(folder, name, problems).splitlines() if line.strip()]
    broken = 0
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, Mapping):
            rows.append(value)
        else:
            broken += 1
    if broken:
        problems[name] = f"{broken} of {len(lines)} lines of {name} could not be read and are not drawn."
    return rows


def _yaml(content: str, problems: dict[str, str]) -> Mapping[str, Any]:
    if not content:
        return {}
    try:
        value = yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError, ValueError):
        problems["config.yaml"] = "config.yaml is not valid YAML; it is shown as text and not compared."
        return {}
    return mapping(value)
