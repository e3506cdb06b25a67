"""docs/gallery.md: page, pictures and generator agree; every picture says whose it is; every command is one that there is."""

from __future__ import annotations

import json
import re
import shlex
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from docs.gallery import page, runs, shown
from docs.gallery.material import SOURCES, pictures
from docs.gallery.runs import COMMANDS, SMALL, Gallery
from PIL import Image

from tests.data_sets import require
from tests.test_docs import ROOT
from vesalius.cli import app
from vesalius.evaluate.config import configured
from vesalius.evaluate.verb import fields_of
from vesalius.figures import png

PAGE = ROOT / "docs" / "gallery.md"
LICENCE = re.compile(r"CC BY 4\.0|CC0 1\.0|MIT licence|no known copyright restrictions")


def parts(text: str) -> list[str]:
    """The text of each picture: its section of the page."""
    return [part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:] if "](pictures/" in part]


def test_the_page_shows_what_there_is_and_nothing_else() -> None:
    named = re.findall(r"\]\(pictures/([\w.-]+)\)", PAGE.read_text())
    assert sorted(set(named)) == sorted(named)
    for name in named:
        with Image.open(ROOT / "docs" / "pictures" / name) as picture:
            assert picture.width <= 1400, f"{name}: its words are not read where a page shrinks it"
        assert (ROOT / "docs" / "pictures" / name).stat().st_size <= 310_000, name
    drawn = {one.file for one in page.PICTURES}
    assert {file.name for file in (ROOT / "docs" / "pictures").glob("gallery-*.png")} <= drawn
    assert PAGE.read_text() == page.page(set(named)), "`make gallery` writes the page"


@pytest.mark.parametrize("text", [page.page({one.file for one in page.PICTURES}), PAGE.read_text()], ids=["whole", "as it is"])
def test_every_picture_says_whose_images_it_shows_and_its_links_lead_somewhere(text: str) -> None:
    assert parts(text)
    for part in parts(text):
        credit = part[part.index("*Images:") :]
        assert LICENCE.search(credit), part
    assert "Apache-2.0" in text, "whose the weights are"
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (PAGE.parent / target).exists() or target in {f"pictures/{one.file}" for one in page.PICTURES}, target
    assert len(LICENCE.findall(page.page({one.file for one in page.PICTURES}))) >= len(SOURCES)


@pytest.mark.parametrize("more", ["", "small"])
@pytest.mark.parametrize("name", COMMANDS)
def test_its_commands_are_understood(name: str, more: str) -> None:
    _, *words = shlex.split(f"{COMMANDS[name]} {SMALL.get(name, '') if more else ''}")
    _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    given = bound.arguments
    config = configured(given["protocols"], (), fields_of(given.get("fields", ())), given["encoder"], given.get("data", ()), given.get("images", ()))
    assert config.encoder
    assert f"runs/{name}" in words


def test_what_is_done_is_not_run_again_and_what_was_begun_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[list[str]] = []
    monkeypatch.setattr(Gallery, "_call", lambda self, words: said.append(list(words)))
    gallery = Gallery(tmp_path, tmp_path / "data.npz")
    gallery.evaluate("saliency")
    gallery.run("saliency").mkdir(parents=True)
    (gallery.run("saliency") / "run.json").write_text("{}")
    gallery.evaluate("saliency")
    (gallery.run("saliency") / "results.json").write_text("{}")
    gallery.evaluate("saliency")
    assert [words[:2] for words in said] == [["evaluate", "saliency"]] * 2
    assert "--out" in said[0]
    assert said[1][2:] == ["--resume", "runs/saliency"]


def test_its_images_are_real_ones_of_four_kinds() -> None:
    found = pictures(require("pneumoniamnist"))
    assert list(found) == list(SOURCES)
    assert [image.shape for image in found["children"]] == [(28, 28)] * 2
    assert all(image.dtype == np.uint8 and image.std() > 10 for images in found.values() for image in images)


def test_a_picture_is_made_small_enough_and_its_ground_stays_white(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "MOST", 4000)
    smooth = (np.indices((64, 64)).sum(0)[..., None] * np.array([1.0, 1.5, 1.9])).astype(np.uint8)
    smooth[:20] = 255
    small = shown.quantised(png(smooth))
    with Image.open(BytesIO(small)) as picture:
        found = np.asarray(picture.convert("RGB")).astype(int)
    assert (found[:20] == 255).all()
    assert abs(found - smooth).mean() < 6
    assert len(small) <= 4000


def test_its_sheets_are_made_of_what_a_run_left(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path, tmp_path / "data.npz")
    rows = []
    for protocol, (first, second) in {"saliency": ("image", "overlay"), "reconstruction": ("original", "image")}.items():
        run = gallery.run(protocol)
        run.mkdir(parents=True)
        for encoder in ("a", "b"):
            for part in ("image", "second", "strip"):
                Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(run / f"{part}-{encoder}.png")
            files = {first: f"image-{encoder}.png", second: f"second-{encoder}.png", "strip": f"strip-{encoder}.png"}
            rows.append({"encoder": encoder, "data": "retina", "id": "0", **files, "diffusion": 41.0, "feature_error": 0.1})
        (run / "results.json").write_text(json.dumps({protocol: {"pictures": rows[-2:]}}))
    made = [shown.saliency(gallery, "saliency"), shown.reconstructions(gallery), shown.strips(gallery)]
    assert all(data.startswith(b"\x89PNG") for data in made)
    assert list(runs.TRAINED)[:2] == ["ours", "ours-vit"]
