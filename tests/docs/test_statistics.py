"""docs/statistics.md: its command is understood, its names and numbers are the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from vesalius.cli import app
from vesalius.evaluate.config import configured
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.judged import controls, leaks, resampling, subgroups
from vesalius.evaluate.verb import fields_of
from vesalius.measures import belief
from vesalius.measures.every import NAMES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[str]:
    """The first cells of the section's tables."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")]


def test_every_measure_and_control_has_its_line() -> None:
    named = [name for cell in rows("Measures") for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(NAMES)
    listed = [name for cell in rows("Controls") for name in re.findall(r"`([\w ]+)`", cell)]
    assert set(controls.NOTES) == set(listed) - {"random init", "pixel PCA"}


def test_numbers_are_the_codes() -> None:
    for text, number in (
        (f"fewer than {resampling.RARE} subjects", 30),
        (f"fewer than {resampling.FEW}, percentiles", 50),
        (f"at most {resampling._MOST:,} subjects", 3000),
        (f"fewer than {folds.SMALL:,} labelled images", 1000),
        (f"fewer than {subgroups.LEAST} subjects", 20),
        (f"up to {leaks._MOST:,} images of at least {leaks._LEAST_SIDE} pixels", 64),
        (f"{belief.BINS} bins of equal width", 15),
        (f"at least {belief.LEAST:.1e}".replace("e-07", "e-7"), 0),
    ):
        assert text in PAGE, (text, number)
    assert folds.FOLDS == 5
    assert subgroups._AGES == (18, 40, 60, 80)


def test_the_command_is_understood() -> None:
    (block,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    program, *words = shlex.split(block)
    assert program == "vesalius"
    app.parse_args(words, exit_on_error=False, print_error=False)
    found = configured("linear,knn", (), fields_of(["--subgroups", "sex,view,age"]), ["runs/mine"], ["chexpert@/data/chexpert:five"])
    assert found.subgroups == ("sex", "view", "age")
