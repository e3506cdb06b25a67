"""docs/select.md: its commands, its file and its Python are run in order on small images, and its tables are what the code says now."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from docs import select_keys
from tests.coverage.command_line import vesalius
from tests.test_docs import blocks, images
from vesalius.encoders import build_encoder, save_encoder
from vesalius.select.config import configured
from vesalius.select.keys import KEYS

PAGE = "docs/select.md"
SMALL = ("--model.width", "0.0625", "--threads", "1", "--training.augmentation.image_size", "16", "--training.epochs", "1")


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    images(tmp_path / "images")
    save_encoder(build_encoder("resnet18", width=0.0625, stem="small", size=(16, 16), seed=3).eval(), tmp_path / "public")
    ran = 0
    for language, text in blocks(PAGE):
        if language == "yaml":
            (tmp_path / "job.yaml").write_text(text)
            continue
        if language == "python":
            known: dict[str, object] = {}
            exec(compile(text, PAGE, "exec"), known)
            assert len(known["done"].names) == 5  # type: ignore[attr-defined]
            continue
        for line in text.splitlines():
            program, *words = shlex.split(line.replace("timm:resnet18", str(tmp_path / "public")))
            assert program == "vesalius"
            small = SMALL if "job.yaml" in words or "--training.epochs" in words else ()
            done = vesalius(*words, *small)
            assert done.code == 0, f"{line}\n{done.said}"
            ran += 1
    assert ran == 4
    assert (tmp_path / "again.txt").read_text().count("\n") == 10


def test_the_tables_are_current() -> None:
    page = select_keys.PAGE.read_text()
    assert page == select_keys.put(page, select_keys.text()), "run python -m docs.select_keys"
    for key in KEYS:
        assert page.count(f"| `{key.path.partition('.')[2]}` |") >= 1, key.path


def test_what_the_page_calls_by_words_is_understood() -> None:
    words = "diversity:objects/cells weights:size,strength=-1 weights:scores/cells/uncertainty_margin balance:view threshold:age>=2 random"
    for strategy in words.split():
        configured(None, data="images", n=5, strategy=strategy)
