"""``claims.yaml``: every claim of speed or memory, where it is stated, and the benchmark that holds it against its peer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
FILE = HERE / "claims.yaml"


@dataclass(frozen=True)
class Claim:
    """One line that a benchmark prints, and the sentence of ours that it measures; ``least`` of the ratio, ``most`` of our own figure."""

    line: str
    claim: str = ""
    stated: str = ""
    least: float | None = None
    most: float | None = None
    readme: str = ""

    def bar(self) -> str:
        """In words; empty where no bar was set."""
        return f"ratio at least {self.least:g}" if self.least is not None else f"ours at most {self.most:g}" if self.most is not None else ""

    def reached(self, line: dict[str, Any]) -> bool | None:
        """Whether ``line`` reaches the bar; None without one."""
        if self.least is not None:
            return bool(line["ratio"] >= self.least)
        return None if self.most is None else bool(line["ours"] <= self.most)


@dataclass(frozen=True)
class Benchmark:
    """A file of this folder: its peer's packages, what the peer is, and its words in the short form and in the whole."""

    name: str
    subject: str
    claims: tuple[Claim, ...] = ()
    peer: tuple[str, ...] = ()
    peer_is: str = ""
    short: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    needs: str = ""
    page: str = ""
    """Of an experiment that is not of speed: where it is written down. It is run only by name."""

    def words(self, full: bool) -> tuple[str, ...]:
        """What follows the module's name."""
        return self.full if full else self.short

    def whole(self, words: tuple[str, ...]) -> bool:
        """Whether ``words`` ask for all of it."""
        return words == self.full


@dataclass(frozen=True)
class Elsewhere:
    """A claim that a command of its own measures."""

    claim: str
    stated: str
    command: str


def benchmarks() -> dict[str, Benchmark]:
    """By name, in the order of the page; experiments last."""
    found = {}
    for part in _parts():
        for made in part.get("benchmarks", ()):
            claims = tuple(Claim(**claim) for claim in made["claims"])
            rest = {key: tuple(value) if isinstance(value, list) else value for key, value in made.items() if key != "claims"}
            found[made["name"]] = Benchmark(subject=part["subject"], claims=claims, **rest)
        for made in part.get("experiments", ()):
            found[made["name"]] = Benchmark(subject=part["subject"], **made)
    return found


def elsewhere() -> list[Elsewhere]:
    """What is measured by other commands."""
    return [Elsewhere(**one) for part in _parts() for one in part.get("elsewhere", ())]


@cache
def _parts() -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())
    return parts
