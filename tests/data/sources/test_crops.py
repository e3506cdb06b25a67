"""Objects and tiles by reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.boxes import written
from vesalius.data.references import parse, resolve
from vesalius.errors import UserError


def test_a_reference_names_task_and_options(tmp_path: Path) -> None:
    root = written.lightly(tmp_path / "data")
    plain = resolve(f"crops@{root}")
    assert plain.source == "crops"
    assert plain.private
    assert plain.frame["score.box"].tolist() == [0.75] * 6
    assert resolve(f"crops@{root}:cells").fingerprint() == plain.fingerprint()
    more = resolve(f"crops@{root}:cells:padding=0.5:least=8")
    assert len(more) == 5
    assert more.frame["box"].iloc[0] == (0, 1, 15, 12)
    assert plain.split_by == ""
    assert not any("passed over" in said for said in plain.warnings), "the annotations are not what was passed over"


def test_boxes_that_lie_elsewhere(tmp_path: Path) -> None:
    written.pictures(tmp_path / "pictures")
    root = written.coco(tmp_path / "boxes", name="found.json")
    for place in (root / "found.json", root, "../boxes/found.json"):
        table = resolve(f"crops@{tmp_path / 'pictures'}:boxes={place}")
        assert len(table) == 6
        assert table.root == str(tmp_path / "pictures")
    with pytest.raises(UserError, match="There are no boxes at"):
        resolve(f"crops@{tmp_path / 'pictures'}:boxes=nowhere.json")


def test_tiles_by_reference(tmp_path: Path) -> None:
    written.pictures(tmp_path)
    assert len(resolve(f"tiles@{tmp_path}:2x3")) == 24
    assert resolve(f"tiles@{tmp_path}:2x3:overlap=0.5").frame["box"].iloc[0] == (0, 0, 20, 20)
    for wrong in ("", ":3", ":2by3"):
        with pytest.raises(UserError, match="does not say how many tiles"):
            resolve(f"tiles@{tmp_path}{wrong}")


def test_crops_of_another_references_images(tmp_path: Path) -> None:
    root = written.voc(tmp_path / "data")
    (tmp_path / "data" / "some.csv").write_text("path,patient\nJPEGImages/a.png,one\nJPEGImages/d.png,two\n")
    table = resolve(f"crops@{root / 'some.csv'}")
    assert len(table) == 5
    assert table.frame["subject"].nunique() == 2
    assert "1 of 6 boxes was left out: 1 of images that are not there." in table.warnings
    assert resolve(f"crops@{root}", subject="/([ab]).png").frame["subject"].nunique() == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("crops@{}:paddin=1", "has no option 'paddin'. Did you mean padding?"),
        ("crops@{}:padding=much", "padding of crops is 'much'; it should be a number"),
        ("folder@{}:size=3", "source folder has no option 'size'. Its options: none"),
        ("crops@{}:cell", "No boxes called 'cell'"),
        ("crops", "source crops lies nowhere that is known"),
    ],
)
def test_what_is_wrong_is_said(words: str, said: str, tmp_path: Path) -> None:
    root = written.lightly(tmp_path)
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        resolve(words.format(root))


def test_parsing() -> None:
    found = parse("crops@/a/b:cells:padding=0.2:boxes=/c/d.json")
    assert (str(found.root), found.task, found.options) == ("/a/b", "cells", (("padding", "0.2"), ("boxes", "/c/d.json")))
    assert parse("crops@/a=b/c").options == ()
