"""The pictures of the report in ``docs/pictures``: one for each section, one of the top in the dark, one at 390 pixels.

    python -m docs.make_screenshots RUN [FOLDER]
    python -m docs.make_screenshots --selection RUN [FOLDER]

``RUN`` is a run directory; its report is built anew and opened in a headless Chromium with the network off.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image
from tests.report.chromium import Chromium, find

from vesalius.report import build

_FOLDER = Path(__file__).parent / "pictures"
_OF_SELECTION = ("selection-map", "covering", "makeup", "selection-probe", "odd")
_ON_COVER = ("report-curves.png", "report-neighbours.png", "report-map.png")
_OF_FINETUNE = ("verdict", "scores", "confusion", "roc", "operating", "calibration")


def make(run: Path, folder: Path = _FOLDER) -> list[Path]:
    """Write ``report-*.png`` into ``folder`` and return them; sections that ``run`` lacks have no picture."""
    if find() is None:
        raise SystemExit("missing tool: chromium. Install it (on Debian: apt-get install chromium) and run this again.")
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory() as temporary, Chromium() as browser:
        page = build([run], Path(temporary) / "report.html")
        browser.open(page, 1280)
        for section in browser.run("[...document.querySelectorAll('section[data-state=present]')].map((e) => e.id)"):
            made.append(folder / f"report-{section}.png")
            browser.picture(made[-1], f"#{section}", pad=20)
        for name, width, height, dark in (
            ("top", 1280, 860, False),
            ("dark", 1280, 860, True),
            ("390", 390, 1600, False),
        ):
            browser.open(page, width, height, dark=dark)
            made.append(folder / f"report-{name}.png")
            browser.screen(made[-1])
        if browser.errors:
            raise SystemExit(f"The page complains: {browser.errors}")
    return made


def cover(selection: Path, folder: Path = _FOLDER) -> Path:
    """Write ``cover.png``, the README's picture: the verdict, and below it, small, three sections in ``folder`` and the map of the run ``selection``."""
    verdict = Image.open(folder / "report-verdict.png").convert("RGB")
    gap, ground = 16, verdict.getpixel((2, 2))
    width = (verdict.width - 5 * gap) // 4
    made = Image.new("RGB", (verdict.width, verdict.height + width + gap), ground)
    made.paste(verdict, (0, 0))
    with tempfile.TemporaryDirectory() as temporary:
        chosen = [file for file in make_selection(selection, Path(temporary)) if file.name == "select-selection-map.png"]
        for place, file in enumerate([*(folder / name for name in _ON_COVER), *chosen]):
            picture = Image.open(file).convert("RGB")
            scaled = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
            made.paste(scaled.crop((0, 0, width, min(width, scaled.height))), (gap + place * (width + gap), verdict.height))
    made.save(folder / "cover.png", optimize=True)
    return folder / "cover.png"


def make_finetune(run: Path, folder: Path = _FOLDER) -> list[Path]:
    """Write ``report-finetune-*.png`` of a fine-tuned ``run`` into ``folder`` and return them: sections, and its top at 390."""
    if find() is None:
        raise SystemExit("missing tool: chromium. Install it (on Debian: apt-get install chromium) and run this again.")
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory() as temporary, Chromium() as browser:
        page = build([run], Path(temporary) / "report.html")
        browser.open(page, 1280)
        for section in _OF_FINETUNE:
            made.append(folder / f"report-finetune-{section}.png")
            browser.picture(made[-1], f"#{section}", pad=20)
        browser.open(page, 390, 1200)
        made.append(folder / "report-finetune-390.png")
        browser.screen(made[-1])
        if browser.errors:
            raise SystemExit(f"The page complains: {browser.errors}")
    return made


def make_selection(run: Path, folder: Path = _FOLDER) -> list[Path]:
    """Write ``select-*.png`` of the selection ``run`` into ``folder`` and return them: its top, its map with a picture pointed at, its sections."""
    if find() is None:
        raise SystemExit("missing tool: chromium. Install it (on Debian: apt-get install chromium) and run this again.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, Chromium() as browser:
        page = build([run], Path(temporary) / "report.html")
        browser.open(page, 1280, 1180)
        made = [folder / "select-top.png"]
        browser.screen(made[-1])
        there = browser.run("[...document.querySelectorAll('section[data-state=present]')].map((e) => e.id)")
        for section in (one for one in _OF_SELECTION if one in there):
            browser.open(page, 1280)
            if section == "selection-map":
                _point(browser)
            made.append(folder / f"select-{section}.png")
            browser.picture(made[-1], f"#{section}", pad=20)
        if browser.errors:
            raise SystemExit(f"The page complains: {browser.errors}")
    return made


def _point(browser: Chromium) -> None:
    """Move over the map until it tells of a selected image."""
    browser.run("document.querySelector('#selection-map').scrollIntoView({ behavior: 'instant' })")
    left, top, width, height = browser.run(
        "(() => { const b = document.querySelector('#selection-map canvas').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
    )
    for down in range(40, 96, 3):
        for across in range(30, 80, 2):
            browser.mouse("mouseMoved", left + width * across / 100, top + height * down / 100)
            if "selected, number" in browser.run("document.querySelector('#selection-map .tip').textContent"):
                return


if __name__ == "__main__":
    if sys.argv[1:2] == ["--selection"]:
        for path in make_selection(Path(sys.argv[2]), *map(Path, sys.argv[3:])):
            print(path)
        raise SystemExit
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    for path in make(Path(sys.argv[1]), *map(Path, sys.argv[2:])):
        print(path)
