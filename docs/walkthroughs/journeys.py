"""What a journey is, as its file says it: commands as typed, the codes they must leave with, what they must say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent
NAMES = ("images", "volumes", "encoders", "selection")
"""In the order of the page."""
_KEYS = ({"type", "code", "says"}, {"why", "changed", "alone"})


@dataclass(frozen=True)
class Typed:
    """One command. ``why``: what the stranger thought; ``changed``: what was changed in Vesalius because of it; ``alone``: no test runs it."""

    line: str
    code: int
    says: tuple[str, ...]
    why: str = ""
    changed: str = ""
    alone: bool = False

    def missing(self, code: int, printed: str) -> list[str]:
        """What was not as it must be: the code, and fragments that were not printed. Where a line breaks does not matter."""
        wrong = [] if code == self.code else [f"left with {code}, not {self.code}"]
        flat = " ".join(printed.split())
        return [*wrong, *(f"did not say '{part}'" for part in self.says if " ".join(part.split()) not in flat)]


@dataclass(frozen=True)
class Journey:
    """One walk. ``prepare``: the function of ``folders`` that makes the user's folder; ``given``: commands after which a test can try the wrong ones."""

    name: str
    title: str
    result: str
    prepare: str
    steps: tuple[Typed, ...]
    given: tuple[str, ...] = ()

    @property
    def wrong(self) -> list[Typed]:
        """What is refused: commands that leave with another code than 0."""
        return [step for step in self.steps if step.code != 0]

    @property
    def mended(self) -> int:
        """Stumbles because of which something was changed."""
        return sum(bool(step.changed) for step in self.steps)


def journey(name: str) -> Journey:
    """The journey ``name``. Raises ValueError where its file has a key too many or too few."""
    read: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    steps = [_typed(name, step) for step in read.pop("steps")]
    given = tuple(read.pop("given", ()))
    return Journey(name, steps=tuple(steps), given=given, **read)


def there() -> list[str]:
    """The journeys that have a file."""
    return [name for name in NAMES if (FOLDER / f"{name}.yaml").is_file()]


def _typed(name: str, step: dict[str, Any]) -> Typed:
    must, may = _KEYS
    if not must <= set(step) <= must | may:
        raise ValueError(f"docs/walkthroughs/{name}.yaml: a step has {sorted(step)}; it needs {sorted(must)} and may have {sorted(may)}.")
    says: Sequence[str] = [step["says"]] if isinstance(step["says"], str) else step["says"]
    rest = {key: step[key] for key in may & set(step)}
    return Typed(step["type"].strip(), step["code"], tuple(says), **rest)


def plain(text: str, here: Path) -> str:
    """``text`` without colours, redrawn lines and places of this machine; ``here`` is the folder that the commands were typed in."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1].rstrip() for line in text.split("\n"))
    for place in (here.resolve(), here):
        text = text.replace(f"{place}/", "").replace(str(place), ".")
    return text.replace(str(ROOT), "vesalius").replace(str(Path.home()), "~").strip("\n")
