"""Cells: found again under the same key, made again where the key, the file or the disk says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vesalius.evaluate.cells import Cells
from vesalius.evaluate.pairs.measured import Measured, Value


class Counted:
    """Makes a tensor, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> torch.Tensor:
        self.times += 1
        return torch.arange(6.0).view(2, 3).T


def test_a_cell_is_made_once_and_found_by_its_key(tmp_path: Path) -> None:
    made, cells = Counted(), Cells(tmp_path)
    first = cells.kept("knn/ours/digits", "a", made)
    assert torch.equal(cells.kept("knn/ours/digits", "a", made), first)
    assert torch.equal(Cells(tmp_path).kept("knn/ours/digits", "a", made), first), "another process finds it"
    assert (made.times, cells.computed) == (1, 1)
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.*")] == ["knn/ours/digits.safetensors"]
    cells.kept("knn/ours/digits", "b", made)
    assert (made.times, cells.computed) == (2, 2), "what it depends on is another"


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"\xff" * 64, lambda data: data[:8] + b"{" * 99])
def test_a_damaged_cell_is_made_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    made, cells = Counted(), Cells(tmp_path)
    whole = cells.kept("x", "a", made)
    file = tmp_path / "x.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    assert torch.equal(cells.kept("x", "a", made), whole)
    assert made.times == 2


def test_several_tensors_and_what_a_protocol_measured_come_back(tmp_path: Path) -> None:
    cells = Cells(tmp_path)
    parts = {"map": torch.rand(2, 4), "count": torch.tensor([3])}
    cells.parts("many", "a", lambda: parts)
    assert {name: tensor.tolist() for name, tensor in cells.parts("many", "a", dict).items()} == {name: tensor.tolist() for name, tensor in parts.items()}
    cells.measured("one", "a", lambda: Measured(values={"rankme": Value(4.5)}, facts={"images": 7}))
    found = cells.measured("one", "a", lambda: Measured())
    assert found.values["rankme"].value == 4.5
    assert found.facts == {"images": 7}


def test_what_fails_leaves_no_cell(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        Cells(tmp_path).kept("x", "a", lambda: torch.zeros(1) / (1 // 0))
    assert not (tmp_path / "x.safetensors").exists()
