"""Tables of an evaluation as CSV and LaTeX: the best bold, ties marked, what is not an encoder apart, nothing unescaped."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report.fake_evaluation import SETS, ZOO, results
from vesalius.evaluate.tables import as_csv, as_latex, write_tables
from vesalius.report.grid import grid


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_csv_has_a_row_for_each_encoder_baseline_and_control():
    found = results(ZOO[:2], ("pneumoniamnist", "bach"))
    table = rows(as_csv(grid(found, "linear")))
    assert [row["kind"] for row in table] == ["encoder"] * 2 + ["baseline"] * 2 + ["control"] * 4
    cell = next(c for c in found["linear"]["cells"] if c["encoder"] == "byol" and c["data"] == "bach" and c["primary"])
    assert float(table[0]["bach accuracy"]) == pytest.approx(cell["value"], rel=1e-5)
    assert float(table[0]["bach accuracy low"]) == pytest.approx(cell["low"], rel=1e-5)
    assert [row["bach accuracy standing"] for row in table].count("best") == 1


def test_latex_marks_best_and_ties_and_has_rules_between_the_kinds():
    found = results(ZOO[:2], ("bach",))
    values = {"byol": 0.9, "pirl": 0.89, "random init": 0.5, "pixel PCA": 0.6}
    for cell in found["linear"]["cells"]:
        cell |= {"value": values[cell["encoder"]], "low": 0.4, "high": 0.95}
    found["linear"]["ties"] = [{"data": "bach", "metric": "accuracy", "best": "byol", "tied": ["pirl"]}]
    text = as_latex(grid(found, "linear"))
    lines = text.splitlines()
    assert r"byol & \textbf{90.0} {\scriptsize [40.0, 95.0]} \\" in lines
    assert r"pirl & 89.0$^\dagger$ {\scriptsize [40.0, 95.0]} \\" in lines
    order = [lines.index(next(line for line in lines if line.startswith(name))) for name in ("pirl", "random init", "pixel PCA", "majority")]
    assert order == sorted(order)
    assert [lines[order[0] + 1], lines[order[2] + 1]] == [r"\midrule"] * 2


def test_what_was_not_measured_is_a_dash_and_empty():
    found = results(ZOO[:2], ("bach", "stoic"))
    found["linear"]["cells"] = [cell for cell in found["linear"]["cells"] if (cell["encoder"], cell["data"]) != ("pirl", "stoic")]
    found["linear"]["absent"] = [{"encoder": "pirl", "data": "stoic", "reason": "one channel"}]
    table = grid(found, "linear")
    assert table.reasons["pirl", "stoic"] == "one channel"
    assert re.search(r"^pirl & .* & -- \\\\$", as_latex(table), re.MULTILINE)
    assert rows(as_csv(table))[1]["stoic roc_auc"] == ""


def test_names_cannot_break_the_table():
    names = ("50%_of#1 & {more}", r"a\b^c~d")
    text = as_latex(grid(results(names, ("data_set",)), "linear"))
    assert r"50\%\_of\#1 \& \{more\}" in text
    assert r"a\textbackslash{}b\textasciicircum{}c\textasciitilde{}d" in text
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in text.splitlines() if line.endswith(r"\\")}) == 1, "every row has the same cells"


def test_many_data_sets_stand_below_each_other():
    text = as_latex(grid(results(ZOO, SETS), "knn"))
    assert max(len(re.findall(r"(?<!\\)&", line)) for line in text.splitlines()) == 4
    assert text.count(r"moco-v2 &") == 3


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="missing tool: pdflatex")
@pytest.mark.parametrize(("encoders", "data"), [(ZOO[:1], SETS[:1]), (("50%_of#1 & {more}", r"a\b^c~d"), SETS)])
def test_latex_compiles(encoders: tuple[str, ...], data: tuple[str, ...], tmp_path: Path):
    write_tables(tmp_path, results(encoders, data))
    inputs = "".join(rf"\input{{tables/{name}}}" for name in ("few-shot", "linear", "knn"))
    (tmp_path / "paper.tex").write_text(rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{inputs}\end{{document}}")
    done = subprocess.run(["pdflatex", "-interaction=batchmode", "-halt-on-error", "paper.tex"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (tmp_path / "paper.log").read_text()[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000


def test_each_protocol_has_its_two_files(tmp_path: Path):
    made = write_tables(tmp_path, results())
    assert [path.relative_to(tmp_path).as_posix() for path in made] == [f"tables/{p}.{s}" for p in ("few-shot", "linear", "knn") for s in ("csv", "tex")]
    assert write_tables(tmp_path, {"protocols": ["robustness"], "robustness": {"curves": []}}) == []
