from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from vesalius.report import compare
from vesalius.report.probes import Difference
from vesalius.report.reading import RunRecord
from vesalius.report.stored import read_predictions

LABELS = np.random.default_rng(5).integers(0, 3, 400)


def _run(
    folder: Path, letter: str, wrong: np.ndarray, *, subjects: list[str] | None = None, write: bool = True
) -> RunRecord:
    """A run whose predictions are right but where ``wrong``; its stored value is the one they have."""
    folder.mkdir()
    guess = np.where(wrong, (LABELS + 1) % 3, LABELS)
    probabilities = np.full((len(LABELS), 3), 0.1)
    probabilities[np.arange(len(LABELS)), guess] = 0.8
    order = np.random.default_rng(ord(letter)).permutation(len(LABELS))  # the files need not agree in order
    table: dict[str, Any] = {"id": [f"{n:04x}" for n in order], "label": LABELS[order].astype(float)}
    table |= {f"prob_{c}": probabilities[order, c] for c in range(3)}
    if subjects:
        table["subject"] = [subjects[n] for n in order]
    if write:
        parquet.write_table(pa.table(table), folder / "predictions.parquet")
    value = float((~wrong).mean())
    half = 1.96 * math.sqrt(value * (1 - value) / len(LABELS))
    row = {
        "encoder": "pretrained",
        "probe": "linear",
        "metric": "accuracy",
        "value": value,
        "low": value - half,
        "high": value + half,
    }
    results = {"probes": [row], "data": {"monitor": {"task": {"kind": "classes"}}}}
    return RunRecord(path=folder, letter=letter, results=results)


def _wrong(seed: int, share: float) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=len(LABELS)) < share


def _only(runs: list[RunRecord]) -> tuple[Difference, ...]:
    read = {run.letter: read_predictions(run) for run in runs}
    return tuple(compare._pair(runs[0], runs[1], read))


def test_paired_intervals_are_those_of_a_slow_bootstrap(tmp_path: Path) -> None:
    first, second = _wrong(1, 0.2), _wrong(1, 0.2) | _wrong(2, 0.05)
    runs = [_run(tmp_path / "a", "A", first), _run(tmp_path / "b", "B", second)]
    (found,) = _only(runs)
    assert found.how == "paired"
    gaps = second.astype(float) - first
    assert found.value == pytest.approx(gaps.mean())
    slow = np.random.default_rng(0)
    means = [gaps[slow.integers(0, len(gaps), len(gaps))].mean() for _ in range(4000)]
    low, high = np.quantile(means, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.004)
    assert found.high == pytest.approx(high, abs=0.004)
    assert found.verdict == "better"


def test_subjects_are_drawn_whole(tmp_path: Path) -> None:
    """Forty subjects of ten equal images carry the information of forty images: the interval is about √10 as wide."""
    by_subject = np.repeat(_wrong(3, 0.3)[:40], 10)
    subjects = [f"s{n // 10}" for n in range(400)]
    none = np.zeros(400, bool)
    apart = _only([_run(tmp_path / "a", "A", none), _run(tmp_path / "b", "B", by_subject)])[0]
    whole = _only(
        [_run(tmp_path / "c", "C", none, subjects=subjects), _run(tmp_path / "d", "D", by_subject, subjects=subjects)]
    )[0]
    assert (whole.high - whole.low) / (apart.high - apart.low) == pytest.approx(math.sqrt(10), rel=0.2)  # type: ignore[operator]


def test_without_predictions_the_difference_is_called_unpaired_and_is_wider(tmp_path: Path) -> None:
    first, second = _wrong(1, 0.2), _wrong(1, 0.2) | _wrong(2, 0.05)
    paired = _only([_run(tmp_path / "a", "A", first), _run(tmp_path / "b", "B", second)])[0]
    unpaired = _only([_run(tmp_path / "c", "C", first), _run(tmp_path / "d", "D", second, write=False)])[0]
    assert unpaired.how == "unpaired"
    assert unpaired.value == paired.value
    assert unpaired.high - unpaired.low > 1.5 * (paired.high - paired.low)  # type: ignore[operator]


def test_predictions_of_another_probe_are_not_used(tmp_path: Path) -> None:
    run = _run(tmp_path / "a", "A", _wrong(1, 0.2))
    run.results["probes"][0]["value"] = 0.5  # not what the file says
    (found,) = _only([run, _run(tmp_path / "b", "B", _wrong(2, 0.2))])
    assert found.how == "unpaired"


def test_independent_intervals_of_equal_halves_add_in_quadrature() -> None:
    low, high = compare.independent_interval((0.8, 0.77, 0.83), (0.7, 0.66, 0.74))
    assert (low, high) == pytest.approx((0.05, 0.15))


def test_broken_predictions_are_no_predictions(tmp_path: Path) -> None:
    run = _run(tmp_path / "a", "A", _wrong(1, 0.2))
    (tmp_path / "a" / "predictions.parquet").write_bytes(b"PAR1 not really")
    assert read_predictions(run) is None
    parquet.write_table(pa.table({"id": ["a"], "label": [1.0]}), tmp_path / "a" / "predictions.parquet")
    assert read_predictions(run) is None


def test_runs_without_a_common_measure_are_not_compared(tmp_path: Path) -> None:
    runs = [_run(tmp_path / "a", "A", _wrong(1, 0.2)), _run(tmp_path / "b", "B", _wrong(1, 0.2))]
    runs[1].results["probes"][0]["metric"] = "roc_auc"
    found = compare.section(runs)
    assert not found.present
    assert "nothing to compare" in found.reason


def test_the_sentence_names_the_better_run(tmp_path: Path) -> None:
    runs = [_run(tmp_path / "a", "A", _wrong(1, 0.4)), _run(tmp_path / "b", "B", _wrong(2, 0.1))]
    assert "B stands +" in compare.section(runs).parts["sentence"]
    same = [_run(tmp_path / "c", "C", _wrong(1, 0.2)), _run(tmp_path / "d", "D", _wrong(1, 0.2))]
    assert "No pair of runs is told apart" in compare.section(same).parts["sentence"]
