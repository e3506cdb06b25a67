"""Words of the originals for where a run is written, and for what the tutorial's scripts set in their sources."""

from __future__ import annotations

import pytest

from vesalius.errors import UserError
from vesalius.recipes.arguments import from_pairs, pairs, placed


@pytest.mark.parametrize("word", ["logdir", "logdir_path", "output"])
def test_each_word_for_the_runs_folder_is_out(word: str) -> None:
    assert placed({word: "runs/a", "epochs": 2}, None) == ({"epochs": 2}, "runs/a", [])
    with pytest.raises(UserError, match=f"--out and --{word} both say"):
        placed({word: "runs/a"}, "runs/b")


def test_of_two_words_one_is_taken_and_the_other_named() -> None:
    left, out, said = placed({"logdir_path": "logs", "output": "runs/a"}, None)
    assert (left, out) == ({}, "runs/a")
    assert said == [
        "--logdir_path is passed over beside --output: curves and checkpoints lie in the one folder of a run."
    ]
    assert placed({"epochs": 3}, "runs/a") == ({"epochs": 3}, "runs/a", [])


def test_the_tutorials_arguments() -> None:
    given = ["--data_root", "d", "--json_path=l.json", "--base_lr", "2e-4", "--val_interval", "2"]
    changes, said = from_pairs(pairs(given))
    assert changes == {
        "data": {"root": "d", "train": "l.json"},
        "optimizer": {"lr": 2e-4},
        "validate_every": {"epochs": 2},
    }
    assert said == []
    given = [
        "--data_dir",
        "d",
        "--pretrained_weights_path",
        "best_model.pt",
        "--max_iterations",
        "30000",
        "--eval_num",
        "100",
    ]
    changes, _ = from_pairs(pairs(given, "finetune"), "finetune")
    assert changes == {
        "data": {"root": "d"},
        "encoder": {"name": "best_model.pt"},
        "steps": 30000,
        "validate_every": {"steps": 100},
    }


@pytest.mark.parametrize(("given", "scratch"), [("1", False), ("0", True), ("True", False), ("False", True)])
def test_use_pretrained_is_the_twin_from_scratch_or_not(given: str, scratch: bool) -> None:
    assert from_pairs(pairs(["--use_pretrained", given], "finetune"), "finetune")[0] == {
        "encoder": {"scratch": scratch}
    }
