"""The page on whether selection helps says what was measured and no more, and so do its proof steps; the page on the report runs as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from docs.proofs import issue_7
from docs.prove import Outcome

from docs import selection_numbers as numbers

ROOT = Path(__file__).resolve().parents[2]


def _row(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "difference": (low + high) / 2, "difference_low": low, "difference_high": high, "random": 0.8, "seeds": 20}


def _lines() -> list[dict[str, Any]]:
    way = {**_row(0.91, 0.01, 0.05), "least": 0.7, "greatest": 0.9, "balanced_accuracy": 0.8, "share_of_pneumonia": 0.5, "cover_radius": 0.3}
    ways = {"diversity": {**way, "random_cover_radius": 0.4}, "typicality": {**way, **_row(0.7, -0.2, -0.1), "random_cover_radius": 0.4}}
    lines: list[dict[str, Any]] = [
        {"name": f"selection on PneumoniaMNIST, {n} labels", "setting": "4,708 images", "labels": n, "ways": ways} for n in (50, 100, 200)
    ]
    counts = {"RBC": 500, "WBC": 61, "object cover radius": 0.2}
    random = {key: value for name in counts for key, value in ((name, 40.5), (f"{name}, least", 30), (f"{name}, greatest", 55))}
    common = {"setting": "364 images", "selected": 50}
    lines.append({"name": "selection on BCCD, counts", **common, "ways": {"object diversity": counts, "random": random}})
    probe = {"cells": 640, "accuracy": _row(0.98, -0.01, 0.02), "balanced_accuracy": _row(0.95, 0.01, 0.09)}
    tested = {"images": 72, "cells": 999}
    lines.append({"name": "selection on BCCD, cell types", **common, "pool": 292, "tested": tested, "probes": {"object diversity": probe}})
    keys = ("kNN balanced accuracy", "kNN, flipped labels balanced accuracy", "brightness", "blur", "rotation")
    model = {f"{key}{end}": 0.5 for key in keys for end in ("", ", low", ", high")}
    chosen = {"selected": 100, "ill among them": 7, **{f"roc_auc {key}": value for key, value in _row(0.9, -0.1, 0.1).items()}}
    for name in ("PneumoniaMNIST", "cells of BCCD"):
        lines.append({"name": f"embeddings of {name}", "setting": name, "models": dict.fromkeys("abcd", model), "heads": {"c": 0.6125}})
        lines.append({"name": f"selections from {name}", "setting": name, "models": dict.fromkeys("abcd", chosen)})
    return lines


def test_nothing_measured_is_said(tmp_path: Path) -> None:
    page = numbers.page(numbers.read(tmp_path))
    assert page.count("Not measured yet") == 3
    assert not re.search(r"0\.\d{3}", page)


def test_what_was_measured_stands_there_with_its_reading() -> None:
    page = numbers.page({line["name"]: line for line in _lines()})
    assert "Not measured" not in page
    assert "| diversity | 0.910 | +0.030 (+0.010 to +0.050): better |" in page
    assert "−0.150 (−0.200 to −0.100): worse" in page
    assert "| object diversity | 500 | 61 | 0.200 |" in page
    assert "40.5 (30 to 55)" in page
    assert "balanced accuracy of 0.613 (c)" in page or "0.612 (c)" in page


def test_proof_steps_read_the_same_lines() -> None:
    text = "\n".join(json.dumps(line) for line in _lines())

    def some(*starts: str) -> Outcome:
        return Outcome(0, "\n".join(line for line in text.splitlines() if json.loads(line)["name"].startswith(starts)), "", 1.0)

    made = [
        *issue_7.on_pneumonia(some("selection on Pneu")),
        *issue_7.on_cells(some("selection on BCCD")),
        *issue_7.the_claim(some("embeddings", "selections")),
    ]
    assert {line.verdict for line in made} == {"pass"}
    assert len(made) == 3 + 3 + 16
    assert issue_7.on_pneumonia(Outcome(0, "", "", 1.0))[-1].verdict == "FAIL"


def test_the_page_on_the_report_runs_and_shows_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "select-report.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, {})
    assert "Spread(cover_radius=" in capsys.readouterr().out
    for place in re.findall(r"\]\(([^)]+)\)", page):
        assert (ROOT / "docs" / place).is_file()
