"""The commands and the Python of README and tutorial are run, in order, on small images with a small network."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.coverage.command_line import vesalius
from vesalius.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/tutorial.md")
SMALL = ("--encoder.width", "0.125", "--epochs", "1", "--batch_size", "8", "--threads", "1", "--debug", "true")
"""Added to a page's own fields of ``vesalius pretrain``: a later field goes before an earlier one."""


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of each fenced block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def images(folder: Path) -> None:
    """Two classes of twenty pictures that differ in where the light is."""
    rng = np.random.default_rng(5)
    for number, name in enumerate(("left", "right")):
        (folder / name).mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 90, (40, 44, 3), dtype=np.uint8)
            pixels[:, 22 * number : 22 * number + 22] += 100
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


@pytest.mark.parametrize("page", PAGES)
def test_what_the_page_says_works(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    images(tmp_path / "images")
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    run = 0
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, page, "exec"), {"__name__": page})
            run += 1
            continue
        assert language == "bash", f"{page}: a block is bash or python"
        for line in text.splitlines():
            program, *words = shlex.split(line)
            if program == "make":
                assert words[0] in targets, line
                continue
            assert program == "vesalius", f"{page}: {line} is neither make nor vesalius"
            command, _, _ = app.parse_args(words, exit_on_error=False, print_error=False)
            small = SMALL if command.__name__ == "pretrain" and "--resume" not in words else ()
            done = vesalius(*words, *small)
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run >= 7
    assert (tmp_path / "runs" / "first" / "report.html").is_file()


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/tutorial.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            place = ((ROOT / page).parent / target).resolve()
            assert place.exists(), f"{page}: {target}"


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


def test_the_index_links_every_page() -> None:
    linked = re.findall(r"\]\(([^)#]+)", (ROOT / "docs" / "index.md").read_text())
    pages = [p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md") if p.name != "index.md"]
    assert sorted(set(pages) - set(linked)) == []
