"""To a device: the same numbers, and nobody copies without blocking but the files that know when that is safe."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.devices import DEVICES
from vesalius.data.to_device import to_device

SOURCE = Path(__file__).resolve().parents[2] / "src" / "vesalius"
KNOW = {SOURCE / "data" / "to_device.py", SOURCE / "training" / "arriving.py"}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", ["float32", "int64", "bool", "uint8"])
def test_the_same_numbers(device: str, kind: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(kind)
    for values in (array, torch.from_numpy(array), torch.from_numpy(array).T):
        found = to_device(values, torch.device(device))
        assert found.device.type == device
        assert torch.equal(found.cpu(), torch.as_tensor(values))


def test_what_is_there_is_not_copied() -> None:
    here = torch.ones(3)
    assert to_device(here, torch.device("cpu")) is here
    array = np.ones(3, np.float32)
    assert to_device(array, torch.device("cpu")).data_ptr() == array.ctypes.data


def unblocked(code: str) -> list[int]:
    """Lines of calls that may not block."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls for word in call.keywords if word.arg == "non_blocking"]


def test_no_other_file_copies_without_blocking() -> None:
    assert unblocked("x.to(d, non_blocking=True)") == [1]
    assert all(unblocked(file.read_text()) for file in KNOW)
    found = [f"{file.name}:{line}" for file in SOURCE.rglob("*.py") if file not in KNOW for line in unblocked(file.read_text())]
    assert found == [], "use vesalius.data.to_device: on MPS such a copy may read memory that was given back"
