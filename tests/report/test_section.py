from __future__ import annotations

from pathlib import Path

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, by_run

RUN = RunRecord(Path("x"))


def test_a_section_is_absent_when_no_run_has_anything() -> None:
    found = by_run("dice", "Dice", [Block(RUN, reason="first"), Block(RUN, reason="second")])
    assert not found.present
    assert found.reason == "first"


def test_one_run_is_enough() -> None:
    found = by_run("dice", "Dice", [Block(RUN, reason="first"), Block(RUN, parts={"a": 1})], wide=True)
    assert found.present
    assert found.parts == {"wide": True}
    assert len(found.blocks) == 2
