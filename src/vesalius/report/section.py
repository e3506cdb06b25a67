"""A section of the page: present with its parts, or absent with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vesalius.report.reading import RunRecord


@dataclass(frozen=True)
class Block:
    """One run's part of a section: ``parts`` for the template, or the ``reason`` it has none."""

    run: RunRecord
    parts: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Section:
    """``id`` is the anchor on the page and the name of the template; ``reason`` is set when the section is absent."""

    id: str
    title: str
    parts: Mapping[str, Any] = field(default_factory=dict)
    blocks: Sequence[Block] = ()
    reason: str = ""

    @property
    def present(self) -> bool:
        """Whether there is anything to show."""
        return not self.reason


def by_run(id_: str, title: str, blocks: Sequence[Block], **parts: Any) -> Section:
    """A section of one block for each run; absent when no run has anything, with the reason of the first."""
    if all(block.reason for block in blocks):
        return Section(id_, title, reason=blocks[0].reason)
    return Section(id_, title, parts=parts, blocks=blocks)
