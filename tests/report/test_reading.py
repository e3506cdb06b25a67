from __future__ import annotations

import json
from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.report.reading import read_run


def _run(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    return folder


def test_what_is_there_is_read(tmp_path: Path) -> None:
    run = read_run(
        _run(
            tmp_path / "r",
            run__json='{"name": "mine"}',
            config__yaml="a: {b: 1}\n",
            metrics__jsonl='{"step": 1, "loss": 2.0}\n{"step": 2, "lo',
        )
    )
    assert run.name == "mine"
    assert run.config == {"a": {"b": 1}}
    assert run.metrics == [{"step": 1, "loss": 2.0}]
    assert "1 of 2 lines" in run.problems["metrics.jsonl"]
    assert run.warnings == [run.problems["metrics.jsonl"]]  # files that are merely absent are no warnings
    assert run.reason("probes", "otherwise") == "The run has no results.json."


def test_the_run_s_own_reason_comes_first(tmp_path: Path) -> None:
    run = read_run(_run(tmp_path / "r", results__json=json.dumps({"absent": {"map": "Too few images.", "probes": -1}})))
    assert run.reason("map", "otherwise") == "Too few images."
    assert run.reason("views", "otherwise") == "otherwise"
    assert run.reason("probes", "otherwise") == "otherwise", "a number is no reason"
    assert run.name == "r"


def test_warnings_are_gathered_once_each(tmp_path: Path) -> None:
    data = {"train": {"warnings": ["one", "two"]}, "monitor": {"warnings": ["two"]}}
    run = read_run(_run(tmp_path / "r", results__json=json.dumps({"warnings": ["one"], "data": data})))
    assert run.warnings == ["one", "two"]


@pytest.mark.parametrize("content", ["a: [1", "- 1\n- 2\n", "{{ x }}", "!!python/object/apply:os.system ['true']"])
def test_a_configuration_that_is_no_mapping_is_text_only(content: str, tmp_path: Path) -> None:
    run = read_run(_run(tmp_path / "r", config__yaml=content))
    assert run.config == {}
    assert run.config_text == content


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds nothing of a run"):
        read_run(_run(tmp_path / "r", notes__txt="x"))
