from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesalius.report import map as embedding_map
from vesalius.report import mistakes, neighbours
from vesalius.report.examples import Examples, read_examples
from vesalius.report.reading import read_run

Fake = Callable[[str], Path]


@pytest.fixture
def run(fake: Fake, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fake("full"), tmp_path / "run"))


def _content(run: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run / "examples" / "examples.json").read_text())
    return found


def _change(run: Path, **changes: object) -> None:
    (run / "examples" / "examples.json").write_text(json.dumps({**_content(run), **changes}))


def _read(run: Path) -> Examples:
    found = read_examples(read_run(run))
    assert isinstance(found, Examples)
    return found


def test_a_thumbnail_is_its_tile_of_the_sprite(run: Path) -> None:
    found = _read(run)
    data = base64.b64decode(found.thumb(41).partition(",")[2])
    with Image.open(BytesIO(data)) as thumb, Image.open(run / "examples" / "sprite.png") as sprite:
        tile = np.asarray(sprite)[48:96, 48:96, 0]  # the 42nd of forty in a row
        assert (np.asarray(thumb.convert("L")) == tile).all()


@pytest.mark.parametrize("changes", [{"tile": 0}, {"columns": None}, {"tile": 10_000}, {"items": []}, {"items": "x"}])
def test_a_sprite_that_cannot_be_cut_is_a_reason(changes: dict[str, object], run: Path) -> None:
    _change(run, **changes)
    assert isinstance(read_examples(read_run(run)), str)


def test_items_beyond_the_sprite_are_left_out(run: Path) -> None:
    items = _content(run)["items"]
    assert isinstance(items, list)
    _change(run, items=items * 10)
    found = _read(run)
    assert len(found.items) == found.sprite.height // 48 * 40


def test_neighbours_are_marked_by_class_and_counted(run: Path) -> None:
    found = _read(run)
    labels = [item.label for item in found.items]
    same = [n for n, label in enumerate(labels) if label == labels[0]][1:4]
    other = [n for n, label in enumerate(labels) if label != labels[0]][:3]
    _change(
        run,
        neighbours=[
            {"query": 0, "pretrained": same + other, "random init": other},
            {"query": 10**9, "pretrained": [1]},
        ],
    )
    block = neighbours.section([(read_run(run), _read(run))]).blocks[0]
    (query,) = block.parts["queries"]
    assert [one["same"] for one in query["sides"][0]["items"]] == [True] * 3 + [False] * 3
    assert "3 of 6 (50\u00a0%) with pretrained; 0 of 3 (0\u00a0%) with random init" in block.parts["sentence"]


def test_unlabelled_neighbours_are_not_marked(run: Path) -> None:
    items = [{**item, "label": None} for item in _content(run)["items"]]  # type: ignore[attr-defined]
    _change(run, items=items)
    block = neighbours.section([(read_run(run), _read(run))]).blocks[0]
    assert all(one["same"] is None for q in block.parts["queries"] for side in q["sides"] for one in side["items"])
    assert "no class labels" in block.parts["sentence"]


def test_the_surest_mistake_comes_first(run: Path) -> None:
    wrong = [
        {"item": n, "label": 0, "prediction": 1, "confidence": c}
        for n, c in ((3, 0.5), (4, 0.9), (5, None), (10**6, 1.0))
    ]
    _change(run, mistakes=wrong)
    cards = mistakes.section([(read_run(run), _read(run))]).blocks[0].parts["cards"]
    assert [card["confidence"] for card in cards] == ["90\u00a0%", "50\u00a0%", "–"]
    assert cards[0]["label"] == "cortex"
    assert cards[0]["prediction"] == "white matter"


def test_the_map_holds_every_placed_example(run: Path) -> None:
    items = _content(run)["items"]
    assert isinstance(items, list)
    items[3]["xy"], items[4]["xy"], items[5]["label"] = None, ["a", 1], None
    _change(run, items=items)
    parts = embedding_map.section([(read_run(run), _read(run))], 5_000_000).blocks[0].parts
    data = json.loads(parts["data"])
    assert len(data["items"]) == len(items) - 2
    assert [group["name"] for group in parts["groups"]] == [
        "cortex",
        "white matter",
        "thalamus",
        "cerebellum",
        "brain stem",
        "ventricle",
        "unlabelled",
    ]
    assert parts["left"] == "2"
    number, x, y = data["items"][3][:3]
    assert number == 5
    assert [x, y] == pytest.approx(items[5]["xy"], rel=1e-4)


def test_a_shrunk_sprite_keeps_its_places(run: Path) -> None:
    data = json.loads(embedding_map.section([(read_run(run), _read(run))], 12_000).blocks[0].parts["data"])
    assert data["tile"] in (24, 12, 6, 3)


def test_more_classes_than_can_be_told_apart_share_one_mark(run: Path) -> None:
    items = [{**item, "label": n % 60} for n, item in enumerate(_content(run)["items"])]  # type: ignore[arg-type]
    _change(run, items=items)
    parts = embedding_map.section([(read_run(run), _read(run))], 5_000_000).blocks[0].parts
    assert parts["groups"][-1]["name"] == "15 further classes"
    assert len(parts["groups"]) == 46
