from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import UserError
from vesalius.select.relevant import relevant
from vesalius.terminal import Terminal

NAMES = np.asarray(["image_1.png", *(f"subdir/image_{i}.png" for i in (2, 3, 40, 41, 42)), "two words.png"])


class Said(Terminal):
    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def meant(tmp_path, text, names=NAMES, terminal=None):
    (tmp_path / "relevant.txt").write_text(text)
    return names[relevant(np.asarray(names), tmp_path / "relevant.txt", terminal or Said())].tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image_1.png\nsubdir/image_2.png\nsubdir/image_3.png\n", [0, 1, 2]),
        ("image_1.png\nsubdir/*\n", [0, 1, 2, 3, 4, 5]),
        ("image_1.png\nsubdir/* subdir/image_4* !subdir/image_41.png !subdir/image_42.png\n", [0, 1, 2, 4, 5]),  # the original's example
        ("subdir/image_4*", [3, 4, 5]),
        ("*", [0, 1, 2, 3, 4, 5, 6]),
        ("* *.png !two*", [6]),
        ("subdir/\n", [1, 2, 3, 4, 5]),
        ("two words.png\r\n\r\n  ./image_1.png  ", [0, 6]),
        ("\ufeffimage_1.png", [0]),
        ("sub* subdir/", None),
    ],
)
def test_lines_mean_paths_prefixes_and_what_patterns_leave_of_them(tmp_path, text, expected):
    if expected is None:
        with pytest.raises(UserError, match="None of the 1 lines"):
            meant(tmp_path, text)
    else:
        assert meant(tmp_path, text) == NAMES[expected].tolist()


@given(st.permutations(range(len(NAMES))), st.sampled_from(["subdir/*", "image_1.png", "* *4*"]))
@settings(max_examples=20, deadline=None)
def test_the_order_of_names_does_not_matter(tmp_path_factory, order, text):
    folder = tmp_path_factory.mktemp("r")
    assert sorted(meant(folder, text, NAMES[list(order)])) == sorted(meant(folder, text))


def test_lines_that_mean_nothing_are_named(tmp_path):
    said = Said()
    meant(tmp_path, "image_1.png\ngone.png\nnone/*\n", terminal=said)
    assert said.lines == ["2 of 3 lines of relevant.txt mean no image of these data: gone.png, none/*"]


def test_frames_are_meant_with_their_file_or_alone(tmp_path):
    names = np.asarray(["a.tif#0", "a.tif#1", "b.tif#0"])
    assert meant(tmp_path, "a.tif", names) == ["a.tif#0", "a.tif#1"]
    assert meant(tmp_path, "a.tif#1", names) == ["a.tif#1"]


def test_the_file_may_lie_below_the_root(tmp_path):
    (tmp_path / ".lightly").mkdir()
    (tmp_path / ".lightly" / "relevant.txt").write_text("image_1.png")
    assert relevant(NAMES, ".lightly/relevant.txt", Said(), str(tmp_path)).tolist() == [True] + [False] * 6


def test_patterns_without_a_prefix_and_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(UserError, match="neither a path nor a prefix"):
        meant(tmp_path, "subdir/*.png")
    with pytest.raises(UserError, match="could not be read: No such file"):
        relevant(NAMES, tmp_path / "nowhere.txt", Said())
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(UserError, match="not UTF-8"):
        relevant(NAMES, tmp_path / "bad.txt", Said())
