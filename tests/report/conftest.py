"""Small fake runs, each written once for the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.report import fake_finetune, fake_run


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Variant -> its run directory, small enough to build a page from in a second. Read only: copy before changing."""
    base, made = tmp_path_factory.mktemp("fake-runs"), dict[str, Path]()

    def write(variant: str) -> Path:
        if variant not in made:
            run = fake_run.VARIANTS[variant]()
            run.items, run.steps, run.test = 150, 360, 600
            made[variant] = run.write(base / variant)
        return made[variant]

    return write


@pytest.fixture(scope="session")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Variant -> its fine-tuned run or prediction. Read only: copy before changing."""
    base, made = tmp_path_factory.mktemp("tuned-runs"), dict[str, Path]()

    def write(variant: str) -> Path:
        if variant not in made:
            made[variant] = fake_finetune.VARIANTS[variant]().write(base / variant)
        return made[variant]

    return write


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three runs on the same test set, the third clearly worse."""
    base = tmp_path_factory.mktemp("three-runs")
    found = []
    for n, (name, accuracy, temperature) in enumerate(
        [("first", 0.86, 0.2), ("second", 0.86, 0.5), ("third", 0.7, 0.1)]
    ):
        run = fake_run.full(name=name, accuracy=accuracy, seed=n, items=150, steps=360, test=600)
        run.config = {"method.temperature": temperature}
        found.append(run.write(base / name))
    return found
