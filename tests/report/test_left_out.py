from __future__ import annotations

import json
from pathlib import Path

from vesalius.report.left_out import lines, reasons, section
from vesalius.report.reading import RunRecord


def run(folder: Path, rows: object) -> RunRecord:
    (folder / "left_out.json").write_text(json.dumps(rows))
    return RunRecord(folder)


def test_the_most_frequent_reason_stands_first_and_no_file_is_named(tmp_path: Path) -> None:
    rows = [{"id": "1", "reason": "damaged"}, *({"id": str(n), "reason": "truncated"} for n in range(2, 5)), {"id": "9"}]
    found = run(tmp_path, rows)
    assert lines(found) == ["3 images: truncated", "1 image: damaged", "1 image: no reason is known"]
    assert section([found]).present


def test_many_reasons_are_added_up(tmp_path: Path) -> None:
    found = run(tmp_path, [{"reason": f"reason {n}"} for n in range(30)])
    assert len(lines(found)) == 21
    assert lines(found)[-1] == "10 more, each for its own reason"


def test_a_run_without_the_file_or_with_rubbish_says_something(tmp_path: Path) -> None:
    assert section([RunRecord(tmp_path, results={"left_out": 3})]).reason.startswith("3 images were left out")
    assert not reasons(run(tmp_path, {"a": 1}))
    assert section([RunRecord(tmp_path)]).reason
