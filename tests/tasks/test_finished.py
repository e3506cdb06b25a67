"""Runs that hold no model say what they are and what to give instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.runs import Run
from vesalius.tasks.finished import FILES, finished


def made(verb: str, place: Path) -> Path:
    return Run.create(verb, "x", {}, place).path


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("pretrain", r"is a run of `vesalius pretrain`: .* `vesalius finetune RECIPE --encoder "),
        ("finetune", r"is not done and holds no classifier yet\. .*`vesalius finetune --resume "),
        ("select", r"is a run of `vesalius select` and holds no classifier\. Give the folder or id of a run of `vesalius finetune`"),
    ],
)
def test_other_runs(verb: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    with pytest.raises(UserError, match=words):
        finished(made(verb, tmp_path / "run"), "classifier")


def test_several_runs_in_one_and_a_folder_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    twins = made("finetune", tmp_path / "twins")
    for part in ("scratch-seed-1", "pretrained-seed-1"):
        (twins / part).mkdir()
        for name in FILES["segmenter"]:
            (twins / part / name).touch()
    with pytest.raises(UserError, match=r"holds several runs: pretrained-seed-1, scratch-seed-1\. Give one of them, such as .*pretrained-seed-1\."):
        finished(twins, "segmenter")
    assert finished(twins / "scratch-seed-1", "segmenter") == twins / "scratch-seed-1"
    with pytest.raises(UserError, match=r"holds no segmenter: segmenter\.json and segmenter\.safetensors are not there"):
        finished(tmp_path, "segmenter")
