"""Weights of another run, and the same run gone on with: two words that are never taken for each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vesalius.errors import UserError
from vesalius.recipes.arguments import pairs
from vesalius.recipes.recovery import recovered, run_of, weights_of
from vesalius.runs import Run

BOTH = r"--pretraining_run_recovery_id begins a new run .* and --run_recovery_id goes on with the same run"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def encoder_run() -> Run:
    run = Run.create("pretrain", "chest", {"epochs": 2})
    run.record(tracked={"mlflow": {"run_id": "0123456789abcdef"}})
    return run


@pytest.fixture
def classifier_run() -> Run:
    return Run.create("finetune", "sick", {"epochs": 2})


@pytest.mark.parametrize("word", ["folder", "name", "id", "short", "tracked", "mlflow:tracked", "experiment:tracked"])
def test_a_run_here_is_found_by_any_of_its_names(encoder_run: Run, word: str) -> None:
    facts = encoder_run.facts()
    names = {"folder": str(encoder_run.path), "name": encoder_run.path.name, "id": facts["id"], "short": facts["id"][:-2]}
    reference = names.get(word, word.replace("tracked", "0123456789abcdef"))
    assert weights_of(reference) == str(encoder_run.path)
    assert run_of(reference, "pretrain", None, {}) == encoder_run.path
    assert recovered("pretrain", None, {"run_recovery_id": reference}, None) == ({}, encoder_run.path)
    assert recovered("pretrain", "demo", {"pretraining_run_recovery_id": reference}, None) == ({"encoder.weights": str(encoder_run.path)}, None)
    assert recovered("finetune", None, {"pretraining_run_recovery_id": reference, "steps": 1}, None)[0] == {"steps": 1, "encoder": str(encoder_run.path)}
    named: dict[str, Any] = {"ssl_encoder": "resnet18", "pretraining_run_recovery_id": reference}
    assert recovered("finetune", None, named, None)[0] == {"ssl_encoder": "resnet18", "encoder.weights": str(encoder_run.path)}


def test_one_for_the_other_is_said(encoder_run: Run, classifier_run: Run) -> None:
    with pytest.raises(UserError, match=BOTH):
        recovered("finetune", None, {"run_recovery_id": "a", "pretraining_run_recovery_id": "b"}, None)
    with pytest.raises(UserError, match=r"begins a new run .* and --resume goes on with the same run"):
        recovered("pretrain", None, {"pretraining_run_recovery_id": "b"}, "latest")
    with pytest.raises(UserError, match="--run_recovery_id and --resume both say"):
        recovered("pretrain", None, {"run_recovery_id": "b"}, "latest")
    with pytest.raises(UserError, match=r"is a pretraining. To start from its encoder write --pretraining_run_recovery_id .*; to go on"):
        run_of(str(encoder_run.path), "finetune", None, {})
    with pytest.raises(UserError, match=r"goes on with a run of pretrain, and .* was made by finetune"):
        run_of(str(classifier_run.path), "pretrain", None, {})
    with pytest.raises(UserError, match=r"was made by finetune. To go on with it write --run_recovery_id .*, --encoder"):
        weights_of(str(classifier_run.path))
    for more, beside in (({"src_checkpoint": "x.ckpt"}, None), ({}, "other/run"), ({}, {"weights": "x"})):
        with pytest.raises(UserError, match="another encoder is given too"):
            recovered("finetune", None, {"pretraining_run_recovery_id": str(encoder_run.path), **more}, None, beside)


def test_what_is_nowhere_is_said_without_asking_anybody(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no run 'gone' below .*, and no MLflow to ask"):
        weights_of("gone")
    with pytest.raises(UserError, match="no MLflow to ask"):
        run_of("chest:gone", "pretrain", None, {})
    (tmp_path / "last.ckpt").write_bytes(b"x")
    assert weights_of(str(tmp_path / "last.ckpt")) == str(tmp_path / "last.ckpt")


def test_an_id_of_digits_stays_text() -> None:
    assert pairs(["--run-recovery-id", "12345678901234567890123456789012", "--pretraining_run_recovery_id=1e5"]) == [
        ("run_recovery_id", "12345678901234567890123456789012"),
        ("pretraining_run_recovery_id", "1e5"),
    ]
