from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vesalius.encoders.picking import picked
from vesalius.encoders.published import Published
from vesalius.errors import UserError

MODEL = Published(name="made", architecture="resnet18", url="https://example.org/made.pth", file="made.pth", licence="", trained_on="nothing")


def test_the_prefix_is_taken_off_and_heads_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "made.pth"
    torch.save({"state_dict": {"q.conv1.weight": torch.ones(2), "q.fc.weight": torch.ones(1), "k.conv1.weight": torch.zeros(2)}}, file)
    found = picked(file, MODEL, nest="state_dict", prefix="q.", drop=("fc.",))
    assert list(found) == ["conv1.weight"]
    assert found["conv1.weight"].sum() == 2


@pytest.mark.parametrize(("nest", "prefix"), [("", "q."), ("model", "q."), ("state_dict", "z.")])
def test_another_file_is_refused(tmp_path: Path, nest: str, prefix: str) -> None:
    file = tmp_path / "made.pth"
    torch.save({"state_dict": {"q.conv1.weight": torch.ones(2)}}, file)
    with pytest.raises(UserError, match=r"made\.pth"):
        picked(file, MODEL, nest=nest, prefix=prefix)
