from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from vesalius.errors import UserError
from vesalius.submit.verb_line import VerbLine, checked


def parse(words: list[str]) -> tuple[str, Mapping[str, Any]]:
    return words[0], {"encoder": words[2]} if "--encoder" in words else {}


def test_nothing_and_what_is_not_for_a_cluster_are_refused() -> None:
    with pytest.raises(UserError, match="Nothing to submit"):
        checked([], parse, shared=True)
    with pytest.raises(UserError, match="select is not for a cluster"):
        checked(["select"], parse, shared=True)


def test_embedding_makes_no_run_to_go_on_with() -> None:
    line, _ = checked(["embed", "--encoder", "runs/a"], parse, shared=True)
    assert not line.trains
    assert line.encoder == "runs/a"


def test_a_title_is_fit_for_a_queue() -> None:
    assert VerbLine("embed", ("embed",), None, None, None).title == "embed"
    assert VerbLine("predict", ("predict", "my runs/größe 1.yaml"), Path("x"), None, None).title == "predict-größe-1"
