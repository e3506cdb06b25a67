"""A run is found again by folder, id, unique prefix, name of its folder, or as the latest."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.runs import Run, every, find, home


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))


def made(out: Path | None = None) -> Run:
    time.sleep(0.002)  # runs are told apart by milliseconds
    return Run.create("pretrain", "x", {}, out)


def test_by_folder_id_and_name(tmp_path: Path) -> None:
    run, other = made(), made(tmp_path / "there" / "mine")
    for reference in (run.path, str(run.path), run.facts()["id"], f"run:{run.facts()['id']}", run.path.name, f"run:{run.path}"):
        assert find(reference).resolve() == run.path.resolve()
    for reference in (other.facts()["id"], "mine", tmp_path / "there" / "mine"):
        assert find(reference).resolve() == other.path.resolve()


def test_by_a_prefix_that_is_unique(tmp_path: Path) -> None:
    runs = [made(tmp_path / name) for name in ("alpha-1", "alpha-2", "beta-1")]
    assert find("beta").resolve() == runs[2].path.resolve()
    assert find("alpha-2").resolve() == runs[1].path.resolve()
    with pytest.raises(UserError, match=r"'alpha' fits 2 runs: alpha-\d, alpha-\d. Give more of the id"):
        find("alpha")
    assert find(runs[0].facts()["id"][:-1]).resolve() == runs[0].path.resolve()


def test_a_whole_name_beats_a_prefix(tmp_path: Path) -> None:
    short, _ = made(tmp_path / "run"), made(tmp_path / "run-2")
    assert find("run").resolve() == short.path.resolve()


def test_the_latest_is_the_last_that_started(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no run below"):
        find("latest")
    first, second = made(tmp_path / "one"), made()
    assert find("latest").resolve() == second.path.resolve()
    third = made(tmp_path / "two")
    assert find("latest").resolve() == third.path.resolve()
    assert [path for path, _ in every()] == [run.path.resolve() for run in (third, second, first)]


def test_a_part_of_a_run_is_not_found_before_the_whole(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    part = made(whole.path / "finetune" / "seed-1")
    assert find("latest").resolve() == whole.path.resolve()
    assert [path for path, _ in every()] == [whole.path.resolve()]
    assert find(part.path) == part.path


def test_what_is_gone_or_broken_is_passed_over(tmp_path: Path) -> None:
    gone, kept, broken = made(tmp_path / "gone"), made(), made()
    shutil.rmtree(gone.path)
    (broken.path / "run.json").write_text("{")
    (home() / "folder-without-run").mkdir()
    assert [path for path, _ in every()] == [kept.path.resolve()]


def test_nothing_of_that_name() -> None:
    made()
    with pytest.raises(UserError, match=r"There is no run 'zebra' below .*`vesalius runs list`"):
        find("zebra")


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is a folder, but not a run's: it holds no run.json"):
        find(tmp_path)
