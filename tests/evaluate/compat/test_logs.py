from __future__ import annotations

from pathlib import Path

from vesalius.evaluate.compat.logs import own, write_logs

ROW = {"encoder": "simclr@run", "data": "bach", "metric": "accuracy", "value": 0.5, "low": 0.4, "high": 0.6}
RESULTS = {
    "encoders": [{"name": "simclr@run", "baseline": False}, {"name": "pixels", "baseline": True}],
    "few_shot": {"cells": [ROW, {**ROW, "encoder": "pixels"}]},
}


def test_baselines_are_not_among_what_the_original_evaluated() -> None:
    (row,) = own(RESULTS, "few-shot")
    assert (row["model"], row["key"]) == ("simclr", "bach")
    assert own(RESULTS, "linear") == []


def test_nothing_is_written_of_what_was_not_evaluated(tmp_path: Path) -> None:
    assert write_logs(tmp_path, {"encoders": []}, {}) == []
    assert list(tmp_path.iterdir()) == []
