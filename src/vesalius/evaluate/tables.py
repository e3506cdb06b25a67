"""The tables of an evaluation as files: ``tables/PROTOCOL.csv`` for a spreadsheet, ``tables/PROTOCOL.tex`` for a paper (needs booktabs)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vesalius.files import atomic_write
from vesalius.report.grid import Cell, Grid, grid, protocols
from vesalius.report.wording import is_percent, title

_ACROSS = 4
"""Data sets side by side; further ones stand below, under heads of their own."""
_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "≥": r"$\geq$",
    "α": r"$\alpha$",
    "²": r"$^2$",
    "\u00a0": "~",
    "\u202f": r"\,",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def write_tables(folder: Path, results: Mapping[str, Any]) -> list[Path]:
    """Write the tables of every protocol of ``results`` (``results.json``) into ``folder/tables`` and return them."""
    made = []
    for name in protocols(results):
        found = grid(results, name)
        if not found.cells:
            continue
        for suffix, content in (("csv", as_csv(found)), ("tex", as_latex(found))):
            made.append(folder / "tables" / f"{name}.{suffix}")
            made[-1].parent.mkdir(exist_ok=True)
            atomic_write(made[-1], content)
    return made


def as_csv(found: Grid) -> str:
    """A row for each encoder, baseline and control (``kind``); four columns for each data set: value, bounds, and whether it is the
    ``best`` or ``tied`` with it. What was not measured is empty.
    """
    buffer = io.StringIO()
    lines = csv.writer(buffer, lineterminator="\n")
    parts = ("", " low", " high", " standing")
    lines.writerow(["name", "kind", *(f"{data} {found.metric[data]}{what}" for data in found.data for what in parts)])
    for name, kind, cells in _rows(found):
        lines.writerow([name, kind, *(field for cell in cells for field in _fields(cell))])
    return buffer.getvalue()


def as_latex(found: Grid) -> str:
    """A ``table`` with booktabs: the best of each column bold, what the paired test does not tell from it with a dagger, baselines and
    controls below rules of their own, 95 % intervals in small type.
    """
    blocks = [_block(found, found.data[at : at + _ACROSS]) for at in range(0, len(found.data), _ACROSS)]
    columns = "c" * min(_ACROSS, len(found.data))
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escape(_caption(found))}}}",
            rf"\label{{tab:{re.sub('[^a-z0-9]+', '-', found.protocol.lower())}}}",
            rf"\begin{{tabular}}{{l{columns}}}",
            r"\toprule",
            "\n\\midrule\n".join(blocks),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _caption(found: Grid) -> str:
    sizes = {(cell.units, cell.unit) for cell in found.cells.values() if cell.units}
    units = next((unit for _, unit in sizes), "images") if len({unit for _, unit in sizes}) == 1 else "subjects or images"
    tied = " A dagger: the paired test does not tell it from the best (Holm, 0.05)." if found.tested else ""
    return f"{found.protocol}: 95 % bootstrap intervals over {units} in brackets. Bold: the best encoder of a column.{tied}"


def _block(found: Grid, data: Sequence[str]) -> str:
    heads = " & ".join(["", *(_escape(one) for one in data)])
    below = " & ".join(["Encoder", *(_escape(title(found.metric[one])) for one in data)])
    lines, last = [rf"{heads} \\", rf"{below} \\"], ""
    for name, kind, _ in _rows(found):
        if kind != last:
            lines.append(r"\midrule")
        last = kind
        cells = [_shown(_of(found, name, kind, one), found.metric[one]) for one in data]
        lines.append(" & ".join([_escape(name), *cells]) + r" \\")
    return "\n".join(lines)


def _rows(found: Grid) -> list[tuple[str, str, list[Cell | None]]]:
    named = [(name, "encoder") for name in found.encoders] + [(name, "baseline") for name in found.baselines] + [(name, "control") for name in found.controls]
    return [(name, kind, [_of(found, name, kind, data) for data in found.data]) for name, kind in named]


def _of(found: Grid, name: str, kind: str, data: str) -> Cell | None:
    return found.controls[name].get(data) if kind == "control" else found.cells.get((name, data))


def _fields(cell: Cell | None) -> list[str]:
    if cell is None:
        return [""] * 4
    bounds = ["" if bound is None else f"{bound:.6g}" for bound in (cell.low, cell.high)]
    return [f"{cell.value:.6g}", *bounds, "best" if cell.best else "tied" if cell.tied else ""]


def _shown(cell: Cell | None, metric: str) -> str:
    if cell is None:
        return "--"
    value = _number(cell.value, metric)
    value = rf"\textbf{{{value}}}" if cell.best else rf"{value}$^\dagger$" if cell.tied else value
    if cell.low is None or cell.high is None:
        return value
    return rf"{value} {{\scriptsize [{_number(cell.low, metric)}, {_number(cell.high, metric)}]}}"


def _number(value: float, metric: str) -> str:
    """Accuracies in per cent with one decimal, what lies within one with three, larger numbers with one."""
    shown = f"{100 * value:.1f}" if is_percent(metric) else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return f"$-${shown[1:]}" if shown.startswith("-") else shown


def _escape(words: str) -> str:
    return "".join(_ESCAPED.get(sign, sign) for sign in words)
