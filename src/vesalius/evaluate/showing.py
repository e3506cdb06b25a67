"""What an evaluation shows where it was asked for: a table on the terminal, one in a notebook, one as a data frame."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from vesalius.report.grid import Cell, Grid, grid, protocols
from vesalius.report.wording import interval, score, title

if TYPE_CHECKING:
    import pandas as pd

_WITH_INTERVALS = 3
"""Data sets whose intervals fit beside each other on a terminal."""


def lines(results: Mapping[str, Any]) -> list[str]:
    """A table for each protocol of ``results`` (``results.json``): encoders by data sets, the best with ``*``, what ties with it with ``=``."""
    each = [found for name in protocols(results) if (found := grid(results, name)).cells]
    cells = [cell for found in each for cell in found.cells.values()]
    tied = ", = not told apart from it by the paired test" if _tested(results) else ""
    best = f"* the best encoder{tied}" if any(cell.best for cell in cells) else ""
    below = "; ".join(filter(None, [best, "95 % intervals" if any(cell.low is not None for cell in cells) else ""]))
    return [*(line for found in each for line in _table(found)), *([below] if below else [])]


def html(results: Mapping[str, Any]) -> str:
    """The same for a notebook."""
    made = []
    for name in protocols(results):
        found = grid(results, name)
        heads = "".join(f"<th>{escape(data)}<br><small>{escape(title(found.metric[data]))}</small></th>" for data in found.data)
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(one)}</th>"
            + "".join(f"<td>{_cell_html(found.cells.get((one, data)), found.metric[data])}</td>" for data in found.data)
            + "</tr>"
            for one in found.names
        )
        made.append(f"<table><caption>{escape(name)}</caption><tr><th></th>{heads}</tr>{rows}</table>")
    return "".join(made)


def scores(results: Mapping[str, Any]) -> pd.DataFrame:
    """Rows: protocol and encoder (baselines too); columns: data sets; values of the measure each data set is judged by."""
    import pandas as pd

    rows, at = [], []
    for name in protocols(results):
        found = grid(results, name)
        for one in found.names:
            at.append((name, one))
            rows.append({data: cell.value for data in found.data if (cell := found.cells.get((one, data))) is not None})
    return pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(at, names=["protocol", "encoder"]) if at else None)


def _tested(results: Mapping[str, Any]) -> bool:
    return any(grid(results, name).tested for name in protocols(results))


def _table(found: Grid) -> list[str]:
    wide = len(found.data) <= _WITH_INTERVALS
    rows = [[found.protocol, *found.data], ["", *(title(found.metric[data]) for data in found.data)]]
    rows += [[name, *(_said(found.cells.get((name, data)), found.metric[data], wide) for data in found.data)] for name in found.names]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["", *("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows)]


def _said(cell: Cell | None, metric: str, wide: bool) -> str:
    if cell is None:
        return "–"
    mark = " *" if cell.best else " =" if cell.tied else ""
    return score(cell.value, metric) + (f" ({interval(cell.low, cell.high, metric)})" if wide and cell.low is not None else "") + mark


def _cell_html(cell: Cell | None, metric: str) -> str:
    if cell is None:
        return "–"
    value = escape(score(cell.value, metric))
    shown = f"<b>{value}</b>" if cell.best else f"{value} =" if cell.tied else value
    return shown if cell.low is None else f"{shown}<br><small>{escape(interval(cell.low, cell.high, metric))}</small>"
