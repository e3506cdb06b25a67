"""What a tracker is, and the numbers, words and files of a run directory as trackers take them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from vesalius.runs.references import without_paths
from vesalius.runs.run import Run

MANIFEST = "sha256.json"
"""Written last into a folder that was sent: its files by name with their SHA-256. Without it the folder is not whole."""
MODEL = ("encoder", "projector", "classifier")
"""Files of a run that make its model: each as ``.safetensors`` and ``.json``."""
_NAME = re.compile(r"[^\w\-. :/]")
_STEP = "step-"


class Point(NamedTuple):
    """One number of one metric at one step; ``seconds``: of the clock."""

    key: str
    value: float
    step: int
    seconds: float


class Tracker(Protocol):
    """One place a run is written to. A call that raises is warned of and made again later: each may be repeated.

    ``checkpoints``: whether what another machine needs to go on is sent never, at the end, or at every checkpoint.
    """

    checkpoints: Literal["never", "end", "every"]
    report: bool

    def begin(self, config: Mapping[str, str]) -> Mapping[str, Any]:
        """Start or go on there; ``config``: the resolved configuration, flat. Returns what ``run.json`` keeps of it."""

    def last_steps(self) -> Mapping[str, int]:
        """The last step of each metric that is there already."""

    def points(self, points: Sequence[Point]) -> None:
        """Write numbers, in order of their steps."""

    def notice(self, step: int, text: str) -> None:
        """Write a sentence."""

    def file(self, source: Path, place: str) -> None:
        """Put a file under ``place``, in place of what stands there."""

    def forget(self, place: str, keep: str) -> None:
        """Delete the folders in ``place`` but ``keep``, where that is possible."""

    def end(self, state: str) -> None:
        """The run ended in ``state`` (see ``runs.run.STATES``)."""


def points_of(rows: Iterable[Mapping[str, Any]], seconds: float) -> Iterator[Point]:
    """The numbers of rows of ``metrics.jsonl``; what is null there is left out."""
    for row in rows:
        for key, value in row.items():
            if key not in ("step", "kind") and isinstance(value, int | float) and not isinstance(value, bool):
                yield Point(_NAME.sub("_", key), float(value), int(row.get("step", 0)), seconds)


def results_of(run: Run, step: int, seconds: float) -> Iterator[Point]:
    """The numbers of ``results.json`` that a run is judged by, as metrics ``results/...`` at its last step."""
    file = run.path / "results.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    parts = {"probes": ("encoder", "probe", "metric"), "scores": ("model", "split", "metric")}
    for block, words in parts.items():
        for row in found.get(block) or ():
            value = row.get("value") if isinstance(row, Mapping) else None
            if isinstance(value, int | float) and math.isfinite(value):
                name = "/".join(str(row[word]) for word in words if row.get(word) is not None)
                yield Point(_NAME.sub("_", f"results/{name}"), float(value), step, seconds)


def flat(value: Any, prefix: str = "") -> dict[str, str]:
    """Nested mappings and lists as dotted names and text; entries of a list with names go by them."""
    if isinstance(value, Mapping) and value:
        return {k: v for key, one in value.items() for k, v in flat(one, f"{prefix}.{key}" if prefix else str(key)).items()}
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "name" in one for one in value):
        names = [str(one["name"]) for one in value]
        keys = [n if names.count(n) == 1 else f"{n}.{i}" for i, n in enumerate(names)]
        return {k: v for key, one in zip(keys, value, strict=True) for k, v in flat(one, f"{prefix}.{key}").items()}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return {_NAME.sub("_", prefix): text or "''"}


def shown_config(run: Run) -> tuple[Mapping[str, Any], str]:
    """The resolved configuration and its YAML, without the places of the user's data."""
    return without_paths(run.config(), (run.path / "config.yaml").read_text(encoding="utf-8"))


def model_files(run: Run) -> dict[str, Path]:
    """The encoder with its card, and what stands on it, by name."""
    names = [f"{part}.{suffix}" for part in MODEL for suffix in ("safetensors", "json")]
    return {name: run.path / name for name in names if (run.path / name).is_file()}


def newest_step(run: Run) -> str | None:
    """The name of the newest checkpoint, such as ``step-00000120``."""
    folder = run.path / "checkpoints"
    names = sorted(p.name for p in folder.glob(f"{_STEP}*") if (p / "state.json").is_file())
    return names[-1] if names else None


def needed_to_go_on(run: Run, step: str) -> dict[str, Path]:
    """The files with which another machine goes on from checkpoint ``step``, but for the configuration."""
    places = [run.path / name for name in ("run.json", "metrics.jsonl", "left_out.json", "views.png")]
    places += sorted((run.path / "plugins").glob("*"))
    for folder in (run.path / "checkpoints" / step, *sorted((run.path / "checkpoints").glob("best-*"))):
        places += sorted(folder.iterdir())
    return {place.relative_to(run.path).as_posix(): place for place in places if place.is_file()}
