"""docs/coverage.yaml against the four lists of promises, the tests it names and the commands it gives."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from vesalius.cli import app
from vesalius.errors import UserError
from vesalius.recipes.arguments import from_pairs, pairs, placed
from vesalius.recipes.loading import load_pretrain

ROOT = Path(__file__).resolve().parents[1]
ROWS: list[dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "coverage.yaml").read_text())
EXPECTED = [
    *(f"innereye-{n}" for n in range(1, 50)),
    *(f"monai-{n}" for n in range(1, 25)),
    *(f"transfer-{letter}{n}" for letter, count in (("C", 7), ("D", 12), ("E", 11)) for n in range(1, count + 1)),
    *(f"lightly-{n}" for n in range(1, 19)),
]
STATE = re.compile(r"done|partly: .{8,}|open \(issue \d+\)|not runnable here: .{8,}")
KEPT = [row for row in ROWS if not row["state"].startswith("open")]


def test_every_promise_has_its_row() -> None:
    assert [row["id"] for row in ROWS] == EXPECTED
    assert len(ROWS) == 121


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_is_whole(row: dict[str, Any]) -> None:
    assert STATE.fullmatch(row["state"]), row["state"]
    assert 4 < len(row["promise"]) < 120
    assert set(row) <= {"id", "promise", "command", "test", "state"}
    if row in KEPT:
        assert {"command", "test"} <= set(row)
    else:
        assert not {"command", "test"} & set(row), "what is open names no test yet"


@cache
def _functions(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _calls(node: ast.AST) -> set[str]:
    """Names called in ``node``, dotted ones by their last part."""
    calls = [c.func for c in ast.walk(node) if isinstance(c, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else f.id for f in calls if isinstance(f, (ast.Attribute, ast.Name))}


@pytest.mark.parametrize("row", KEPT, ids=lambda row: row["id"])
def test_the_test_is_there_runs_the_command_line_and_is_not_skipped(row: dict[str, Any]) -> None:
    file, _, name = row["test"].partition("::")
    functions = _functions(file)
    assert name in functions, f"{row['test']} does not exist"
    node = functions[name]
    marks = [ast.unparse(decorator) for decorator in node.decorator_list]
    module = [ast.unparse(n) for n in ast.parse((ROOT / file).read_text()).body if isinstance(n, ast.Assign)]
    assert not any("skip" in mark or "xfail" in mark for mark in marks), marks
    assert not any(text.startswith("pytestmark") and "skip" in text for text in module)
    assert not _calls(node) & {"skip", "require", "xfail", "importorskip"}, "a promise that is kept is tested everywhere"
    # ``job`` of lightly_jobs types `vesalius select`; of the Client's promises its calls are what is promised; the lines of the protocols
    # that look inside an encoder are typed by the migration page's test
    reached, seen = {name}, set[str]()
    while reached - seen:  # through the file's own helpers and fixtures
        current = (reached - seen).pop()
        seen.add(current)
        if current in functions:
            reached |= _calls(functions[current]) | {a.arg for a in functions[current].args.args}
    assert {"pretrain", "vesalius", "job", "Client", "evaluate"} & reached, f"{row['test']} does not run the command line"


@pytest.mark.parametrize("row", KEPT, ids=lambda row: row["id"])
def test_the_command_still_parses(row: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *words = shlex.split(row["command"])
    assert program == "vesalius"
    command, bound, ignored = app.parse_args(words, exit_on_error=False, print_error=False)
    assert not [i for i in ignored if i is None]
    if command.__name__ == "pretrain":
        recipe, *fields = bound.args
        if str(recipe).endswith(".yaml"):
            monkeypatch.chdir(tmp_path)
            (tmp_path / recipe).write_text("data: {train: cifar10}\nepochs: 1\n")
            (tmp_path / "my_network.py").write_text("def build():\n    raise AssertionError\n")
        given, _, _ = placed(dict(pairs(list(fields))), bound.kwargs.get("out"))
        changes, _ = from_pairs(given.items())
        load_pretrain(recipe, changes)


def test_a_command_that_does_not_parse_would_fail() -> None:
    _, bound, _ = app.parse_args(shlex.split("pretrain CIFAR10BYOL --ssl_enkoder resnet18"), exit_on_error=False)
    with pytest.raises(UserError):
        load_pretrain(bound.args[0], from_pairs(pairs(list(bound.args[1:])))[0])
