from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vesalius.evaluate.pretrained import finishing


def handed(tmp_path: Path, export: str) -> tuple[Any, list[str]]:
    said: list[str] = []
    parts: Any = SimpleNamespace(method=SimpleNamespace(exports=lambda: {"encoder": "the last", "key": "another"}))
    config: Any = SimpleNamespace(export=export)
    run: Any = SimpleNamespace(path=tmp_path)
    terminal: Any = SimpleNamespace(say=said.append)
    return finishing._hand_over(config, parts, run, terminal), said


def test_the_last_encoder_is_handed_over_without_a_word(tmp_path: Path) -> None:
    assert handed(tmp_path, "last") == (("the last", "last"), [])


def test_where_no_look_chose_the_last_is_handed_over_and_it_is_said(tmp_path: Path) -> None:
    found, said = handed(tmp_path, "best-knn")
    assert found == ("the last", "last")
    assert "best-knn" in said[0]
