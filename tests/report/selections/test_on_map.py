from __future__ import annotations

from pathlib import Path

from vesalius.report.reading import RunRecord
from vesalius.report.selections.on_map import section


def test_without_a_map_the_reason_is_that_of_the_examples() -> None:
    found = section([(RunRecord(Path("x")), "No pictures were kept.")], 1000)
    assert not found.present
    assert found.reason == "No pictures were kept."
