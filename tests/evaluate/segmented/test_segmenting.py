from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vesalius.evaluate.segmented import segmenting


def test_only_the_first_process_scores_what_all_have_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[bool] = []

    def train(job: Any, run: Any, here: Any, terminal: Any, *, resumed: bool) -> tuple[None, None]:
        trained.append(resumed)
        return None, None

    monkeypatch.setattr(segmenting, "train", train)
    monkeypatch.setattr(segmenting, "examine", lambda *words: pytest.fail("a second process scored"))
    work = getattr(segmenting.work, "__wrapped__", segmenting.work)
    work(None, SimpleNamespace(path=Path("x")), SimpleNamespace(first=False, barrier=lambda: None), nullcontext(), resumed=True)
    assert trained == [True]
