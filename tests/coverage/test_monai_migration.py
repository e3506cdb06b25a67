"""MONAI 22, and every line of the tutorial's migration page, on small trees with a small network."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from docs.migration_monai import COMMANDS

from tests.coverage.command_line import Done, vesalius
from tests.coverage.ct import ORGANS, SMALL, UNETR, VIT, best_model
from tests.trees import btcv, tcia
from tests.trees.phantoms import abdomen, write_as

Ran = Callable[[str], Done]
LINES = [ours for _, ours, _ in COMMANDS]
SHAPE = (48, 44, 10)
FIRST = [next(line for line in LINES if line.endswith(words)) for words in ("--logdir runs/ssl --data.allow_leakage true", "--logdir_path runs/unetr")]
"""Lines whose runs others go on from."""


def words_of(line: str) -> list[str]:
    """The words of ``line`` after ``vesalius``, and what makes a training small."""
    words = shlex.split(line)
    words = words[words.index("vesalius.cli" if words[0] == "torchrun" else "vesalius") + 1 :]
    if words[0] == "pretrain":
        return [*words, *SMALL, *VIT, "--epochs", "1", "--debug", "true"]
    if words[0] == "finetune":
        table = ("--sizes", "[2,4]", "--seeds", "[1]") if "--sizes" in words else ()
        return [*words, *UNETR, *(VIT if "btcv-unetr-scratch" in words else ()), *table, "--steps", "1"]
    return words


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both data sets as downloaded, the tutorial's lists, its checkpoint and a new scan."""
    folder = tmp_path_factory.mktemp("clinic")
    tcia.write(folder / "tcia", shape=SHAPE)
    btcv.write(folder / "btcv", ORGANS, shape=SHAPE)
    tcia.write_list(folder / "lists" / "dataset_split.json", tcia.NAMES[:9], tcia.NAMES[9:])
    btcv.write_list(folder / "lists" / "dataset_0.json", 6)
    best_model(folder / "best_model.pt")
    values, _, affine = abdomen(SHAPE, 99)
    write_as(folder / "scans" / "new.nii.gz", values, affine, "LPS")
    return folder


@pytest.fixture(scope="module")
def ran(clinic: Path) -> Ran:
    """Runs a line once, however often it is asked for, and before it those whose runs it may need."""
    kept: dict[str, Done] = {}

    def run(line: str) -> Done:
        for each in (*FIRST, line):
            if each not in kept:
                with pytest.MonkeyPatch.context() as patch:
                    patch.chdir(clinic)
                    patch.setenv("VESALIUS_RUNS", str(clinic / "all"))
                    kept[each] = vesalius(*words_of(each))
                assert kept[each].code == 0, f"{each}\n{kept[each].said}"
        return kept[line]

    return run


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_migration_page_runs(line: str, ran: Ran, clinic: Path) -> None:
    ran(line)
    words = line.replace("=", " ").split()
    for word in ("--out", "--logdir", "--output"):
        if word in words:
            made = clinic / words[words.index(word) + 1]
            assert made.exists(), made
            assert made.suffix or made.name == "labels" or (made / "report.html").is_file()


def test_pretrained_against_random_by_number_of_volumes(ran: Ran, clinic: Path) -> None:
    """One command; the page holds both twins for each number of volumes and what pretraining adds, relatively."""
    ran(next(line for line in LINES if "--sizes" in line))
    page = (clinic / "runs" / "table" / "report.html").read_text()
    assert "relative" in page.lower()
    assert (clinic / "runs" / "table" / "results.json").is_file()


def test_what_the_originals_numbers_bring_back_is_said(ran: Ran) -> None:
    for words, sentences in (("runs/theirs --compat", 3), ("as-theirs --compat", 2)):
        said = " ".join(ran(next(line for line in LINES if words in line)).said.split())
        assert said.count("compat monai-tutorial: ") == sentences
