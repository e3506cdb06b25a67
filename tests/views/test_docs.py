"""The table of docs/views.md is true: every operation has a row, and no difference is larger than it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.views.differences import measured
from vesalius import views
from vesalius.views.recipe import known

PAGE = Path(__file__).parents[2] / "docs" / "views.md"


def rows(columns: int = 6) -> dict[str, list[str]]:
    """The rows of tables of so many columns: 6 for operations on images, 4 for those on volumes alone."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells if len(row) == columns}


def test_every_operation_parameter_and_recipe_is_on_the_page():
    for name, kind in known().items():
        table = rows(6 if 2 in kind.dims else 4)
        own = [cells for row, cells in table.items() if row.split(",")[0] == name]
        assert own, name
        for parameter in kind.parameters():
            assert any(f"`{parameter}`" in cells[0] for cells in own), f"{name}: {parameter}"
    for recipe in views.names():
        assert f"| `{recipe}` |" in PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def differences() -> dict[str, tuple[float, float]]:
    return measured()


def test_differences_are_no_larger_than_the_page_says(differences):
    table = rows()
    assert differences.keys() == table.keys()
    for row, (largest, mean) in differences.items():
        _, state, most, average, _ = table[row]
        assert largest <= float(most), row
        assert mean <= float(average), row
        assert (state == "equal") == (float(most) <= 1.001), row
