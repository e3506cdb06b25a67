from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.features.resumable import compute
from vesalius.terminal import Terminal

WHOLE = torch.arange(20.0).reshape(10, 2)


class Work:
    """Batches of three rows; stops where it is told to."""

    def __init__(self, folder: Path, stop: int | None = None) -> None:
        self.folder, self.stop, self.began = folder, stop, []  # type: ignore[var-annotated]

    def batches(self, start: int) -> Iterator[Tensor]:
        self.began.append(start)
        for row in range(start, 10, 3):
            if self.stop is not None and row >= self.stop:
                raise KeyboardInterrupt
            yield WHOLE[row : row + 3]

    def finish(self, whole: NDArray[np.float32]) -> dict[str, Any]:
        np.save(self.folder / "found.npy", whole)
        return {"rows": len(whole)}

    def run(self, key: str = "a", resume: bool = True) -> tuple[dict[str, Any], int]:
        file, quiet = self.folder / "found.npy", Terminal(quiet=True)
        return compute(file, self.folder / "work" / "x", key, 10, self.batches, self.finish, doing="counting", resume=resume, terminal=quiet)


def test_finished_work_is_not_repeated_unless_something_else_is_wanted(tmp_path: Path) -> None:
    facts, rows = Work(tmp_path).run()
    assert (facts["rows"], rows) == (10, 10)
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), WHOLE.numpy())
    assert json.loads((tmp_path / "found.npy.json").read_text())["key"] == "a"
    again = Work(tmp_path)
    assert again.run()[1] == 0
    assert again.began == []
    assert Work(tmp_path).run("b")[1] == 10
    assert Work(tmp_path).run("b", resume=False)[1] == 10


def test_killed_work_begins_at_a_row_and_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vesalius.features.resumable._PAUSE", -1.0)
    with pytest.raises(KeyboardInterrupt):
        Work(tmp_path, stop=6).run()
    assert not (tmp_path / "found.npy").exists()
    after = Work(tmp_path)
    _, rows = after.run()
    assert after.began == [6]
    assert rows == 4
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), WHOLE.numpy())
