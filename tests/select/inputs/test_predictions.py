from __future__ import annotations

from pathlib import Path

import pytest

from tests.select.lightly_tree import predictions
from vesalius.select.inputs.predictions import Config, title


@pytest.mark.parametrize(
    ("fields", "said"),
    [({}, "classes of cells"), ({"name": "CATEGORY_COUNT"}, "objects of cells"), ({"categories": ["a", "b"]}, "classes of cells (a, b)")],
)
def test_what_is_meant_is_said(fields: dict[str, object], said: str, tmp_path: Path) -> None:
    assert title(Config.model_validate({"task": "cells", **fields})) == said
    assert predictions
