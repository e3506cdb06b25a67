"""Every section of the page: without anything to show it says why, and rubbish in a run's files never breaks the page."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.report import fake_evaluation
from tests.report.fake_results import results
from tests.report.fake_run import Fake
from vesalius.report import (
    answers,
    chosen,
    confusion,
    correlations,
    dice,
    evaluated,
    label_volumes,
    leakage,
    left_out,
    operating,
    predicted,
    ranks,
    repeated,
    roc,
    scores,
    segmentations,
    subgroups,
    temperature,
)
from vesalius.report.looking import multiview
from vesalius.report.reading import RunRecord
from vesalius.report.selections import covering, makeup, rounds, stages, tested, unused

OF_RUNS: tuple[ModuleType, ...] = (
    answers, chosen, confusion, correlations, dice, evaluated, leakage, left_out, operating, predicted, ranks, repeated, roc, scores, subgroups, temperature,
    multiview, covering, makeup, rounds, stages, tested, unused,
)  # fmt: skip
WITH_PICTURES: tuple[ModuleType, ...] = (label_volumes, segmentations)
RUBBISH: tuple[Any, ...] = ("x", None, -1, {}, [], [None], float("nan"))


def section(module: ModuleType, run: RunRecord) -> Any:
    return module.section([run], 1 << 20) if module in WITH_PICTURES else module.section([run])


def spoilt(value: Any, rubbish: Any) -> Any:
    """``value`` with every number and word replaced."""
    if isinstance(value, dict):
        return {key: spoilt(one, rubbish) for key, one in value.items()}
    return [spoilt(one, rubbish) for one in value] if isinstance(value, list | tuple) else rubbish


@pytest.fixture(scope="module")
def found() -> list[dict[str, Any]]:
    return [results(Fake()), fake_evaluation.results(protocols=("few-shot", "linear"))]


@pytest.mark.parametrize("module", [*OF_RUNS, *WITH_PICTURES], ids=lambda module: module.__name__.removeprefix("vesalius.report."))
def test_nothing_to_show_has_a_reason(module: ModuleType, tmp_path: Path) -> None:
    shown = section(module, RunRecord(tmp_path))
    assert not shown.present
    assert len(shown.reason) > 10


@pytest.mark.parametrize("rubbish", RUBBISH, ids=repr)
@pytest.mark.parametrize("module", [*OF_RUNS, *WITH_PICTURES], ids=lambda module: module.__name__.removeprefix("vesalius.report."))
def test_rubbish_breaks_nothing(module: ModuleType, rubbish: Any, found: list[dict[str, Any]], tmp_path: Path) -> None:
    for one in found:
        section(module, RunRecord(tmp_path, results=spoilt(one, rubbish)))
        section(module, RunRecord(tmp_path, results=dict.fromkeys(one, rubbish)))
