"""docs/evaluate.md: its commands are run on small images, its table is the protocols there are, and the example's protocol works from outside."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from tests.test_docs import ROOT, blocks, images
from vesalius import registry
from vesalius.cli import app
from vesalius.encoders import build_encoder, save_encoder

PAGE = "docs/evaluate.md"
EXAMPLE = ROOT / "examples" / "my_protocol.py"
ELSEWHERE = ("moco-v2",)
"""What a test does not fetch."""


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    images(tmp_path / "images")
    shutil.copy(EXAMPLE, tmp_path)
    encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=3)
    encoder.card = encoder.card.model_copy(update={"trained_on": "a test"})
    save_encoder(encoder.eval(), tmp_path / "runs" / "first")
    few = ("--replicates", "100")
    run = 0
    for language, text in blocks(PAGE):
        if language == "python":
            known: dict[str, object] = {}
            exec(compile(text, PAGE, "exec"), known)
            assert len(known["scores"]) == 6  # type: ignore[arg-type]
            run += 1
            continue
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert program == "vesalius"
            app.parse_args(words, exit_on_error=False, print_error=False)
            if not set(words) & set(ELSEWHERE):
                fewer = ("--episodes", "40", "--shots", "1,5") if "few-shot" in words[1] else ()
                done = vesalius(*words, *(() if "--resume" in words else (*few, *fewer)))
                assert done.code == 0, f"{line}\n{done.said}"
                run += 1
    assert run == 4
    own = tmp_path / "runs" / "own"
    assert (own / "nearest-mean" / "ours" / "images.safetensors").is_file()
    assert (own / "tables" / "nearest-mean.tex").is_file()
    assert "nearest-mean" in (own / "report.html").read_text()
    assert (own / "plugins" / "0-my_protocol.py").read_text() == EXAMPLE.read_text(), "a run keeps what it was made with"


def test_the_table_has_every_protocol() -> None:
    named = set(re.findall(r"`([\w-]+)`", "".join(line.split("|")[1] for line in (ROOT / PAGE).read_text().splitlines() if line.startswith("| `"))))
    assert set(registry.names("protocols")) - {"nearest-mean"} <= named


def test_the_example_is_one_short_file_that_reaches_into_nothing_private() -> None:
    text = EXAMPLE.read_text()
    assert len(text.splitlines()) <= 80
    assert not re.search(r"import _|\._\w", text)
