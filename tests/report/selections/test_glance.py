from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vesalius.report.reading import RunRecord
from vesalius.report.selections.glance import parts

QUALITY = {"cover_radius": {"selection": 0.8, "random": {"mean": 1.0, "least": 0.9, "greatest": 1.1}}}
RESULTS: dict[str, Any] = {"kind": "select", "n": 40, "pool": 1200, "quality": QUALITY}


def test_a_selection_is_summed_up_beside_random_ones() -> None:
    found = parts(RunRecord(Path("x"), results=RESULTS))
    first, second = found["numbers"]
    assert (first["value"], first["more"]) == ("40", "of 1\u202f200 images")
    assert second["name"] == "cover radius"
    assert second["more"].endswith("against random")
    assert "20" in second["more"]
    assert found["state"]


@pytest.mark.parametrize("results", [{}, {"kind": "pretrain", "n": 3}, {"kind": "select", "n": None}])
def test_another_run_has_nothing_to_sum_up(results: dict[str, Any]) -> None:
    assert parts(RunRecord(Path("x"), results=results)) == {}
