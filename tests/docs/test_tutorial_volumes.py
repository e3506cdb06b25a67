"""docs/tutorial-volumes.md: every block is run, in order, on small heads, with a small network, for a few steps."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from tests.segmented import heads
from tests.test_docs import ROOT, blocks
from vesalius.cli import app

PAGE = "docs/tutorial-volumes.md"
SMALL = {
    "pretrain": (
        *("--encoder.num_layers", "1", "--encoder.hidden_size", "24", "--encoder.mlp_dim", "24", "--encoder.num_heads", "2", "--method.width", "24"),
        *("--method.depth", "1", "--method.heads", "2", "--epochs", "1", "--batch_size", "4", "--threads", "1", "--device", "cpu", "--debug", "true"),
        *("--data.plan", "{patch: [32, 32, 32]}"),
    ),
    "finetune": (
        *("--steps", "1", "--batch_size", "1", "--seeds", "[1]", "--threads", "1", "--device", "cpu", "--validate_every.steps", "1"),
        *("--sliding.overlap", "0", "--decoder.feature_size", "2"),
    ),
    "evaluate": ("--perturbations", "noise"),
}
"""Added to the page's own fields, by verb: a later field goes before an earlier one."""


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    listed = json.loads(heads(tmp_path / "labelled", 2, 1, 1).read_text())
    for folder in ("scans", "new"):
        shutil.copytree(tmp_path / "labelled" / "imagesTr", tmp_path / folder)
    run = 0
    for language, text in blocks(PAGE):
        if language == "json":
            shown = json.loads(text)
            assert (shown["labels"], set(shown)) == (listed["labels"], set(listed))
            continue
        if language == "python":
            known: dict[str, object] = {}
            exec(compile(text, PAGE, "exec"), known)
            assert len(known["run"].table) == 4  # type: ignore[attr-defined]
            run += 1
            continue
        for line in text.splitlines():
            program, *words = shlex.split(line)
            assert (program, language) == ("vesalius", "bash"), line
            command, _, _ = app.parse_args(words, exit_on_error=False, print_error=False)
            done = vesalius(*words, *(() if "--resume" in words else SMALL.get(command.__name__, ())))
            assert done.code == 0, f"{line}\n{done.said}"
            run += 1
    assert run == 12
    assert len(list((tmp_path / "segmented").glob("*_seg.nii.gz"))) == 4
    assert (tmp_path / "runs/segmenter/report.html").is_file()


def test_it_stays_a_tutorial() -> None:
    assert len((ROOT / PAGE).read_text(encoding="utf-8").splitlines()) <= 150
