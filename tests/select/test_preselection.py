"""A list of names that are selected already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vesalius.errors import UserError
from vesalius.select.preselection import listed, refuse_strangers
from vesalius.terminal import Terminal

NAMES = np.asarray(["a.png", "b c.png", "d.png"])


def test_rows_of_the_names_whatever_their_order_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\ufeffd.png\r\n\nb c.png\n", encoding="utf-8")
    assert listed(str(tmp_path / "list.txt"), NAMES, Terminal(quiet=True)).tolist() == [1, 2]


def test_unknown_names_are_said_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.txt").write_text("a.png\nnobody.png\n")
    assert listed(str(tmp_path / "list.txt"), NAMES, Terminal()).tolist() == [0]
    assert "1 of 2 names in list.txt is no image of these data: nobody.png" in capsys.readouterr().err


def test_no_list_is_nothing_and_a_list_that_is_not_there_is_said() -> None:
    assert len(listed(None, NAMES, Terminal(quiet=True))) == 0
    with pytest.raises(UserError, match="could not be read"):
        listed("nowhere.txt", NAMES, Terminal(quiet=True))


def test_a_list_of_which_no_name_is_an_image_is_refused_with_a_name_that_is_one(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("images/a.png\nimages/d.png\n")
    with pytest.raises(UserError, match=r"No name in list.txt \(2, as images/a.png\).*as a.png"):
        refuse_strangers(str(tmp_path / "list.txt"), NAMES)
    (tmp_path / "list.txt").write_text("images/a.png\nd.png\n")
    refuse_strangers(str(tmp_path / "list.txt"), NAMES)
    (tmp_path / "list.txt").write_text("")  # of a first round nothing is selected yet
    refuse_strangers(str(tmp_path / "list.txt"), NAMES)
