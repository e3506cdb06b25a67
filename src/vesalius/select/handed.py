"""What was written for another tool, and how it is opened there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Handed:
    """``files`` that were written; ``command``: a shell's command that opens them, or empty; ``notes``: sentences for the terminal, which may name files."""

    files: tuple[Path, ...]
    command: str = ""
    notes: tuple[str, ...] = ()
